/** Everything in the account and at Dataloop, with names and contents: compared before and after, it is the proof. */
import { paginateGetAccountAuthorizationDetails } from '@aws-sdk/client-iam';
import type { S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod';
import { bucketNames, bucketSettings } from '../observe/account.ts';
import { differences, type Listing } from '../observe/inventory.ts';
import type { DeployedOptions } from './options.ts';
import type { AwsClients } from './stack.ts';

export interface Standing {
  readonly listing: Listing;
  /** `KIND: NAME` → its contents as text. */
  readonly contents: ReadonlyMap<string, string>;
}

type Entry = readonly [name: string, contents: unknown];

export interface StandingSource {
  readonly clients: Pick<AwsClients, 'iam' | 's3'>;
  readonly dataloop: DeployedOptions['dataloop'];
  readonly projectId: string;
}

export async function takeStanding(source: StandingSource): Promise<Standing> {
  const [buckets, iam, dataloop] = await Promise.all([
    bucketEntries(source.clients.s3),
    iamEntries(source.clients),
    source.dataloop ? dataloopEntries(source.dataloop, source.projectId) : {},
  ]);
  const { versions, ...named } = iam;
  const kinds: Readonly<Record<string, readonly Entry[]>> = { buckets, ...named, ...dataloop };
  return {
    listing: Object.fromEntries(
      Object.entries(kinds).map(([kind, entries]) => [kind, entries.map(([name]) => name).sort()]),
    ),
    contents: new Map(
      Object.entries({ ...kinds, [versionsOfPolicies]: versions }).flatMap(([kind, entries]) =>
        entries.map(([name, contents]) => [`${kind}: ${name}`, JSON.stringify(contents)] as const),
      ),
    ),
  };
}

/** What was added (+), removed (-) or changed (~); empty if both are the same. */
export function changes(before: Standing, after: Standing): string[] {
  const changed = [...after.contents]
    .filter(([key, says]) => before.contents.has(key) && before.contents.get(key) !== says)
    .map(([key]) => `~ ${key}`);
  return [...differences(before.listing, after.listing), ...changed];
}

/** `7 buckets, 12 policies, …` */
export const countsOf = ({ listing }: Standing): string =>
  Object.entries(listing)
    .map(([kind, names]) => `${names.length} ${names.length === 1 ? singular(kind) : kind}`)
    .join(', ');

const singular = (kind: string): string => kind.replace(/ies$/, 'y').replace(/s$/, '');

/**
 * Kept apart from the documents of policies: writing a policy adds a version and drops the oldest, so a policy with the
 * same document may have other versions.
 */
const versionsOfPolicies = 'versions of policies';

/** The change line for a policy whose versions changed. */
export const versionsChanged = (policyArn: string): string => `~ ${versionsOfPolicies}: ${policyArn}`;

/** The same, but with the current versions of these policies. */
export function withVersionsOf(standing: Standing, later: Standing, policyArns: readonly string[]): Standing {
  const keys = policyArns.map((arn) => `${versionsOfPolicies}: ${arn}`);
  const versions = keys.flatMap((key) => {
    const says = later.contents.get(key);
    return says === undefined ? [] : [[key, says] as const];
  });
  return { ...standing, contents: new Map([...standing.contents, ...versions]) };
}

/** All roles and policies of the account with their contents, in a few calls. */
async function iamEntries({ iam }: Pick<AwsClients, 'iam'>) {
  const [policies, versions, roles]: [Entry[], Entry[], Entry[]] = [[], [], []];
  const filter: { Filter: ('Role' | 'LocalManagedPolicy')[] } = { Filter: ['Role', 'LocalManagedPolicy'] };
  for await (const page of paginateGetAccountAuthorizationDetails({ client: iam }, filter)) {
    for (const policy of page.Policies ?? []) {
      const { Arn = '', PolicyId, DefaultVersionId, PolicyVersionList = [] } = policy;
      const documents = PolicyVersionList.map(({ VersionId, Document }) => [VersionId, Document]);
      const [, says] = documents.find(([VersionId]) => VersionId === DefaultVersionId) ?? [];
      policies.push([Arn, { PolicyId, says }]);
      versions.push([Arn, { DefaultVersionId, documents }]);
    }
    for (const { RoleLastUsed: _used, Arn = '', ...role } of page.RoleDetailList ?? []) {
      roles.push([Arn, role]);
    }
  }
  return { policies, versions, roles };
}

/** Errors that are an answer: it does not exist, or we may not see it. */
const none = /^(NoSuch|AccessDenied|.*NotFound)/;

async function bucketEntries(s3: S3Client): Promise<Entry[]> {
  const names = await bucketNames(s3);
  const entries: Entry[] = [];
  const together = 8;
  for (let from = 0; from < names.length; from += together) {
    const some = names.slice(from, from + together);
    const found = await Promise.all(
      some.map(async (name) => [name, await bucketSettings(s3, name, none)] as const),
    );
    // A bucket that was deleted meanwhile does not count.
    entries.push(...found.filter(([, settings]) => !Object.values(settings).includes('NoSuchBucket')));
  }
  return entries;
}

const integrationsSchema = z.array(
  z.looseObject({
    id: z.string(),
    name: z.string(),
    type: z.unknown(),
    // Other fields may differ in each answer.
    metadata: z.array(z.object({ name: z.string(), value: z.unknown().optional() })).nullish(),
  }),
);
const datasetsSchema = z.object({
  items: z.array(z.object({ id: z.string(), name: z.string(), driver: z.string().nullish() })),
});
const driversSchema = z.array(
  z.looseObject({
    id: z.string(),
    name: z.string(),
    integrationId: z.unknown().optional(),
    bucketName: z.unknown().optional(),
    path: z.unknown().optional(),
    allowExternalDelete: z.unknown().optional(),
  }),
);

/** Integrations of the organisation and drivers of the project, by Dataloop's public API. */
async function dataloopEntries(
  dataloop: NonNullable<DeployedOptions['dataloop']>,
  projectId: string,
): Promise<Record<string, readonly Entry[]>> {
  const read = async (path: string, body?: object): Promise<unknown> => {
    const method = body ? 'POST' : 'GET';
    const response = await fetch(`${dataloop.apiUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${dataloop.token}`, 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
      signal: AbortSignal.timeout(30_000),
    });
    if (response.ok) return response.json();
    throw new Error(
      `Dataloop answered ${response.status} to ${method} ${path}. DATALOOP_TOKEN must belong to an owner of the organisation ` +
        'DATALOOP_ORG_ID who is also owner or developer of the project.',
    );
  };
  const ofProject = { resource: 'datasets', context: { projects: [projectId] } };
  const [integrations, drivers, datasets] = await Promise.all([
    read(`/orgs/${encodeURIComponent(dataloop.orgId)}/integrations`),
    read(`/drivers?projectId=${encodeURIComponent(projectId)}`),
    read('/datasets/query', { filter: { $and: [] }, page: 0, pageSize: 1_000, ...ofProject }),
  ]);
  return {
    integrations: integrationsSchema.parse(integrations).map(({ id, name, type, metadata }) => {
      const said = (metadata ?? []).map((item) => `${item.name}=${JSON.stringify(item.value)}`);
      return [`${name} (${id})`, { type, said: said.sort() }];
    }),
    drivers: driversSchema
      .parse(drivers)
      .map(({ id, name, integrationId, bucketName, path, allowExternalDelete }) => [
        `${name} (${id})`,
        { integrationId, bucketName, path, allowExternalDelete },
      ]),
    datasets: datasetsSchema
      .parse(datasets)
      .items.map(({ id, name, driver }) => [`${name} (${id})`, { driver }]),
  };
}
