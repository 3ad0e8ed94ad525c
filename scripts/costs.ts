/** What the service costs at rest, from what its resources are and a table of prices. */

/** USD in eu-west-1, from AWS's price pages on this day; free tiers are not counted. */
export const prices = {
  date: '2026-11-28',
  secretPerMonth: 0.4,
  alarmPerMonth: 0.1,
  metricPerMonth: 0.3,
  sqsPerMillion: 0.4,
  lambdaPerMillion: 0.2,
  /** Of a function on arm64. */
  lambdaGigabyteSecond: 0.0000133334,
  stateTransitionPerThousand: 0.025,
  writesPerMillion: 0.705,
  readsPerMillion: 0.141,
} as const;

const minutesPerMonth = 30 * 24 * 60;

export interface AtRest {
  readonly alarms: number;
  readonly metrics: number;
  /** Queues that Lambda polls. */
  readonly polledQueues: number;
  /** Minutes between two calls of each schedule. */
  readonly schedules: readonly number[];
  readonly memoryMegabytes: number;
}

/** Lambda polls a queue with five long polls of twenty seconds each at a time. */
const receivesPerMinute = 15;
/** Of a scheduled look that finds nothing to do, on the generous side. */
const lookMilliseconds = 200;
const readsPerLook = 4;

/** USD a month by what it is for. */
export function costAtRest(at: AtRest): Readonly<Record<string, number>> {
  const looks = at.schedules.reduce((sum, minutes) => sum + minutesPerMonth / minutes, 0);
  const receives = at.polledQueues * receivesPerMinute * minutesPerMonth;
  const gigabyteSeconds = ((looks * lookMilliseconds) / 1_000) * (at.memoryMegabytes / 1_024);
  return {
    secret: prices.secretPerMonth,
    alarms: at.alarms * prices.alarmPerMonth,
    metrics: at.metrics * prices.metricPerMonth,
    polls: (receives / 1e6) * prices.sqsPerMillion,
    schedules:
      (looks / 1e6) * prices.lambdaPerMillion +
      gigabyteSeconds * prices.lambdaGigabyteSecond +
      ((looks * readsPerLook) / 1e6) * prices.readsPerMillion,
  };
}

/** The sentences of docs/deployment.md about it. */
export function restSentences(at: AtRest): string {
  const parts = costAtRest(at);
  const usd = (amount = 0) => amount.toFixed(2);
  const sum = Object.values(parts).reduce((total, part) => total + part, 0);
  return (
    `At rest, about ${usd(sum)} USD a month, without free tiers: the secret ${usd(parts['secret'])}, ` +
    `${at.alarms} alarms ${usd(parts['alarms'])}, a metric ${usd(parts['metrics'])}, Lambda's polls of the queue ` +
    `${usd(parts['polls'])}, and looks every five minutes and every hour ${usd(parts['schedules'])}.`
  );
}
