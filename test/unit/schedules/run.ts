/** Runs one schedule: its commands, peace, the oracle; then everything is removed, and the oracle again. */
import type { JournalRecord } from '../../../src/domain/model/record.ts';
import { type Callers, confirm, execute, post, remove } from './commands.ts';
import { addAgain, addDriver, awaitNeeded, executeOnDrivers, removeDriver } from './driver-commands.ts';
import { theirPolicyArn } from './driver-strangers.ts';
import { operators } from './operator.ts';
import { foreignChanges, snapshot, strangersThings, violations } from './oracle.ts';
import { followAdvice } from './owners.ts';
import { changesOurs, isDriverCommand, type Schedule } from './schedule.ts';
import { type Simulation, simulate } from './simulation.ts';
import { stranger } from './things.ts';
import type { Handler } from './worker.ts';

const sweepIntervalMs = 300_000;
/** Five hours of sweeps: more than any undo with all its restarts takes. */
const maximumSweeps = 60;

function isQuiet({ journal, lambda, machines, deliveries }: Simulation, callers: Callers): boolean {
  return (
    lambda.alive() === 0 &&
    deliveries.open() === 0 &&
    callers.open === 0 &&
    [...machines.executions.values()].every(({ status }) => status !== 'RUNNING') &&
    !journal.statuses().some((status) => ['provisioning', 'rolling-back', 'removing'].includes(status))
  );
}

/** @returns whether it came to rest */
async function settle(simulation: Simulation, callers: Callers): Promise<boolean> {
  for (let sweeps = 0; sweeps < maximumSweeps; sweeps += 1) {
    await simulation.clock.pass(sweepIntervalMs);
    if (isQuiet(simulation, callers)) return true;
    simulation.deliveries.sweep();
  }
  return false;
}

/** Takes out of the way what kept ours from being deleted. */
function liftObstacles({ aws, journal }: Simulation): void {
  const records = [...journal.records(), ...journal.drivers()];
  for (const thing of [...aws.buckets.values(), ...aws.policies.values(), ...aws.roles.values()]) {
    if (thing.maker === stranger) continue;
    thing.tags = { ...thing.tags, 'dataloop-cross-account:integration-id': thing.maker };
    // A thing that the record knows as left alone is its owner's to delete.
    const { resources = {} } = journal.record(thing.maker) ?? {};
    const isLeftAlone = Object.values(resources).some(
      ({ leftAlone, released }) => (leftAlone ?? released) !== undefined,
    );
    if (!isLeftAlone) thing.tamperedWith = false;
  }
  for (const bucket of aws.buckets.values()) if (bucket.maker !== stranger) bucket.objects = 0;
  // Without a unique id, what somebody has put in a bucket's place is taken for ours without its tag.
  for (const { resources } of records) {
    for (const [name, { maker }] of aws.buckets) {
      const { state, origin, arn } = resources.bucket ?? {};
      // One that was adopted is their own.
      const isKnown = state !== 'gone' && origin !== 'adopted' && arn === `arn:aws:s3:::${name}`;
      if (isKnown && maker === stranger) aws.buckets.delete(name);
    }
  }
  for (const role of aws.roles.values()) {
    // What is attached to one that may be adopted keeps nothing from being given back.
    if (role.parts) continue;
    for (const arn of role.attached) {
      const isTheirs = arn.startsWith(theirPolicyArn);
      if (isTheirs === (role.maker !== stranger)) role.attached.delete(arn);
    }
  }
}

/** Removes all integrations that are in one of these states, or all drivers. */
async function removeAll(
  simulation: Simulation,
  callers: Callers,
  records: readonly JournalRecord[],
  statuses: readonly string[],
): Promise<string[]> {
  const found: string[] = [];
  for (const { id: integrationId, status, parent } of records) {
    if (!statuses.includes(status)) continue;
    const removal = parent
      ? removeDriver(simulation, callers, integrationId, true)
      : remove(simulation, callers, integrationId);
    void removal.then((code) => {
      if (code !== 202) found.push(`DELETE of ${integrationId} answered ${code}`);
    });
  }
  if (!(await settle(simulation, callers))) found.push('removal does not come to rest');
  return found;
}

export interface Report {
  readonly violations: readonly string[];
  readonly trace: readonly string[];
  /** How the integrations ended before they were removed. */
  readonly ends: readonly string[];
  /** Integrations whose execution was started and that did not become ready. */
  readonly unready: readonly string[];
}

/** @param enter makes the simulation the one that the functions' clients are connected to */
export async function runSchedule(
  handlers: Readonly<Record<string, Handler>>,
  schedule: Schedule,
  enter: (simulation: Simulation) => void,
): Promise<Report> {
  const simulation = simulate(handlers, schedule);
  enter(simulation);
  let meanwhileAdded = 0;
  const callers: Callers = {
    open: 0,
    operators: operators(simulation, schedule.adoption ?? {}, (integrationId, body) =>
      confirm(simulation, callers, integrationId, body),
    ),
  };
  simulation.onMeanwhile((what, integrationId) => {
    const owner = simulation.journal.ownerOf(integrationId);
    if (what === 'delete' && owner !== integrationId) {
      void removeDriver(simulation, callers, integrationId, true);
    } else if (what === 'delete' || what === 'delete-integration') {
      void remove(simulation, callers, owner);
    }
    if (what === 'add-driver') addDriver(simulation, callers, owner, meanwhileAdded++);
    for (const execution of simulation.machines.executions.values()) {
      if (what === 'stop' && execution.name.startsWith(integrationId)) {
        simulation.machines.stop(execution, 'ABORTED');
      }
    }
  });
  let { again } = schedule;
  simulation.journal.onClean((id) => {
    if (again-- <= 0) return;
    simulation.clock.after(1, () => {
      const driver = simulation.journal.drivers().find(({ id: integrationId }) => integrationId === id);
      if (driver) addAgain(simulation, callers, driver);
      else post(simulation, callers, 0, undefined);
    });
  });
  let strangers: ReadonlyMap<string, string> = new Map();
  let ends: readonly string[] = [];
  let unready: readonly string[] = [];
  const report = (found: readonly string[]): Report => ({
    violations: found,
    trace: simulation.traced,
    ends,
    unready,
  });

  for (const command of schedule.commands) {
    if (isDriverCommand(command)) await awaitNeeded(simulation, command);
    await simulation.clock.pass(command.afterMs);
    simulation.traced.push(`-- ${JSON.stringify(command)}`);
    if (isDriverCommand(command)) {
      executeOnDrivers(simulation, callers, command);
    } else execute(simulation, callers, command);
    strangers = new Map([...strangers, ...strangersThings(simulation)]);
  }
  // Time for what is under way to meet its faults; then nothing fails any more.
  await simulation.clock.pass(sweepIntervalMs);
  simulation.lambda.endFaults();
  simulation.deliveries.endFaults();
  simulation.traced.push('-- nothing fails any more');
  const isSettled = await settle(simulation, callers);
  ends = simulation.journal.statuses();
  const started = new Set([...simulation.machines.executions.values()].map(({ name }) => name));
  unready = simulation.journal
    .records()
    .flatMap(({ id, status }) => (started.has(id) && status !== 'ready' ? [`${id} is ${status}`] : []));
  const check = () => [
    ...violations(simulation, schedule.commands.some(changesOurs)),
    ...foreignChanges(simulation, strangers),
  ];
  const first = [...(isSettled ? [] : ['it does not come to rest']), ...check()];
  if (first.length > 0) return report(first);

  again = 0;
  liftObstacles(simulation);
  followAdvice(simulation);
  // What was lifted shows, too, before anybody goes on.
  await simulation.clock.pass(schedule.visibleAfterMs);
  strangers = strangersThings(simulation);
  const { journal } = simulation;
  if (schedule.driversFirst) {
    simulation.traced.push('-- obstacles are lifted, all drivers are removed');
    const removal = await removeAll(simulation, callers, journal.drivers(), ['ready', 'residue']);
    const drivers = [...removal, ...left(journal.drivers()), ...check()];
    if (drivers.length > 0) return report(drivers);
  }
  simulation.traced.push('-- obstacles are lifted, all is removed');
  const removal = await removeAll(simulation, callers, journal.records(), ['ready', 'residue']);
  const all = () => [...journal.records(), ...journal.drivers()];
  const second = [...removal, ...left(all()), ...check()];
  if (second.length > 0) return report(second);

  const before = everything(simulation);
  const repeated = await removeAll(simulation, callers, all(), ['failed', 'removed']);
  if (everything(simulation) !== before) repeated.push('a second DELETE changes something');
  return report([...repeated, ...check()]);
}

const left = (records: readonly JournalRecord[]): string[] =>
  records.flatMap(({ id: integrationId, status }) =>
    status === 'failed' || status === 'removed' ? [] : [`${integrationId} is ${status} after its removal`],
  );

const everything = (simulation: Simulation): string =>
  JSON.stringify([
    [...snapshot(simulation)],
    [...simulation.journal.items],
    [...simulation.machines.executions.keys()],
  ]);
