/** One case from its request to the proof: connect, disconnect, disconnect again, with a fault on the way. */
import { setTimeout as delay } from 'node:timers/promises';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import type { IntegrationAnswer } from '../../local/observe/api-client.ts';
import { testFiles } from '../../local/sandbox/aws.ts';
import { sandboxControl } from '../../local/sandbox/control-client.ts';
import { forced, type Service, serviceAt } from '../service.ts';
import { until } from '../until.ts';
import { adoptedInTurn } from './adopted-case.ts';
import { functionTimeoutSeconds, type TestBed } from './bed.ts';
import type { Case, Release } from './cases.ts';
import { clientsAt, stopIfRunning } from './clients.ts';
import { driverInTurn } from './driver-case.ts';
import { forget } from './journal.ts';
import { keptInTurn } from './kept-case.ts';
import { accessViolations, type Ending, endingOf, foreignChanges, takeOwn, violations } from './oracle.ts';
import { changes, type Snapshot } from './snapshot.ts';

export interface CaseResult {
  readonly case: Pick<Case, 'id' | 'part' | 'row' | 'column'>;
  /** How the request that met the fault ended. */
  readonly ending: Ending | undefined;
  /** What breaks the promise; none where all is well. */
  readonly violations: readonly string[];
  /** How often a rule met a call. */
  readonly hits: number;
  /** Nothing is wrong but that a fault struck nothing, which proves nothing. */
  readonly missed: boolean;
  /** Undefined where the request was never taken. */
  readonly integrationId: string | undefined;
  readonly seconds: number;
}

interface Run {
  readonly bed: TestBed;
  readonly service: Service;
  readonly scope: string;
  readonly wanted: Case;
  readonly onTaken: (integrationId: string) => void;
}

async function connect(
  { bed, service, scope, wanted, onTaken }: Run,
  more?: Record<string, unknown>,
): Promise<IntegrationAnswer> {
  const { integrationId } = await service.connect(`f-${scope}`, more, scope, () =>
    liftRefusal(bed, scope, wanted),
  );
  onTaken(integrationId);
  await bed.proxy.registerIntegration(scope, integrationId);
  if (wanted.release) return stopWhileHeld({ bed, service, scope, wanted }, integrationId, wanted.release);
  return service.settled(integrationId);
}

/** Stops the execution while a call of it is held back, and lets the call go when the case says so. */
async function stopWhileHeld(
  { bed, service, scope, wanted }: Pick<Run, 'bed' | 'service' | 'scope' | 'wanted'>,
  integrationId: string,
  release: Release,
): Promise<IntegrationAnswer> {
  const { proxy } = bed;
  await until('the call to hold back is made', async () => (await proxy.held()).includes(scope));
  const heldAt = Date.now();
  if (release === 'before') await proxy.release(scope);
  const { links } = await service.read(integrationId);
  // Where it was the last call of all, there may be nothing left to stop.
  await stopIfRunning(bed.environment, links.execution);
  if (release === 'during') {
    await service.until(integrationId, ({ status }) => status !== 'provisioning');
    await proxy.release(scope);
  }
  const last = await service.settled(integrationId);
  const lived = Date.now() - heldAt;
  if (release === 'after' && wanted.isFenced) {
    await proxy.release(scope);
    // For the answer to the function, where it is still there.
    await delay(500);
    return service.read(integrationId);
  }
  const wasAlive = lived < functionTimeoutSeconds * 1000 && !(await hasGivenUp(proxy, scope));
  if (release === 'after' && last.status === 'failed' && wasAlive) {
    throw new Error(`Said to be clean after ${lived} ms, while the function that holds a call was alive.`);
  }
  return last;
}

/** Whether the function has gone on without an answer to the call that is held back: it has made a later one. */
async function hasGivenUp(proxy: TestBed['proxy'], scope: string): Promise<boolean> {
  const calls = await proxy.calls(scope);
  const held = calls.find(({ outcome }) => outcome === 'held');
  return calls.some(
    ({ pid, sequence }) => held?.pid !== undefined && pid === held.pid && sequence > held.sequence,
  );
}

const disconnect = (
  { bed, service, scope, wanted }: Run,
  integrationId: string,
  query: string = forced,
): Promise<IntegrationAnswer> =>
  service.disconnect(integrationId, query, () => liftRefusal(bed, scope, wanted));

async function liftRefusal(bed: TestBed, scope: string, wanted: Case): Promise<void> {
  if (wanted.end === 'any') await bed.proxy.clearRules(scope);
}

async function addRules({ bed, scope, wanted }: Run): Promise<void> {
  for (const rule of wanted.rules) {
    const fault = rule.fault.kind === 'hold' ? { ...rule.fault, name: scope } : rule.fault;
    await bed.proxy.addRule({ ...rule, fault, scope });
  }
}

/** What the rules of a case have met so far: calls, and how many of the rules. */
async function strikes({ bed, scope, wanted }: Pick<Run, 'bed' | 'scope' | 'wanted'>) {
  const struck = (await bed.proxy.calls(scope)).flatMap(({ fault }) => fault ?? []);
  const rules = new Set(struck).size;
  return { hits: struck.length, rules, all: rules >= (wanted.strikes ?? 1) };
}

/**
 * Some functions are called by an event about the end of a workflow, so they may come after it. Where the fault never
 * strikes, the case is run again.
 */
async function clearRules(run: Run): Promise<void> {
  await until('the faults have struck', async () => (await strikes(run)).all, { limitSeconds: 5 }).catch(
    () => undefined,
  );
  await run.bed.proxy.clearRules(run.scope);
}

/** @param scope unique text of this run of the case */
export async function runCase(
  bed: TestBed,
  wanted: Case,
  scope: string,
  foreign: Snapshot,
): Promise<CaseResult> {
  const started = Date.now();
  const found: string[] = [];
  let ending: Ending | undefined;
  let hits = 0;
  let isStruck = true;
  let integrationId: string | undefined;
  await bed.proxy.open(scope);
  try {
    const onTaken = (id: string) => {
      integrationId = id;
    };
    const run = { bed, service: serviceAt(bed), scope, wanted, onTaken };
    await sandboxControl(bed.environment.sandbox).set(scope, {
      userArnDelaySeconds: wanted.userArn === 'late' ? 1 : 0,
    });
    const outcome = await turnOf(run, found);
    ending = outcome;
    found.push(...accessViolations(await bed.proxy.calls(scope)));
    const struck = await strikes(run);
    hits = struck.hits;
    isStruck = struck.all;
    if (!isStruck) {
      found.push(`Faults that struck: ${struck.rules} of ${wanted.rules.length}; the call was not made`);
    }
    found.push(...(await foreignChanges(bed, foreign)));
    if (integrationId !== undefined && found.length === 0) await forget(bed, integrationId);
  } catch (error) {
    found.push(error instanceof Error ? error.message : String(error));
  } finally {
    await bed.proxy.close(scope);
  }
  const { id, part, row, column } = wanted;
  return {
    case: { id, part, row, column },
    ending,
    violations: found,
    hits,
    missed: !isStruck && found.length === 1,
    integrationId,
    seconds: (Date.now() - started) / 1000,
  };
}

/** @returns how the request that met the fault ended */
function turnOf(run: Run, found: string[]): Promise<Ending | undefined> {
  const rules = { addRules: () => addRules(run) };
  const isOfDriver = run.wanted.during === 'add' || run.wanted.during === 'take';
  if (isOfDriver) return driverInTurn({ ...run, ...rules }, found);
  if (run.wanted.part === 'adopted') {
    const parts = {
      connect: (request: Record<string, unknown>) => connect(run, request),
      disconnect: (integrationId: string) => disconnect(run, integrationId),
    };
    return adoptedInTurn({ ...run, ...rules, ...parts }, found);
  }
  if (run.wanted.part === 'kept') {
    const parts = {
      connect: (request: Record<string, unknown>) => connect(run, request),
      disconnect: (integrationId: string, query: string) => disconnect(run, integrationId, query),
    };
    return keptInTurn({ ...run, ...rules, ...parts }, found);
  }
  return inTurn(run, found);
}

async function inTurn(run: Run, found: string[]): Promise<Ending | undefined> {
  const { wanted } = run;
  if (wanted.during === 'connect') await addRules(run);
  const connected = await connect(run);
  found.push(...(await check(run, connected, 'connected')));
  const isStruck = wanted.during === 'connect';
  if (isStruck) found.push(...unexpected(wanted, connected));
  if (isStruck) await clearRules(run);
  else if (connected.status !== 'ready') found.push(`Without a fault it ended ${connected.status}`);
  if (endingOf(connected) === 'clean') {
    found.push(...(await removalChangesNothing(run, connected)));
    return endingOf(connected);
  }

  if (!isStruck) await addRules(run);
  const disconnected = await disconnect(run, connected.integrationId);
  found.push(...(await check(run, disconnected, 'disconnected')));
  if (!isStruck) {
    found.push(...unexpected(wanted, disconnected));
    await clearRules(run);
  }

  // What is left is a to-do; here nothing but the fault was in the way, and what a test of Dataloop's left.
  const isLeft = endingOf(disconnected) === 'residue';
  if (isLeft) await takeTestFilesAway(run, connected);
  const last = isLeft ? await disconnect(run, connected.integrationId) : disconnected;
  if (endingOf(last) !== 'clean') {
    found.push(`DELETE after the cause was gone ended ${last.status}: ${JSON.stringify(last.residue)}`);
  }
  found.push(...(await check(run, last, 'disconnected again')));
  found.push(...(await removalChangesNothing(run, last)));
  return endingOf(isStruck ? connected : disconnected);
}

/** Dataloop cannot take its own file away where the access ended in the middle of its test. The service deletes no objects. */
async function takeTestFilesAway({ bed }: Run, { name }: IntegrationAnswer): Promise<void> {
  const { s3 } = clientsAt(bed.environment);
  const Bucket = `dataloop-${name}`;
  for (const Key of testFiles) {
    await s3.send(new DeleteObjectCommand({ Bucket, Key })).catch((error: unknown) => {
      if (!(error instanceof Error && error.name === 'NoSuchBucket')) throw error;
    });
  }
}

async function check({ bed }: Run, integration: IntegrationAnswer, when: string): Promise<string[]> {
  return (await violations(bed, integration)).map((violation) => `${when}: ${violation}`);
}

function unexpected(wanted: Case, integration: IntegrationAnswer): string[] {
  const ending = endingOf(integration);
  if (wanted.end === 'any' || ending === wanted.end) {
    const rolledBack = ending === 'ready' && integration.steps.some(({ name }) => name === 'RollBack');
    return rolledBack && wanted.end === 'ready' ? ['A fault that passes led to RollBack'] : [];
  }
  const why = integration.error ?? integration.residue;
  return [`Ended ${integration.status}, not ${wanted.end}: ${JSON.stringify(why)}`];
}

async function removalChangesNothing(run: Run, ended: IntegrationAnswer): Promise<string[]> {
  const before = await takeOwn(run.bed, ended.name);
  const again = await disconnect(run, ended.integrationId);
  const changed = changes(before, await takeOwn(run.bed, ended.name));
  if (again.status !== ended.status) changed.push(`DELETE again made ${again.status} of ${ended.status}`);
  return changed.map((change) => `removed twice: ${change}`);
}
