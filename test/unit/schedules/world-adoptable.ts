/** A bucket and a role that were there before, and may be adopted: what of them the service may change, and how. */

import * as iam from '@aws-sdk/client-iam';
import * as s3 from '@aws-sdk/client-s3';
import type { CorsRule, PublicAccessBlock } from '../../../src/domain/model/record.ts';
import { accountId } from '../environment.ts';
import type { Aws, Bucket, BucketParts, Role, RoleParts } from './account.ts';
import {
  type Adoption,
  adoptedBucket,
  adoptedRole,
  adoptedRoleArn,
  adoptingRequests,
  type Request,
} from './adoption.ts';
import type { Clock } from './clock.ts';
import { type Part, part } from './parts.ts';
import { awsError } from './service.ts';
import { stranger, type Watch } from './things.ts';
import { statementFor } from './trust-documents.ts';
import type { Worker } from './worker.ts';
import type { Platform, PlatformIntegration } from './world-dataloop.ts';
import type { Journal } from './world-journal.ts';

export interface Adoptable {
  readonly requests: readonly Request[];
  readonly bucket: BucketParts;
  readonly role: RoleParts;
  /** At Dataloop. */
  readonly waiting: PlatformIntegration;
  /** As their owners make them, each time the same. */
  makeBucket(): void;
  makeRole(): void;
  /** A number that nothing here had before. */
  next(): number;
}

const closed: PublicAccessBlock = {
  BlockPublicAcls: true,
  IgnorePublicAcls: true,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: true,
};

export const blocks: Readonly<Record<Adoption['publicAccess'], PublicAccessBlock | undefined>> = {
  closed,
  half: { ...closed, RestrictPublicBuckets: false },
  none: undefined,
};

export const rules: Readonly<Record<Adoption['rules'], readonly CorsRule[] | undefined>> = {
  none: undefined,
  theirs: [
    { ID: 'theirs', AllowedMethods: ['GET'], AllowedOrigins: ['https://example.com'], MaxAgeSeconds: 5 },
    { AllowedMethods: ['PUT', 'POST'], AllowedOrigins: ['https://*.example.org'] },
  ],
  allowing: [
    {
      AllowedMethods: ['HEAD', 'GET', 'PUT', 'POST', 'DELETE'],
      AllowedOrigins: ['https://*.dataloop.ai'],
      AllowedHeaders: ['*'],
      ExposeHeaders: ['etag'],
    },
  ],
};

const theirStatement = {
  Sid: 'Team',
  Effect: 'Allow',
  Principal: { Service: 'ec2.amazonaws.com' },
  Action: 'sts:AssumeRole',
};

/** As people write it: with white space. */
export const theirTrust = (statement: Adoption['statement']): string =>
  JSON.stringify(
    { Version: '2012-10-17', Id: 'team', Statement: statement === 'one' ? theirStatement : [theirStatement] },
    undefined,
    4,
  );

export const readOnlyPolicy = 'arn:aws:iam::aws:policy/ReadOnlyAccess';

/** Makes what a schedule adopts, as it was before. */
export function adoptable(
  clock: Clock,
  watch: Watch,
  { visibleAfterMs, adoption }: { readonly visibleAfterMs: number; readonly adoption: Adoption },
  journal: Journal,
  aws: Aws,
  platform: Platform,
): Adoptable {
  const partOf = <T>(
    key: string,
    first: T,
    lock: string,
    resource: 'bucket' | 'role',
    change: 'cors' | 'publicAccessBlock' | 'trustPolicy',
  ): Part<T> =>
    part(key, first, clock, watch, visibleAfterMs, {
      holder: () => journal.holderOf(lock),
      announced: (integrationId) => journal.record(integrationId)?.resources[resource]?.changes?.[change],
      isGivenBack: (integrationId) => journal.record(integrationId)?.resources[resource]?.state === 'gone',
    });
  const bucketLock = `adopted-bucket#${adoptedBucket}`;
  const firstBlock = blocks[adoption.publicAccess];
  const firstRules = rules[adoption.rules];
  const firstTrust = theirTrust(adoption.statement);
  const bucket: BucketParts = {
    cors: partOf('its CORS rules', firstRules, bucketLock, 'bucket', 'cors'),
    publicAccess: partOf('its public-access block', firstBlock, bucketLock, 'bucket', 'publicAccessBlock'),
  };
  const role: RoleParts = {
    trust: partOf('its trust policy', firstTrust, `adopted-role#${adoptedRole}`, 'role', 'trustPolicy'),
    attached: new Set(),
    isExcused: false,
    isPolicyOf: (integrationId = '', arn) => {
      const own = journal.record(integrationId)?.resources.policy?.arn;
      return own !== undefined && (arn === own || arn.startsWith(`${own}-`));
    },
  };

  let number = 0;
  const common = { maker: stranger, tamperedWith: false, tags: { team: 'theirs' } };
  const makeBucket = () => {
    bucket.cors.begin(firstRules);
    bucket.publicAccess.begin(firstBlock);
    aws.buckets.set(adoptedBucket, {
      ...common,
      key: `bucket ${adoptedBucket}`,
      bornAt: clock.now(),
      objects: 2,
      account: accountId,
      settings: {
        encryption: { Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }] },
      },
      parts: bucket,
    });
  };
  const makeRole = () => {
    role.trust.begin(firstTrust);
    role.attached.clear();
    role.attached.add(readOnlyPolicy);
    role.isExcused = false;
    aws.roles.set(adoptedRole, {
      ...common,
      key: `role ${adoptedRole}`,
      bornAt: clock.now(),
      name: adoptedRole,
      arn: adoptedRoleArn,
      id: aws.uniqueId(),
      get trust() {
        return role.trust.now();
      },
      boundary: `arn:aws:iam::${accountId}:policy/team-boundary`,
      attached: new Set(role.attached),
      parts: role,
    });
  };
  makeBucket();
  makeRole();
  // They have been there for long.
  const waiting = platform.addIntegration(stranger, 'waiting');
  for (const thing of [aws.buckets.get(adoptedBucket), aws.roles.get(adoptedRole), waiting]) {
    if (thing) Object.assign(thing, { bornAt: 0 });
  }
  return {
    requests: adoptingRequests(adoption),
    bucket,
    role,
    waiting,
    makeBucket,
    makeRole,
    next: () => ++number,
  };
}

const asSent = (value: unknown) => JSON.parse(JSON.stringify(value));

/**
 * What S3 answers where the bucket is one of those that may be adopted; undefined where it is not.
 * @param bucketOf the bucket, for a look at it
 */
export function adoptedBucketCall(
  command: unknown,
  by: Worker,
  buckets: Aws['buckets'],
  bucketOf: (by: Worker, name?: string) => Bucket,
): object | undefined {
  const isCall =
    command instanceof s3.GetBucketCorsCommand ||
    command instanceof s3.PutBucketCorsCommand ||
    command instanceof s3.DeleteBucketCorsCommand ||
    command instanceof s3.GetPublicAccessBlockCommand ||
    command instanceof s3.PutPublicAccessBlockCommand ||
    command instanceof s3.DeletePublicAccessBlockCommand;
  if (!isCall) return undefined;
  const name = command.input.Bucket ?? '';
  if (name !== adoptedBucket) return undefined;
  const isLook =
    command instanceof s3.GetBucketCorsCommand || command instanceof s3.GetPublicAccessBlockCommand;
  const parts = (isLook ? bucketOf(by, name) : buckets.get(name))?.parts;
  if (!parts) throw awsError('NoSuchBucket', 404);
  if (command instanceof s3.GetBucketCorsCommand) {
    const CORSRules = parts.cors.shown(by);
    if (!CORSRules) throw awsError('NoSuchCORSConfiguration', 404);
    return { CORSRules };
  }
  if (command instanceof s3.GetPublicAccessBlockCommand) {
    const PublicAccessBlockConfiguration = parts.publicAccess.shown(by);
    if (!PublicAccessBlockConfiguration) throw awsError('NoSuchPublicAccessBlockConfiguration', 404);
    return { PublicAccessBlockConfiguration };
  }
  if (command instanceof s3.PutBucketCorsCommand) {
    parts.cors.write(by, asSent(command.input.CORSConfiguration?.CORSRules));
  } else if (command instanceof s3.DeleteBucketCorsCommand) parts.cors.write(by, undefined);
  else if (command instanceof s3.PutPublicAccessBlockCommand) {
    parts.publicAccess.write(by, asSent(command.input.PublicAccessBlockConfiguration));
  } else parts.publicAccess.write(by, undefined);
  return {};
}

/**
 * What a function does to a role that may be adopted: nothing but to add and take back what is its integration's.
 * @param ownerOf the integration that a driver was added to; of an integration, itself
 */
export function changeAdoptedRole(
  command: unknown,
  by: Worker,
  watch: Watch,
  parts: RoleParts,
  role: Role,
  mayTrust: (integrationId: string, userArn: string) => boolean,
  ownerOf: (integrationId: string) => string,
): void {
  if (role.bornAt >= (by.looks.get(role.key) ?? Number.POSITIVE_INFINITY)) parts.isExcused = true;
  if (command instanceof iam.UpdateAssumeRolePolicyCommand) {
    const document = command.input.PolicyDocument ?? '';
    const user = statementFor(document, by.integrationId ?? '')?.Principal?.AWS;
    if (user !== undefined && !mayTrust(by.integrationId ?? '', String(user)))
      watch.violate(`${by.label} trusts whom Dataloop did not name: ${document}`);
    parts.trust.write(by, document);
  }
  if (command instanceof iam.AttachRolePolicyCommand || command instanceof iam.DetachRolePolicyCommand) {
    const { PolicyArn = '' } = command.input;
    const owner = ownerOf(by.integrationId ?? '');
    if (!parts.isPolicyOf(owner, PolicyArn))
      watch.violate(`${by.label} attaches or detaches ${PolicyArn}, which is not its integration's`);
    if (parts.trust.adopters.holder() !== owner)
      watch.violate(`${by.label} attaches or detaches ${PolicyArn} at a role that it has not adopted`);
  }
}
