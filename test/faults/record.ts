/** Records the call graph: runs without any fault but, for the undo, one failure at the very end. */
import { randomBytes } from 'node:crypto';
import { sandboxControl } from '../../local/sandbox/control-client.ts';
import { forced, serviceAt } from '../service.ts';
import { makeAdoptable } from './adopted-case.ts';
import type { TestBed } from './bed.ts';
import { clientsAt } from './clients.ts';
import { bucketOf, driverAfter } from './driver-case.ts';
import { type GraphCall, graphOf, idOf, type Phase } from './graph.ts';
import { dropKept, fill, keeping, tagged } from './kept-case.ts';

export const newScope = (): string => `x${randomBytes(5).toString('hex')}`;

/** @returns the calls of every phase, in their order. The runs mostly wait, so they go side by side. */
export async function recordGraph(bed: TestBed): Promise<GraphCall[]> {
  const [atOnce, late, undone, ofDriver, ofAdopted, ofKept] = await Promise.all([
    dependable(() => recordIntegration(bed, 'at-once')),
    dependable(() => recordIntegration(bed, 'late')),
    dependable(() => recordIntegration(bed, 'undo')),
    dependable(() => recordDriver(bed)),
    dependable(() => recordAdopted(bed)),
    dependable(() => recordKept(bed)),
  ]);
  const known = [...atOnce, ...late, ...undone, ...ofDriver];
  const isKnown = ({ function: name, operation, call }: GraphCall) =>
    known.some((each) => each.function === name && each.operation === operation && each.call === call);
  // Writes of the journal that adopting has in common with making are known by then.
  return [
    ...known,
    ...ofAdopted.filter((call) => call.operation !== 'dynamodb:UpdateItem' || !isKnown(call)),
    ...ofKept.filter((call) => !isKnown(call)),
  ];
}

/** How often a run is recorded at most. */
const maximumRecordings = 3;

/**
 * On a busy machine a step may be tried again, although no fault strikes. Such a run makes calls that others do not make, and a
 * fault of theirs would strike nothing: it is recorded again.
 */
export async function undisturbed(record: () => Promise<Recording>): Promise<readonly GraphCall[]> {
  let least = await record();
  for (let count = 1; least.isRepeated && count < maximumRecordings; count += 1) {
    const next = await record();
    if (!next.isRepeated || next.graph.length < least.graph.length) least = next;
  }
  return least.graph;
}

/** What an event calls may be called twice for it, which no step tells: only calls that two runs make are sure to be made. */
export async function dependable(record: () => Promise<Recording>): Promise<readonly GraphCall[]> {
  const [calls, others] = await Promise.all([undisturbed(record), undisturbed(record)]);
  const made = new Set(others.map(idOf));
  return calls.filter((call) => made.has(idOf(call)));
}

export interface Recording {
  readonly graph: readonly GraphCall[];
  /** Whether a step was tried more than once. */
  readonly isRepeated: boolean;
}

const recording = (
  graph: readonly GraphCall[],
  ...ended: readonly { readonly steps: readonly { readonly attempts: number }[] }[]
): Recording => ({
  graph,
  isRepeated: ended.some(({ steps }) => steps.some(({ attempts }) => attempts > 1)),
});

/** A provisioning, with its removal where that is not known yet; of one that fails, the undo alone. */
async function recordIntegration(bed: TestBed, phase: 'at-once' | 'late' | 'undo'): Promise<Recording> {
  const { connect, settled, disconnect } = serviceAt(bed);
  const scope = newScope();
  const { graph, record } = recorder<typeof phase | 'remove'>(
    bed,
    scope,
    (recorded, { function: name }) => recorded !== 'undo' || isUndo(name),
  );
  await bed.proxy.open(scope);
  await sandboxControl(bed.environment.sandbox).set(scope, {
    userArnDelaySeconds: phase === 'late' ? 1 : 0,
  });
  if (phase === 'undo') {
    await bed.proxy.addRule({
      scope,
      function: 'verifyDriver',
      operation: 'dataloop:GET /drivers/{id}/test',
      fault: { kind: 'refuse' },
    });
  }
  const { integrationId } = await connect(`f-${scope}`);
  const ended = await settled(integrationId);
  if (ended.status !== (phase === 'undo' ? 'failed' : 'ready')) {
    throw new Error(`Recording ${phase} ended ${ended.status}: ${JSON.stringify(ended.error)}`);
  }
  await record(phase);
  let last = ended;
  if (phase !== 'undo') {
    const removed = await disconnect(integrationId, forced);
    last = removed;
    if (removed.status !== 'removed') throw new Error(`Recording a removal ended ${removed.status}`);
    if (phase === 'at-once') await record('remove');
  }
  await bed.proxy.close(scope);
  return recording(graph, last);
}

/** Takes down, phase by phase, those calls of a scope that are meant. */
function recorder<P extends Phase>(
  bed: TestBed,
  scope: string,
  isMeant: (phase: P, call: GraphCall) => boolean,
) {
  const graph: GraphCall[] = [];
  let from = 0;
  const record = async (phase: P) => {
    const calls = (await bed.proxy.calls(scope)).filter(({ sequence }) => sequence > from);
    from = calls.at(-1)?.sequence ?? from;
    graph.push(...graphOf(phase, calls).filter((call) => isMeant(phase, call)));
  };
  return { graph, record };
}

/** Functions of a driver that no integration has. */
const ofDrivers: Readonly<Record<'add' | 'take', readonly string[]>> = {
  add: ['addDriver', 'grantAccess'],
  take: ['removeDriver', 'revokeAccess'],
};

async function recordDriver(bed: TestBed): Promise<Recording> {
  const service = serviceAt(bed);
  const scope = newScope();
  const { graph, record } = recorder<'add' | 'take'>(bed, scope, (phase, { function: name }) =>
    ofDrivers[phase].includes(name),
  );
  await bed.proxy.open(scope);
  const { integrationId } = await service.connect(`f-${scope}`);
  await service.settled(integrationId);
  const run = { bed, service, scope, wanted: { end: 'ready' as const } };
  const path = `/integrations/${integrationId}/drivers`;
  const body = { bucket: { name: bucketOf(scope) }, dataloop: service.requestFor('').dataloop };
  const added = await driverAfter(run, { method: 'POST', path, body }, ['ready', 'failed', 'residue']);
  if (added.status !== 'ready') throw new Error(`Recording a driver ended ${JSON.stringify(added.error)}`);
  await record('add');
  const taken = await driverAfter(run, { method: 'DELETE', path: `${added.links.self}${forced}` }, [
    'removed',
    'residue',
  ]);
  await record('take');
  await service.disconnect(integrationId, forced);
  await bed.proxy.close(scope);
  return recording(graph, taken);
}

const isUndo = (name: string): boolean => /^(delete|await|conclude|rollBack|executionEnded)/.test(name);

const withAdopted: Readonly<Record<'adopt' | 'release', readonly string[]>> = {
  adopt: ['createBucket', 'createRole', 'requestIamUser'],
  release: ['deleteBucket', 'deleteRole', 'deleteIntegration'],
};

/** What adopting and giving back call in AWS, and all their writes of the journal. */
async function recordAdopted(bed: TestBed): Promise<Recording> {
  const service = serviceAt(bed);
  const scope = newScope();
  const { graph, record } = recorder<'adopt' | 'release'>(
    bed,
    scope,
    (phase, call) =>
      withAdopted[phase].includes(call.function) && /^(s3:|iam:|dynamodb:UpdateItem)/.test(call.operation),
  );
  await bed.proxy.open(scope);
  const there = await makeAdoptable(bed, scope);
  const { integrationId } = await service.connect(`f-${scope}`, there.request);
  const ready = await service.settled(integrationId);
  if (ready.status !== 'ready') throw new Error(`Recording an adoption ended ${JSON.stringify(ready.error)}`);
  await record('adopt');
  const removed = await service.disconnect(integrationId, forced);
  if (removed.status !== 'removed') throw new Error(`Recording a release ended ${removed.status}`);
  await record('release');
  await there.drop();
  await bed.proxy.close(scope);
  return recording(graph, removed);
}

/** What a removal whose bucket stays asks of the bucket. */
async function recordKept(bed: TestBed): Promise<Recording> {
  const service = serviceAt(bed);
  const { s3 } = clientsAt(bed.environment);
  const scope = newScope();
  const { graph, record } = recorder<'keep'>(
    bed,
    scope,
    (_phase, call) => call.function === 'deleteBucket' && call.operation.startsWith('s3:'),
  );
  await bed.proxy.open(scope);
  const { integrationId, name } = await service.connect(`f-${scope}`, tagged);
  await service.settled(integrationId);
  await fill(s3, `dataloop-${name}`);
  const removed = await service.disconnect(integrationId, keeping);
  if (removed.status !== 'removed') throw new Error(`Recording a kept bucket ended ${removed.status}`);
  await record('keep');
  await dropKept(s3, `dataloop-${name}`);
  await bed.proxy.close(scope);
  return recording(graph, removed);
}
