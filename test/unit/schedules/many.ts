/** Many integrations are set up at once, where IAM and Dataloop take few calls a second. */
import { randomFrom } from '../../bench/world.ts';
import { accountId, projectId } from '../environment.ts';
import { eventOf } from './commands.ts';
import { undisturbed } from './examples.ts';
import { type Calls, type Limit, load } from './load.ts';
import { enter, handlers } from './loaded.ts';
import { violations } from './oracle.ts';
import { type Simulation, simulate } from './simulation.ts';

export interface Many {
  /** From the requests to the end of the last execution. */
  readonly seconds: number;
  readonly statuses: readonly string[];
  readonly calls: Calls;
  readonly violations: readonly string[];
}

/** A caller may have so many set up at a time. */
const perCaller = 20;

function post({ lambda }: Simulation, index: number): Promise<unknown> {
  const userArn = `arn:aws:iam::${accountId}:user/${Math.floor(index / perCaller)}`;
  const name = `many-${index}`;
  return lambda.invoke('startProvisioning', {
    ...eventOf('POST /integrations'),
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, bucket: { name: `dataloop-${name}` }, dataloop: { projectId } }),
    requestContext: { requestId: name, authorizer: { iam: { userArn } } },
  });
}

const longestMs = 12 * 3_600_000;

/**
 * @param limits of services; those without one take every call
 * @param seed of what each call takes, and of how long each waits
 */
export async function setUpMany(
  count: number,
  limits: Readonly<Record<string, Limit>>,
  seed: number,
): Promise<Many> {
  const random = randomFrom(seed);
  Math.random = random;
  const calls: Calls = {};
  const schedule = { ...undisturbed, jitters: Array.from({ length: 997 }, random), commands: [] };
  const simulation = simulate(handlers, schedule, (clock) => load(clock, limits, random, calls));
  enter(simulation);
  const { clock, machines, journal } = simulation;
  const begun = clock.now();
  let open = count;
  for (let index = 0; index < count; index += 1) {
    void post(simulation, index).then(() => {
      open -= 1;
    });
  }
  await clock.pass(longestMs, () => {
    const isOver = [...machines.executions.values()].every(({ status }) => status !== 'RUNNING');
    return open === 0 && isOver;
  });
  const seconds = (clock.now() - begun) / 1000;
  return { seconds, statuses: journal.statuses(), calls, violations: violations(simulation, false) };
}
