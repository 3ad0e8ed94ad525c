/** A template to import into a stack, and the list of what it imports. */
import type { Policies } from '../connection/policies.ts';
import { type Created, type CreatedBucket, nameOfArn } from './resources.ts';

interface Resource {
  readonly Type: string;
  readonly DeletionPolicy: 'Retain';
  readonly UpdateReplacePolicy: 'Retain';
  readonly Properties: Readonly<Record<string, unknown>>;
}

interface Imported {
  readonly ResourceType: string;
  readonly LogicalResourceId: string;
  readonly ResourceIdentifier: Readonly<Record<string, string>>;
}

/** Letters and digits only. */
const logicalId = (kind: string, name: string): string =>
  `${kind}${name.replaceAll(/(?:^|[^A-Za-z0-9]+)([A-Za-z0-9]?)/g, (_all, letter: string) => letter.toUpperCase())}`;

const pathOf = (arn: string): string => /^arn:[^:]+:iam::\d+:\w+(\/(?:.*\/)?)/.exec(arn)?.[1] ?? '/';

/** As the service makes each bucket; its CORS rule is not changed by an import. */
const bucketProperties = ({ name, kmsKeyArn }: CreatedBucket) => ({
  BucketName: name,
  PublicAccessBlockConfiguration: {
    BlockPublicAcls: true,
    BlockPublicPolicy: true,
    IgnorePublicAcls: true,
    RestrictPublicBuckets: true,
  },
  OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
  BucketEncryption: {
    ServerSideEncryptionConfiguration: [
      {
        ServerSideEncryptionByDefault: kmsKeyArn
          ? { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: kmsKeyArn }
          : { SSEAlgorithm: 'AES256' },
      },
    ],
  },
});

export function cloudFormation(created: Created, policies: Policies) {
  const resources: Record<string, Resource> = {};
  const imports: Imported[] = [];
  const add = (
    kind: string,
    name: string,
    Type: string,
    Properties: Resource['Properties'],
    ResourceIdentifier: Imported['ResourceIdentifier'],
  ) => {
    const alike = logicalId(kind, name);
    // `a.b` and `a-b` are two buckets.
    const id = Object.hasOwn(resources, alike) ? `${alike}${imports.length}` : alike;
    // An import needs the policies: nothing that it takes over goes with the stack.
    resources[id] = { Type, DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain', Properties };
    imports.push({ ResourceType: Type, LogicalResourceId: id, ResourceIdentifier });
  };
  for (const bucket of created.buckets) {
    add('Bucket', bucket.name, 'AWS::S3::Bucket', bucketProperties(bucket), { BucketName: bucket.name });
  }
  for (const PolicyArn of created.policyArns) {
    const ManagedPolicyName = nameOfArn(PolicyArn);
    const PolicyDocument = policies.permissions[PolicyArn];
    const properties = { ManagedPolicyName, Path: pathOf(PolicyArn), PolicyDocument };
    add('Policy', ManagedPolicyName, 'AWS::IAM::ManagedPolicy', properties, { PolicyArn });
  }
  if (created.roleArn !== undefined) {
    const RoleName = nameOfArn(created.roleArn);
    const properties = {
      RoleName,
      Path: pathOf(created.roleArn),
      AssumeRolePolicyDocument: policies.trust,
      ManagedPolicyArns: created.policyArns,
      ...(policies.permissionsBoundaryArn ? { PermissionsBoundary: policies.permissionsBoundaryArn } : {}),
    };
    add('Role', RoleName, 'AWS::IAM::Role', properties, { RoleName });
  }
  return {
    template: {
      AWSTemplateFormatVersion: '2010-09-09',
      Description: `What dataloop-cross-account created for "${created.name}"`,
      Resources: resources,
    },
    imports,
  };
}
