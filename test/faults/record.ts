/** Records the call graph: four runs without any fault but, for the undo, one failure at the very end. */
import { randomBytes } from 'node:crypto';
import { sandboxControl } from '../../local/sandbox/control-client.ts';
import { forced, serviceAt } from '../service.ts';
import { makeAdoptable } from './adopted-case.ts';
import type { TestBed } from './bed.ts';
import { bucketOf, driverAfter } from './driver-case.ts';
import { type GraphCall, graphOf, type Phase } from './graph.ts';

export const newScope = (): string => `x${randomBytes(5).toString('hex')}`;

/** @returns the calls of every phase, in their order */
export async function recordGraph(bed: TestBed): Promise<GraphCall[]> {
  const control = sandboxControl(bed.environment.sandbox.controlUrl);
  const { connect, settled, disconnect } = serviceAt(bed);
  const graph: GraphCall[] = [];

  const record = async (phase: Phase, scope: string, from: number) => {
    const calls = (await bed.proxy.calls(scope)).filter(({ sequence }) => sequence > from);
    graph.push(...graphOf(phase, calls));
    return calls.at(-1)?.sequence ?? from;
  };

  for (const phase of ['at-once', 'late', 'undo'] as const) {
    const scope = newScope();
    await bed.proxy.open(scope);
    await control.set(scope, { userArnDelaySeconds: phase === 'late' ? 1 : 0 });
    const expected = phase === 'undo' ? 'failed' : 'ready';
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
    if (ended.status !== expected) {
      throw new Error(`Recording ${phase} ended ${ended.status}: ${JSON.stringify(ended.error)}`);
    }
    if (phase === 'undo') {
      graph.push(
        ...graphOf(phase, await bed.proxy.calls(scope)).filter(({ function: name }) => isUndo(name)),
      );
    } else {
      const last = await record(phase, scope, 0);
      const removed = await disconnect(integrationId, undefined, forced);
      if (removed.status !== 'removed') throw new Error(`Recording a removal ended ${removed.status}`);
      if (phase === 'at-once') await record('remove', scope, last);
    }
    await bed.proxy.close(scope);
  }
  graph.push(...(await recordDriver(bed)));
  graph.push(...(await recordAdopted(bed, graph)));
  return graph;
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

async function recordDriver(bed: TestBed): Promise<GraphCall[]> {
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
  await driverAfter(run, { method: 'DELETE', path: `${added.links.self}${forced}` }, ['removed', 'residue']);
  await record('take');
  await service.disconnect(integrationId, undefined, forced);
  await bed.proxy.close(scope);
  return graph;
}

const isUndo = (name: string): boolean => /^(delete|await|conclude|rollBack|executionEnded)/.test(name);

const withAdopted: Readonly<Record<'adopt' | 'release', readonly string[]>> = {
  adopt: ['createBucket', 'createRole', 'requestIamUser'],
  release: ['deleteBucket', 'deleteRole', 'deleteIntegration'],
};

/** What adopting and giving back call in AWS, and the writes of the journal beyond those of what is made. */
async function recordAdopted(bed: TestBed, known: readonly GraphCall[]): Promise<GraphCall[]> {
  const service = serviceAt(bed);
  const scope = newScope();
  const isKnown = ({ function: name, operation, call }: GraphCall) =>
    known.some((each) => each.function === name && each.operation === operation && each.call === call);
  const { graph, record } = recorder<'adopt' | 'release'>(
    bed,
    scope,
    (phase, call) =>
      withAdopted[phase].includes(call.function) &&
      (/^(s3|iam):/.test(call.operation) || (call.operation === 'dynamodb:UpdateItem' && !isKnown(call))),
  );
  await bed.proxy.open(scope);
  const there = await makeAdoptable(bed, scope);
  const { integrationId } = await service.connect(`f-${scope}`, there.request);
  const ready = await service.settled(integrationId);
  if (ready.status !== 'ready') throw new Error(`Recording an adoption ended ${JSON.stringify(ready.error)}`);
  await record('adopt');
  const removed = await service.disconnect(integrationId, undefined, forced);
  if (removed.status !== 'removed') throw new Error(`Recording a release ended ${removed.status}`);
  await record('release');
  await there.drop();
  await bed.proxy.close(scope);
  return graph;
}
