/** Where the time of an invocation goes: in calls of AWS, in calls of Dataloop, and in work of its own. */
import { AsyncLocalStorage } from 'node:async_hooks';

/** Milliseconds. */
export interface Spent {
  readonly ownMs: number;
  readonly awsMs: number;
  readonly dataloopMs: number;
}

/** Runs while at least one call is open. */
interface Clock {
  open: number;
  since: number;
  total: number;
}
type Meter = Readonly<Record<'awsMs' | 'dataloopMs', Clock>>;

const meters = new AsyncLocalStorage<Meter>();
const newClock = (): Clock => ({ open: 0, since: 0, total: 0 });

/** Makes a call, and counts the time until its answer. */
export async function waitingFor<T>(whom: keyof Meter, call: () => Promise<T>): Promise<T> {
  const clock = meters.getStore()?.[whom];
  if (!clock) return call();
  if (clock.open === 0) clock.since = performance.now();
  clock.open += 1;
  try {
    return await call();
  } finally {
    clock.open -= 1;
    if (clock.open === 0) clock.total += performance.now() - clock.since;
  }
}

/** @param work gets a function that says what was spent so far */
export function metered<T>(work: (spent: () => Spent) => Promise<T>): Promise<T> {
  const begun = performance.now();
  const meter = { awsMs: newClock(), dataloopMs: newClock() };
  const spent = () => {
    const [aws, dataloop] = [meter.awsMs.total, meter.dataloopMs.total];
    const own = Math.max(0, performance.now() - begun - aws - dataloop);
    return { ownMs: Math.round(own), awsMs: Math.round(aws), dataloopMs: Math.round(dataloop) };
  };
  return meters.run(meter, () => work(spent));
}
