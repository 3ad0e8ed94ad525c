/** What a request comes to: names, ARNs and policy documents of everything that will be created. */
import type { AccountSettings } from '../../config.ts';
import { rolesNamed } from './allowed.ts';
import { type Grant, grantOf, type PolicyDocument, permissionPolicy } from './permission-policy.ts';
import type { JournalRecord } from './record.ts';
import { defaultRoleName, type IntegrationRequest, tagPrefix } from './request.ts';
import type { PolicyKey } from './resource-keys.ts';
import { policyKeys } from './resource-keys.ts';

/** Tag that says which integration a resource belongs to; with the journal it decides what is ours. */
export const ownerTag = `${tagPrefix}integration-id`;

export interface DesiredState {
  readonly recordId: string;
  readonly name: string;
  readonly description: string;
  readonly bucket: {
    readonly name: string;
    readonly arn: string;
    readonly region: string;
    readonly prefix: string;
    /** KMS key that objects are encrypted with; undefined: S3's own. */
    readonly kmsKeyArn: string | undefined;
    /** `adopt`: it is there already, and stays. */
    readonly mode: 'create' | 'adopt';
    /** Whether an adopted bucket that is open to the public is to be closed. */
    readonly blockPublicAccess: boolean;
  };
  readonly policy: { readonly name: string; readonly arn: string };
  readonly role: { readonly name: string; readonly arn: string; readonly mode: 'create' | 'adopt' };
  /** Integration that waits at Dataloop and is to be adopted; undefined: one is created. */
  readonly adoptedDataloopIntegrationId: string | undefined;
  /** A person makes the integration at Dataloop, because our credentials may not. */
  readonly isMadeByOperator: boolean;
  readonly dataloopIntegrationName: string;
  readonly driver: { readonly name: string; readonly projectId: string; readonly allowDelete: boolean };
  /** The dataset that is created on the driver and synced; undefined: none. */
  readonly dataset: { readonly name: string } | undefined;
  readonly tags: Readonly<Record<string, string>>;
  /** Those of the deployment and our own: a caller chooses none. */
  readonly roleTags: Readonly<Record<string, string>>;
  readonly iamPath: string;
  readonly permissionsBoundaryArn: string;
  readonly partition: string;
  readonly accountId: string;
  /** Origins that may read the bucket from a browser; empty where CORS was not asked for. */
  readonly corsOrigins: readonly string[];
  /** HTTP methods that they may use. */
  readonly corsMethods: readonly string[];
  /** What the role may do with this bucket alone. */
  readonly grant: Grant;
  readonly permissionPolicy: PolicyDocument;
  /** Undefined where the deployment writes none. */
  readonly bucketPolicy: PolicyDocument | undefined;
}

/** Derives the desired state; the same request of the same record always comes to the same one. */
export function desiredState(
  recordId: string,
  request: IntegrationRequest,
  account: AccountSettings,
): DesiredState {
  const { partition, accountId, iamPath } = account;
  const role = roleFor(request, account);
  // The name of an adopted role says nothing about this integration.
  const policyName = role.mode === 'adopt' ? defaultRoleName(request.name) : role.name;
  const grant = grantOf(request, account);
  return {
    recordId,
    name: request.name,
    description: request.description ?? `Dataloop integration ${request.name}`,
    bucket: {
      name: request.bucket.name,
      arn: grant.bucketArn,
      region: request.bucket.region ?? account.region,
      prefix: grant.prefix,
      kmsKeyArn: grant.kmsKeyArn,
      mode: request.bucket.mode,
      blockPublicAccess: request.bucket.blockPublicAccess ?? false,
    },
    policy: { name: policyName, arn: `arn:${partition}:iam::${accountId}:policy${iamPath}${policyName}` },
    role,
    adoptedDataloopIntegrationId: request.dataloop.integrationId,
    isMadeByOperator: request.dataloop.createdBy === 'operator',
    // Dataloop has no tags: the id in the name is how an integration is known as ours.
    dataloopIntegrationName: `${request.name} ${recordId}`,
    driver: {
      name: request.dataloop.driverName ?? request.name,
      projectId: request.dataloop.projectId,
      allowDelete: request.dataloop.allowDelete,
    },
    dataset: request.dataset,
    tags: { ...request.tags, ...account.defaultTags, [ownerTag]: recordId },
    roleTags: { ...account.defaultTags, [ownerTag]: recordId },
    iamPath,
    permissionsBoundaryArn: account.permissionsBoundaryArn,
    partition,
    accountId,
    corsOrigins: request.bucket.cors ? account.consoleOrigins : [],
    corsMethods: account.corsMethods,
    grant,
    permissionPolicy: permissionPolicy([grant]),
    bucketPolicy: account.denyPlainHttp ? bucketPolicy(grant.bucketArn) : undefined,
  };
}

function roleFor(request: IntegrationRequest, account: AccountSettings): DesiredState['role'] {
  const { partition, accountId, iamPath, adoptableRoleArns } = account;
  const { name = defaultRoleName(request.name), mode = 'create' } = request.role ?? {};
  const roles = `arn:${partition}:iam::${accountId}:role`;
  if (mode === 'create') return { name, arn: `${roles}${iamPath}${name}`, mode };
  // One that a later deployment does not name any more is still known by its name.
  return { name, arn: rolesNamed(name, adoptableRoleArns)[0] ?? `${roles}/${name}`, mode };
}

function bucketPolicy(bucketArn: string): PolicyDocument {
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'DenyPlainHttp',
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:*',
        Resource: [bucketArn, `${bucketArn}/*`],
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
    ],
  };
}

/** Lets this one IAM user assume a role. */
export const trustStatement = (userArn: string) => ({
  Effect: 'Allow',
  Principal: { AWS: userArn },
  Action: 'sts:AssumeRole',
});

/** The guide's trust policy: this one IAM user may assume the role, nobody else. */
export function trustPolicy(userArn: string): PolicyDocument {
  return { Version: '2012-10-17', Statement: [trustStatement(userArn)] };
}

/** The one that is made with the integration. */
export const firstPolicy: PolicyKey = 'policy';

/** Name and ARN of one of the role's policies. */
export function policyOf(desired: DesiredState, key: PolicyKey): DesiredState['policy'] {
  const suffix = key === firstPolicy ? '' : `-${key.slice(firstPolicy.length)}`;
  return { name: `${desired.policy.name}${suffix}`, arn: `${desired.policy.arn}${suffix}` };
}

/** How the ARNs of policies begin that lie under the service's path: no function can attach another. */
export const policiesUnderPath = ({ policy: { name, arn } }: Pick<DesiredState, 'policy'>): string =>
  arn.slice(0, -name.length);

/** The role's policies that stand, or may, by the journal. */
export const standingPolicies = ({ resources }: Pick<JournalRecord, 'resources'>): PolicyKey[] =>
  policyKeys.filter((key) => {
    const state = resources[key]?.state;
    return state !== undefined && state !== 'gone';
  });

/** Policies that the service may have attached to the role: its own, and those for added buckets. */
export const attachablePolicies = (record: Pick<JournalRecord, 'resources'>): PolicyKey[] => [
  ...new Set([firstPolicy, ...standingPolicies(record)]),
];

/** What a policy grants as far as the integration's record tells: enough to know how full it is. */
export function roughGrantsOf(
  { addedBuckets = {} }: Pick<JournalRecord, 'addedBuckets'>,
  desired: DesiredState,
  key: PolicyKey,
): Grant[] {
  const added = Object.entries(addedBuckets)
    .filter(([, { placedIn }]) => placedIn === key)
    .sort(([one], [other]) => (one < other ? -1 : 1));
  return [
    ...(key === firstPolicy ? [desired.grant] : []),
    ...added.map(([, bucket]) => grantOf(bucket, desired)),
  ];
}
