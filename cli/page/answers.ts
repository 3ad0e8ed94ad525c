/** What the page asks for, and what it gets: answers of the API, and what the caller's own credentials may read. */
import type { Account } from '../connection/account.ts';
import type { Connection } from '../connection/answers.ts';
import type { Api } from '../connection/api.ts';
import { pagesOf, readConnection } from '../connection/find.ts';
import type { History } from '../connection/history.ts';
import type { Policies } from '../connection/policies.ts';

/** What could not be read: why. */
export interface Unknown {
  readonly unknown: string;
}

export interface ListEntry {
  readonly path: string;
  readonly name: string;
  readonly status: string;
  readonly updatedAt: string;
}

const integration = /^integrations\/int_[0-9A-Z]{26}$/;
const addedBucket = /^integrations\/int_[0-9A-Z]{26}\/drivers\/drv_[0-9A-Z]{26}$/;

/** What happened in each state. */
export interface Past {
  readonly states: History;
}

/** How many integrations the list shows. */
const longestList = 100;

/** @returns the answer for a path; undefined: there is nothing under it */
export type Answers = (path: string) => Promise<unknown>;

/** All that is only read: nothing that a page asks for changes anything. */
export function answersOf(api: Api, account: Pick<Account, 'policies' | 'history'>): Answers {
  const connection = async (path: string): Promise<Connection> =>
    (await readConnection(api, `/${path}`)).value;
  return async (path) => {
    if (path === 'integrations') return listOf(api);
    if (integration.test(path) || addedBucket.test(path)) return connection(path);
    const [, of = '', what] = /^(.+)\/(policies|history)$/.exec(path) ?? [];
    if (!integration.test(of) && !addedBucket.test(of)) return undefined;
    if (what === 'policies') return policiesOf(account, await connection(of));
    return what === 'history' ? historyOf(account, await connection(of)) : undefined;
  };
}

async function listOf(api: Api): Promise<ListEntry[]> {
  for await (const { items } of pagesOf(api, [], longestList)) return items.map(entryOf);
  return [];
}

export const entryOf = ({ name, status, updatedAt, links }: Connection): ListEntry => ({
  path: links.self.slice(1),
  name,
  status,
  updatedAt,
});

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** As they are in IAM now. A page without them is better than none. */
export async function policiesOf(
  account: Pick<Account, 'policies'>,
  { resources, driverId }: Connection,
): Promise<Policies | Unknown> {
  const arnsOf = (type: string) =>
    resources.flatMap((resource) => (resource.type === type && resource.arn ? [resource.arn] : []));
  const [roleArn] = arnsOf('AWS::IAM::Role');
  if (driverId) return { unknown: 'Role and policies are those of the integration.' };
  if (roleArn === undefined) return { unknown: 'There is no role.' };
  try {
    return await account.policies(roleArn, arnsOf('AWS::IAM::ManagedPolicy'));
  } catch (error) {
    const rights = 'iam:GetRole, iam:GetPolicy, iam:GetPolicyVersion';
    return { unknown: `They could not be read with your credentials (${rights}): ${reasonOf(error)}` };
  }
}

/** Inputs and errors of each state, as the Step Functions console shows them. */
export async function historyOf(
  account: Pick<Account, 'history'>,
  connection: Connection,
): Promise<Past | Unknown> {
  try {
    const all = await Promise.all(executionsOf(connection).map((arn) => account.history(arn)));
    return { states: Object.assign({}, ...all) };
  } catch (error) {
    const right = 'states:GetExecutionHistory';
    return { unknown: `Inputs could not be read with your credentials (${right}): ${reasonOf(error)}` };
  }
}

/** The link names the execution that ran last; an undo followed the one that is named as its record. */
export function executionsOf({ links, integrationId, driverId }: Connection): string[] {
  const [, head] = /^(arn:.*:execution:(?:[\w-]+-)?)deprovision:[\w-]+$/.exec(links.execution) ?? [];
  if (head === undefined) return [links.execution];
  const first = driverId ? `addDriver:${driverId}` : `provision:${integrationId}`;
  return [`${head}${first}`, links.execution];
}
