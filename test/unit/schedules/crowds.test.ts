/**
 * Many buckets are added to one integration at once, and taken away at once. Every call takes a while, so they wait for
 * each other; nobody fails for that.
 */
import { expect, test } from '@jest/globals';
import { projectId } from '../environment.ts';
import { type Callers, post, remove } from './commands.ts';
import { addBucket, removeDriver } from './driver-commands.ts';
import { undisturbed } from './examples.ts';
import { enter, handlers } from './loaded.ts';
import { operators } from './operator.ts';
import { violations } from './oracle.ts';
import { type Simulation, simulate } from './simulation.ts';

/** ms there and back: of IAM, S3 and Dataloop some take a second. */
const latencies = [20, 15, 60, 40, 350, 150, 30, 20, 600, 400, 25, 15, 90, 60, 40, 30];
const hour = 3_600_000;

/** How often which status is there. */
function counted({ journal }: Simulation): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status } of journal.drivers()) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

test.each([1, 10, ...(process.env['THOROUGH'] ? [100, 300] : [])])(
  '%i at once all become ready, and are all removed',
  async (count) => {
    const simulation = simulate(handlers, {
      ...undisturbed,
      latencies,
      jitters: [0.9, 0.1, 0.5, 0.7, 0.3, 0.05, 0.95],
      commands: [],
    });
    enter(simulation);
    const { clock, journal, machines } = simulation;
    const callers: Callers = { open: 0, operators: operators(simulation, {}, () => undefined) };
    const rest = async (until: () => boolean) => clock.pass(12 * hour, until);
    post(simulation, callers, 0, undefined);
    await rest(() => journal.statuses()[0] === 'ready');
    const [integrationId = ''] = journal.ids('int_');

    for (let index = 0; index < count; index += 1) {
      addBucket(simulation, callers, integrationId, {
        bucket: { name: `dataloop-crowd-${index}` },
        dataloop: { projectId },
      });
    }
    await rest(() => callers.open === 0);
    const isOver = () => [...machines.executions.values()].every(({ status }) => status !== 'RUNNING');
    await rest(isOver);
    expect(counted(simulation)).toEqual({ ready: count });
    expect(violations(simulation, false)).toEqual([]);

    for (const id of journal.ids('drv_')) void removeDriver(simulation, callers, id, true);
    await rest(() => callers.open === 0);
    await rest(isOver);
    expect(counted(simulation)).toEqual({ removed: count });
    void remove(simulation, callers, integrationId);
    await rest(() => callers.open === 0);
    await rest(isOver);
    expect(journal.records().map(({ status }) => status)).toEqual(['removed']);
    expect(violations(simulation, false)).toEqual([]);
  },
  hour,
);
