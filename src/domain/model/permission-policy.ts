/** What Dataloop's role may do: the permission policy of one bucket, or of several that share a policy. */
import type { AccountSettings } from '../../config.ts';
import { matchesPattern } from './allowed.ts';
import { canonicalJson } from './canonical-json.ts';
import type { IntegrationRequest } from './request.ts';

type Statement = Readonly<Record<string, unknown>>;
/** A statement on buckets. */
type BucketStatement = Statement & { readonly Condition?: Readonly<Record<string, unknown>> };

export interface PolicyDocument {
  readonly Version: '2012-10-17';
  readonly Statement: readonly Statement[];
}

/** Characters that IAM takes for a managed policy; white space, of which we write none, does not count (IAM User Guide, "IAM and AWS STS quotas"). */
export const maximumPolicySize = 6_144;
export const sizeOf = (document: PolicyDocument): number => JSON.stringify(document).length;

/** What the role may do with one bucket. */
export interface Grant {
  readonly bucketArn: string;
  /** The account that must own the bucket. */
  readonly accountId: string;
  /** Folder with a slash at its end; empty: the whole bucket. */
  readonly prefix: string;
  readonly kmsKeyArn: string | undefined;
  readonly allowDelete: boolean;
}

export const grantOf = (
  {
    bucket,
    dataloop,
  }: {
    readonly bucket: Pick<IntegrationRequest['bucket'], 'name' | 'prefix' | 'kmsKeyArn'>;
    readonly dataloop: Pick<IntegrationRequest['dataloop'], 'allowDelete'>;
  },
  { partition, accountId }: Pick<AccountSettings, 'partition' | 'accountId'>,
): Grant => ({
  bucketArn: `arn:${partition}:s3:::${bucket.name}`,
  accountId,
  prefix: bucket.prefix ?? '',
  kmsKeyArn: bucket.kmsKeyArn,
  allowDelete: dataloop.allowDelete,
});

const folderOf = ({ prefix }: Grant): string => prefix.replace(/\/$/, '');
const objectsOf = (grant: Grant): string =>
  `${grant.bucketArn}/${grant.prefix ? `${folderOf(grant)}/` : ''}*`;

/** The members of each group, in the order in which they come. */
function grouped<T, K>(members: readonly T[], keyOf: (member: T) => K): [K, T[]][] {
  const groups = new Map<K, T[]>();
  for (const member of members) groups.set(keyOf(member), [...(groups.get(keyOf(member)) ?? []), member]);
  return [...groups];
}

const distinct = (resources: readonly string[]): string[] => [...new Set(resources)];
const oneOrSeveral = (resources: readonly string[]): string | string[] => {
  const all = distinct(resources);
  return all.length === 1 ? (all[0] ?? '') : all;
};

const objectActions = (allowDelete: boolean) => [
  's3:GetObject',
  's3:PutObject',
  ...(allowDelete ? ['s3:DeleteObject'] : []),
];

/** The guide's statement for whole buckets. */
const wholeBuckets = (grants: readonly Grant[]): BucketStatement[] =>
  grouped(grants, ({ allowDelete }) => allowDelete).map(([allowDelete, members]) => ({
    Sid: 'AllowListBucket',
    Effect: 'Allow',
    Action: ['s3:ListBucket', ...objectActions(allowDelete)],
    Resource: distinct(members.flatMap((grant) => [grant.bucketArn, objectsOf(grant)])),
  }));

/** Prefixes that a list of a folder may ask for. */
type Listed = (folder: string) => readonly string[];
/** What is under the folder, and nothing else. */
const underFolder: Listed = (folder) => [`${folder}/`, `${folder}/*`];
/** An earlier version granted the folder without its slash, too: that lists `raw-salaries/` for `raw/`. */
const withBareFolder: Listed = (folder) => [folder, ...underFolder(folder)];

/**
 * The guide's two statements for one folder of a bucket. Its `StringEquals` on the folder refuses deeper listings;
 * `StringLike` allows them.
 */
function folders(grants: readonly Grant[], listed: Listed): BucketStatement[] {
  const listings = grouped(grants, folderOf).map(([folder, members]) => ({
    Sid: 'AllowBucketListAccessWithPrefix',
    Effect: 'Allow',
    Action: 's3:ListBucket',
    Resource: oneOrSeveral(members.map(({ bucketArn }) => bucketArn)),
    Condition: { StringLike: { 's3:prefix': listed(folder) } },
  }));
  const objects = grouped(grants, ({ allowDelete }) => allowDelete).map(([allowDelete, members]) => ({
    Sid: 'AllowBucketGetPutDelete',
    Effect: 'Allow',
    Action: objectActions(allowDelete),
    Resource: oneOrSeveral(members.map(objectsOf)),
  }));
  return [...listings, ...objects];
}

/**
 * What S3 does with a key for whoever gets (Decrypt) and puts objects (GenerateDataKey; in parts Decrypt, too); the
 * key cannot be used on anything but through S3 (Amazon S3 User Guide, "Using server-side encryption with AWS KMS").
 */
function keyStatement(kmsKeyArn: string): Statement {
  const [, partition, , region] = kmsKeyArn.split(':');
  const services = serviceSuffixes(partition).map((suffix) => `s3.${region}.${suffix}`);
  return {
    Sid: 'AllowUseOfKey',
    Effect: 'Allow',
    Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
    Resource: kmsKeyArn,
    Condition: { StringEquals: { 'kms:ViaService': oneOrSeveral(services) } },
  };
}

/** How KMS writes the names of services. Whether the European sovereign cloud has a suffix of its own there, no page says. */
function serviceSuffixes(partition: string | undefined): readonly string[] {
  if (partition === 'aws-cn') return ['amazonaws.com.cn'];
  return partition === 'aws-eusc' ? ['amazonaws.eu', 'amazonaws.com'] : ['amazonaws.com'];
}

/** Sids are unique in a policy: a second one of a name gets a number. */
function withUniqueSids(statements: readonly Statement[]): Statement[] {
  const seen = new Map<unknown, number>();
  return statements.map((statement) => {
    const count = (seen.get(statement['Sid']) ?? 0) + 1;
    seen.set(statement['Sid'], count);
    return count === 1 ? statement : { ...statement, Sid: `${statement['Sid']}${count}` };
  });
}

/**
 * Over TLS only, and only while the bucket is of this account: who takes the name of a bucket that is gone receives
 * nothing. A key needs neither: it is used by S3 alone, and its ARN holds its account.
 */
const demanding = (statement: BucketStatement, accountId: string): Statement => ({
  ...statement,
  Condition: {
    ...statement.Condition,
    Bool: { 'aws:SecureTransport': 'true' },
    StringEquals: { 'aws:ResourceAccount': accountId },
  },
});

function documentOf(grants: readonly Grant[], demand: typeof demanding, listed: Listed): PolicyDocument {
  const keys = distinct(grants.flatMap(({ kmsKeyArn }) => kmsKeyArn ?? []));
  const onBuckets = [
    ...wholeBuckets(grants.filter(({ prefix }) => !prefix)),
    ...folders(
      grants.filter(({ prefix }) => prefix),
      listed,
    ),
  ];
  // All of a policy are of one account.
  const accountId = grants[0]?.accountId ?? '';
  return {
    Version: '2012-10-17',
    Statement: withUniqueSids([
      ...onBuckets.map((statement) => demand(statement, accountId)),
      ...keys.map(keyStatement),
    ]),
  };
}

/** Dataloop's permission policy for some buckets, and nothing else: of one, the policy of its guide with conditions. */
export const permissionPolicy = (grants: readonly Grant[]): PolicyDocument =>
  documentOf(grants, demanding, underFolder);

/** As the version before wrote it: it lists more than the folder. The same where no grant names a folder. */
export const widerPolicy = (grants: readonly Grant[]): PolicyDocument =>
  documentOf(grants, demanding, withBareFolder);

/** As an earlier version wrote it: the guide's statements without conditions of ours. */
export const earlierPolicy = (grants: readonly Grant[]): PolicyDocument =>
  documentOf(grants, (statement) => statement, withBareFolder);

/** Every document that a version of the service writes or wrote for these grants. */
export const policiesOfAnyVersion = (grants: readonly Grant[]): PolicyDocument[] => [
  permissionPolicy(grants),
  widerPolicy(grants),
  earlierPolicy(grants),
];

/**
 * What a policy is brought to that loses a bucket. One of an earlier version, which has no conditions of ours, may hold
 * more than fits with them.
 * @param standing as it stands, parsed
 * @returns undefined where it does not fit with the conditions that it has
 */
export function fittingPolicy(grants: readonly Grant[], standing: unknown): PolicyDocument | undefined {
  const document = permissionPolicy(grants);
  if (sizeOf(document) <= maximumPolicySize) return document;
  return JSON.stringify(standing).includes('aws:ResourceAccount') ? undefined : earlierPolicy(grants);
}

const resourcesOf = (grants: readonly Grant[]): string[] =>
  grants.flatMap((grant) => [
    grant.bucketArn,
    objectsOf(grant),
    ...(grant.kmsKeyArn ? [grant.kmsKeyArn] : []),
  ]);

const isStatement = (value: unknown): value is Statement => typeof value === 'object' && value !== null;

/** What a statement says of one resource: each of its actions under its condition. */
const rulesOn = (resource: unknown, { Action, Condition }: Statement): string[] =>
  [Action].flat().map((action) => canonicalJson({ action, resource, Condition }));

/** Whichever version wrote them. */
const rulesOf = (grants: readonly Grant[]): string[] =>
  policiesOfAnyVersion(grants).flatMap(({ Statement }) =>
    Statement.flatMap((statement) =>
      [statement['Resource']].flat().flatMap((resource) => rulesOn(resource, statement)),
    ),
  );

/** What a role does with a bucket. */
const uses = ['s3:listbucket', 's3:getobject', 's3:putobject', 's3:deleteobject'];

/** Whether an action of IAM, or a pattern, is one of what a role does with a bucket. */
export const isUse = (pattern: unknown): boolean =>
  typeof pattern === 'string' &&
  uses.some((use) => matchesPattern(use, pattern.toLowerCase().replaceAll('?', '*')));

/** Whether a pattern of IAM may match the bucket or one of its objects. A variable may stand for anything. */
export function mayReach(pattern: string, grant: Grant): boolean {
  const [head = ''] = pattern.split(/\*|\$\{/);
  const agrees = (text: string) =>
    head
      .slice(0, text.length)
      .split('')
      .every((character, at) => character === '?' || character === text[at]);
  const objects = objectsOf(grant).slice(0, -1);
  if (agrees(objects) && (head !== pattern || head.length >= objects.length)) return true;
  return head === pattern && head.length === grant.bucketArn.length && agrees(grant.bucketArn);
}

/**
 * Whether a policy may let its role use a bucket beyond what it is to grant, by a pattern, too. Its conditions and denials
 * do not count: nothing is called closed that may be open.
 * @param document as it stands, parsed
 * @param remaining what the policy is to grant
 */
export function stillGrants(document: unknown, grant: Grant, remaining: readonly Grant[]): boolean {
  if (!isStatement(document)) return false;
  const meant = new Set<unknown>(resourcesOf(remaining));
  return [document['Statement']].flat().some((statement) => {
    if (!isStatement(statement) || statement['Effect'] !== 'Allow') return false;
    if ([statement['Action']].flat().every((action) => !isUse(action)) && !('NotAction' in statement)) {
      return false;
    }
    if ('NotResource' in statement) return true;
    return [statement['Resource']]
      .flat()
      .some((each) => typeof each === 'string' && !meant.has(each) && mayReach(each, grant));
  });
}

/**
 * A policy that somebody edited, without what it grants on one bucket; what that person wrote stays.
 * @param document as it stands, parsed
 * @param remaining what else the policy is to grant
 * @returns undefined where nothing would be left, or the document is none
 */
export function withoutGrant(
  document: unknown,
  grant: Grant,
  remaining: readonly Grant[],
): Statement | undefined {
  if (!isStatement(document)) return undefined;
  const needed = new Set(resourcesOf(remaining));
  const taken = new Set(resourcesOf([grant]).filter((resource) => !needed.has(resource)));
  const kept = new Set(rulesOf(remaining));
  const ours = new Set(rulesOf([grant]).filter((rule) => !kept.has(rule)));
  const goes = (resource: unknown, statement: Statement): boolean =>
    (typeof resource === 'string' && taken.has(resource)) ||
    // Of a bucket that others use, too: what only this one needs, such as the list of its folder.
    rulesOn(resource, statement).every((rule) => ours.has(rule));
  const statements = [document['Statement']].flat().flatMap((statement) => {
    if (!isStatement(statement) || statement['Effect'] !== 'Allow') return [statement];
    const resources = [statement['Resource']].flat();
    const left = resources.filter((resource) => !goes(resource, statement));
    if (left.length === resources.length) return [statement];
    return left.length === 0 ? [] : [{ ...statement, Resource: left }];
  });
  return statements.length > 0 ? { ...document, Statement: statements } : undefined;
}
