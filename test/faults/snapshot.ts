/** What stands in the account and at Dataloop, with everything that it says: read from there, never from our journal. */
import {
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  type IAMClient,
  ListAttachedRolePoliciesCommand,
  ListPolicyVersionsCommand,
  ListRolePoliciesCommand,
} from '@aws-sdk/client-iam';
import { GetBucketVersioningCommand, paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import { bucketNames, bucketSettings, factsOf, policyArns, rolesIn } from '../../local/observe/account.ts';
import type { ControlAddress } from '../../local/sandbox/control-access.ts';
import { sandboxControl } from '../../local/sandbox/control-client.ts';
import { clientsAt, type Place } from './clients.ts';

/** `bucket NAME`, `policy ARN`, `role NAME`, `integration ID`, `driver ID`, `IAM user NAME` → contents as text. */
export type Snapshot = ReadonlyMap<string, string>;

export interface SnapshotSource extends Place {
  readonly sandbox: ControlAddress;
}

type Entry = readonly [string, unknown];

/** Errors that are an answer: there is none. */
const none = /^(NoSuch|ServerSideEncryptionConfigurationNotFound|OwnershipControlsNotFound)/;

async function bucketContents(s3: S3Client, Bucket: string): Promise<unknown> {
  const objects: string[] = [];
  for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket })) {
    objects.push(...(page.Contents ?? []).map(({ Key, ETag }) => `${Key} ${ETag}`));
  }
  return {
    ...(await bucketSettings(s3, Bucket, none)),
    versioning: await factsOf(s3.send(new GetBucketVersioningCommand({ Bucket })), none),
    objects,
  };
}

async function policyContents(iam: IAMClient, PolicyArn: string): Promise<unknown> {
  const { Policy } = await iam.send(new GetPolicyCommand({ PolicyArn }));
  const { Versions = [] } = await iam.send(new ListPolicyVersionsCommand({ PolicyArn }));
  const documents = await Promise.all(
    Versions.map(async ({ VersionId }) => {
      const answer = await iam.send(new GetPolicyVersionCommand({ PolicyArn, VersionId }));
      return answer.PolicyVersion?.Document;
    }),
  );
  return { id: Policy?.PolicyId, tags: Policy?.Tags, attached: Policy?.AttachmentCount, documents };
}

async function roleContents(iam: IAMClient, RoleName: string): Promise<unknown> {
  const { Role } = await iam.send(new GetRoleCommand({ RoleName }));
  const { AttachedPolicies } = await iam.send(new ListAttachedRolePoliciesCommand({ RoleName }));
  const { PolicyNames = [] } = await iam.send(new ListRolePoliciesCommand({ RoleName }));
  const inline = await Promise.all(
    PolicyNames.map(async (PolicyName) => {
      const answer = await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }));
      return [PolicyName, answer.PolicyDocument];
    }),
  );
  const { RoleLastUsed: _lastUsed, ...role } = { RoleLastUsed: undefined, ...Role };
  return { role, attached: AttachedPolicies, inline };
}

/** Something that went away while it was looked at is not there. */
async function unlessGone(key: string, contents: Promise<unknown>): Promise<Entry[]> {
  try {
    return [[key, await contents]];
  } catch (error) {
    if (error instanceof Error && /^NoSuch/.test(error.name)) return [];
    throw error;
  }
}

/** Names and ARNs of what to look at. */
interface Names {
  readonly buckets: readonly string[];
  readonly policies: readonly string[];
  readonly roles: readonly string[];
}

async function allNames(source: Place, matches: (name: string) => boolean): Promise<Names> {
  const { iam, s3 } = clientsAt(source);
  return {
    buckets: (await bucketNames(s3)).filter(matches),
    policies: (await policyArns(iam)).filter(matches),
    roles: (await rolesIn(iam)).map(({ name }) => name).filter(matches),
  };
}

/** What stands of these, and at Dataloop under names that match. */
export async function takeThese(
  source: SnapshotSource,
  { buckets, policies, roles }: Names,
  matches: (name: string) => boolean,
): Promise<Snapshot> {
  const { iam, s3 } = clientsAt(source);
  const { integrations, drivers } = await sandboxControl(source.sandbox).standing();
  const entries = await Promise.all([
    ...buckets.map((name) => unlessGone(`bucket ${name}`, bucketContents(s3, name))),
    ...policies.map((arn) => unlessGone(`policy ${arn}`, policyContents(iam, arn))),
    ...roles.map((name) => unlessGone(`role ${name}`, roleContents(iam, name))),
    ...integrations
      .filter(({ name }) => matches(name))
      .map(async ({ metadata, ...integration }): Promise<Entry[]> => {
        // Ids of metadata are made anew for each answer.
        const said = metadata.map(({ name, value }) => `${name}=${value}`);
        return [[`integration ${integration.id}`, { ...integration, said }]];
      }),
    ...drivers
      .filter(({ name }) => matches(name))
      .map(async (driver): Promise<Entry[]> => [[`driver ${driver.id}`, driver]]),
  ]);
  return new Map(entries.flat().map(([key, contents]) => [key, JSON.stringify(contents)]));
}

/**
 * Everything whose name matches, found by listing the account.
 * @param matches which names are looked at; AWS's own policies and roles are left out
 */
export async function takeSnapshot(
  source: SnapshotSource,
  matches: (name: string) => boolean,
): Promise<Snapshot> {
  return takeThese(source, await allNames(source, matches), matches);
}

/**
 * What stands under one name, and at Dataloop with it as a part of the name: without a list of the account, for
 * those who look often.
 * @param iamPath path of policies: `/…/`
 */
export function takeNamed(
  source: SnapshotSource & { readonly accountId: string; readonly iamPath: string },
  name: string,
  part: string,
): Promise<Snapshot> {
  const arn = `arn:aws:iam::${source.accountId}:policy${source.iamPath}${name}`;
  return takeThese(source, { buckets: [name], policies: [arn], roles: [name] }, (each) =>
    each.includes(part),
  );
}

/** What was added (+), removed (-) or changed (~). */
export function changes(before: Snapshot, after: Snapshot): string[] {
  const keys = [...new Set([...before.keys(), ...after.keys()])].sort();
  return keys.flatMap((key) => {
    const [was, is] = [before.get(key), after.get(key)];
    if (was === is) return [];
    if (was === undefined) return [`+ ${key}`];
    return is === undefined ? [`- ${key}`] : [`~ ${key}: ${was} → ${is}`];
  });
}
