/**
 * Says whether the promise was kept: it reads AWS, Dataloop and the journal's table directly, and holds what the
 * service says against it.
 */
import { ListExecutionsCommand } from '@aws-sdk/client-sfn';
import { accountIds } from '../../local/environment/root-keys.ts';
import type { IntegrationAnswer } from '../../local/observe/api-client.ts';
import { contradictions } from '../contradictions.ts';
import { clientsAt } from './clients.ts';
import { itemsAbout, type JournalItem } from './journal.ts';
import type { RecordedCall } from './proxy/call-log.ts';
import { changes, type Snapshot, type SnapshotSource, takeNamed } from './snapshot.ts';

/** Where to look. */
export interface Watched {
  readonly environment: SnapshotSource;
  readonly deployment: {
    readonly stage: string;
    readonly outputs: { readonly TableName: string; readonly ProvisionStateMachineArn: string };
  };
}

/** Names of what is not the service's: fixtures, which no case may touch. */
export const isForeign = (name: string): boolean => name.includes('foreign');

export type Ending = 'ready' | 'clean' | 'residue';

export function endingOf({ status }: Pick<IntegrationAnswer, 'status'>): Ending | undefined {
  if (status === 'ready') return 'ready';
  if (status === 'failed' || status === 'removed') return 'clean';
  return status === 'residue' ? 'residue' : undefined;
}

/** The fixtures' name. */
export const foreignName = 'dataloop-foreign';

const at = ({ environment, deployment }: Watched) => ({
  ...environment,
  accountId: accountIds.customer,
  iamPath: `/dataloop-cross-account/${deployment.stage}/`,
});

/** What stands of a case. Under other names nothing is looked for here: that is done once, at the end of all. */
export const takeOwn = (bed: Watched, integrationName: string): Promise<Snapshot> =>
  takeNamed(at(bed), `dataloop-${integrationName}`, integrationName);

export const takeForeign = (bed: Watched): Promise<Snapshot> => takeNamed(at(bed), foreignName, foreignName);

/** How a snapshot calls a resource of the record. */
function keyOf({ type, arn, id }: { type: string; arn?: string | undefined; id?: string | undefined }) {
  switch (type) {
    case 'AWS::S3::Bucket':
      return `bucket ${arn?.split(':::')[1]}`;
    case 'AWS::IAM::ManagedPolicy':
      return `policy ${arn}`;
    case 'AWS::IAM::Role':
      return `role ${arn?.split('/').at(-1)}`;
    case 'Dataloop::Integration':
      return `integration ${id}`;
    default:
      return `driver ${id}`;
  }
}

/** Resources by kind that a ready integration has. */
const complete = ['bucket', 'driver', 'integration', 'policy', 'role'];

/**
 * @param requests how many integrations of that name there were; at most this one stands
 * @returns what breaks the promise, one line each
 */
export async function violations(
  bed: Watched,
  integration: IntegrationAnswer,
  { requests = 1 }: { requests?: number } = {},
): Promise<string[]> {
  const own = await takeOwn(bed, integration.name);
  const found: string[] = [];
  const ending = endingOf(integration);
  if (!ending) found.push(`It did not end: ${integration.status}`);

  // What stands is in the record, and, where all is well, the other way round.
  const named = new Set(
    [...integration.resources, ...integration.residue].flatMap((resource) =>
      // An id that is not known yet, because an answer was lost: the name says which it is.
      resource.type.startsWith('Dataloop::') && !resource.id
        ? [...own.keys()].filter((key) =>
            key.startsWith(resource.type === 'Dataloop::Driver' ? 'driver' : 'integration'),
          )
        : [keyOf(resource)],
    ),
  );
  for (const key of own.keys()) if (!named.has(key)) found.push(`Not in the record: ${key}`);
  if (ending === 'ready') {
    const kinds = [...own.keys()].map((key) => key.split(' ')[0]).sort();
    if (kinds.join() !== complete.join()) found.push(`Ready with ${kinds.join(', ') || 'nothing'}`);
  }
  found.push(...contradictions(integration));
  if (ending === 'clean' && own.size > 0) found.push(`Said to be clean: ${[...own.keys()].join(', ')}`);
  if (ending === 'clean' && integration.residue.length > 0) found.push('Clean, and yet it names residue');
  if (ending === 'residue' && integration.residue.length === 0) found.push('Residue that is not named');
  for (const { type, arn, id, name, reason, advice } of integration.residue) {
    if (!(arn ?? id ?? name) || !reason || !advice) found.push(`Residue without a to-do: ${type}`);
  }
  const items = await itemsAbout(bed, integration.name);
  found.push(...(await journalViolations(bed, items, integration.name, ending, requests)));
  found.push(...bucketViolations(items, integration, own));
  return found;
}

/** Whatever fails, an undo reaches for Dataloop's access before it asks Dataloop for anything. */
export function accessViolations(calls: readonly RecordedCall[]): string[] {
  // What is known by its worker alone, such as a log-in, may be another case's.
  const asked = calls.find(
    (call) =>
      /^delete(Driver|Integration)$/.test(call.function ?? '') &&
      call.operation.startsWith('dataloop:') &&
      call.attributedBy !== 'worker',
  );
  const ended = calls.find((call) => /^(deleteRole|revokeAccess)$/.test(call.function ?? ''));
  if (!asked || (ended && ended.sequence < asked.sequence)) return [];
  return [`${asked.function} asked Dataloop while Dataloop had access`];
}

/** Whoever takes the name of a bucket that is gone must not get what Dataloop writes. */
function bucketViolations(items: readonly JournalItem[], { name, steps }: IntegrationAnswer, own: Snapshot) {
  const isOurs = items.some((item) => item.name === name && item.request?.bucket.mode === 'create');
  const wasMade = steps.some((step) => step.name === 'CreateBucket' && step.status === 'succeeded');
  const holders = [...own.keys()].filter((key) => /^(role|policy) /.test(key));
  const isGone = !own.has(`bucket dataloop-${name}`);
  return isOurs && wasMade && isGone ? holders.map((key) => `The bucket is gone before ${key}`) : [];
}

/** One execution a request, locks held exactly while something stands, no token left behind. */
async function journalViolations(
  bed: Watched,
  items: readonly JournalItem[],
  name: string,
  ending: Ending | undefined,
  requests: number,
): Promise<string[]> {
  const found: string[] = [];
  const records = items.filter((item) => item.pk.startsWith('integration#') && item.name === name);
  if (records.length !== requests) found.push(`${records.length} integrations for ${requests} requests`);
  const ids = records.map(({ integrationId }) => integrationId);
  const of = (kind: string) =>
    items.filter(({ pk, integrationId }) => pk.startsWith(kind) && ids.includes(integrationId));
  const locks = of('lock#').length;
  if (locks !== (ending === 'clean' ? 0 : 3)) found.push(`${locks} locks are held`);
  if (ending === 'clean' && of('token#').length > 0) found.push('A task token is left');

  const started = await executionsOf(bed, ids);
  // One that was registered and never started is rolled back by the sweep without any.
  if (started.length > requests) found.push(`${started.length} executions for ${requests} requests`);
  if (requests === 1 && ending === 'ready' && started.length !== 1) found.push('Ready without an execution');
  return found;
}

async function executionsOf(bed: Watched, ids: readonly (string | undefined)[]): Promise<string[]> {
  const client = clientsAt(bed.environment).stepFunctions;
  const { ProvisionStateMachineArn: stateMachineArn } = bed.deployment.outputs;
  // Newest first: those of a case that has just ended are among them.
  const { executions = [] } = await client.send(
    new ListExecutionsCommand({ stateMachineArn, maxResults: 100 }),
  );
  return executions.flatMap(({ name }) => (name && ids.includes(name) ? [name] : []));
}

/** What is not the service's and is another than before. */
export async function foreignChanges(bed: Watched, before: Snapshot): Promise<string[]> {
  return changes(before, await takeForeign(bed)).map((change) => `Foreign: ${change}`);
}
