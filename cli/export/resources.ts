/** What was created in the AWS account, as tools for infrastructure name it. What was adopted is in somebody's hands already. */
import type { Connection } from '../connection/answers.ts';

export interface CreatedBucket {
  readonly name: string;
  readonly hasCors: boolean;
  /** Undefined: S3's own encryption. */
  readonly kmsKeyArn: string | undefined;
}

export interface Created {
  readonly name: string;
  readonly buckets: readonly CreatedBucket[];
  readonly roleArn: string | undefined;
  readonly policyArns: readonly string[];
}

const arnsOf = ({ resources }: Connection, type: string): string[] =>
  resources.flatMap((resource) =>
    resource.type === type && resource.origin !== 'adopted' && resource.arn ? [resource.arn] : [],
  );

const bucketsOf = (connection: Connection): CreatedBucket[] =>
  arnsOf(connection, 'AWS::S3::Bucket').map((arn) => ({
    name: arn.split(':').at(-1) ?? '',
    // A service of an earlier version does not say; CORS is its default.
    hasCors: connection.request?.bucket.cors !== false,
    kmsKeyArn: connection.request?.bucket.kmsKeyArn,
  }));

/** @param added the added buckets of the integration */
export function createdBy(integration: Connection, added: readonly Connection[]): Created {
  return {
    name: integration.name,
    buckets: [integration, ...added].flatMap(bucketsOf),
    roleArn: arnsOf(integration, 'AWS::IAM::Role')[0],
    policyArns: arnsOf(integration, 'AWS::IAM::ManagedPolicy'),
  };
}

/** The last part of an ARN: what has a path is named without it. */
export const nameOfArn = (arn: string): string => arn.split('/').at(-1) ?? arn;
