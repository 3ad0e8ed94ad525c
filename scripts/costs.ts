/** What the service costs: at rest from what its resources are, and a provisioning from a run; with a table of prices. */

import type { States } from '../statemachines/asl.ts';

/** USD in eu-west-1, from AWS's price pages on this day; free tiers are not counted. */
export const prices = {
  date: '2026-11-28',
  secretPerMonth: 0.4,
  alarmPerMonth: 0.1,
  sqsPerMillion: 0.4,
  lambdaPerMillion: 0.2,
  /** Of a function on arm64. */
  lambdaGigabyteSecond: 0.0000133334,
  stateTransitionPerThousand: 0.025,
  writesPerMillion: 0.705,
  readsPerMillion: 0.141,
  httpApiPerMillion: 1.11,
  eventsPerMillion: 1,
  secretReadsPerTenThousand: 0.05,
  /** Uses of the key of table and secret. */
  keyUsesPerTenThousand: 0.03,
  /** Writes and lists; reads cost a tenth. */
  bucketRequestsPerThousand: 0.005,
  logsPerGigabyte: 0.57,
  tracesPerMillion: 5,
} as const;

/** Bytes of logs: of an event of an execution, and of a call of a function; on the generous side. */
const logBytes = { event: 600, invocation: 700 } as const;

const minutesPerMonth = 30 * 24 * 60;

interface AtRest {
  readonly alarms: number;
  /** Queues that Lambda polls. */
  readonly polledQueues: number;
  /** Minutes between two calls of each schedule. */
  readonly schedules: readonly number[];
  readonly memoryMegabytes: number;
}

/** Lambda polls a queue with five long polls of twenty seconds each at a time. */
const receivesPerMinute = 15;
/** Of a scheduled look that finds nothing to do, on the generous side. */
const look = { milliseconds: 200, reads: 4, keyUses: 1 } as const;
const looksAtSecretPerMonth = 30 * 24;

const lambdaCost = (invocations: number, milliseconds: number, memoryMegabytes: number): number =>
  (invocations / 1e6) * prices.lambdaPerMillion +
  (milliseconds / 1_000) * (memoryMegabytes / 1_024) * prices.lambdaGigabyteSecond;
const logCost = (bytes: number): number => (bytes / 1e9) * prices.logsPerGigabyte;
const secretCost = (reads: number): number => (reads / 1e4) * prices.secretReadsPerTenThousand;
const keyCost = (uses: number): number => (uses / 1e4) * prices.keyUsesPerTenThousand;

/** USD a month by what it is for. */
export function costAtRest(at: AtRest): Readonly<Record<string, number>> {
  const looks = at.schedules.reduce((sum, minutes) => sum + minutesPerMonth / minutes, 0);
  const receives = at.polledQueues * receivesPerMinute * minutesPerMonth;
  return {
    secret: prices.secretPerMonth,
    alarms: at.alarms * prices.alarmPerMonth,
    polls: (receives / 1e6) * prices.sqsPerMillion,
    schedules:
      lambdaCost(looks, looks * look.milliseconds, at.memoryMegabytes) +
      ((looks * look.reads) / 1e6) * prices.readsPerMillion +
      logCost(looks * logBytes.invocation) +
      secretCost(looksAtSecretPerMonth),
    keys: keyCost(looks * look.keyUses + looksAtSecretPerMonth),
  };
}

export const sumOf = (parts: Readonly<Record<string, number>>): number =>
  Object.values(parts).reduce((total, part) => total + part, 0);

/** The sentences of docs/deployment.md about it, and the sum. */
export function restSentences(at: AtRest): { readonly sentences: string; readonly month: string } {
  const parts = costAtRest(at);
  const usd = (amount = 0) => amount.toFixed(2);
  const month = usd(sumOf(parts));
  const sentences =
    `At rest, about ${month} USD a month, without free tiers: the secret ${usd(parts['secret'])}, ` +
    `${at.alarms} alarms ${usd(parts['alarms'])}, Lambda's polls of the queue ${usd(parts['polls'])}, looks every five ` +
    `minutes and every hour ${usd(parts['schedules'])}, and their uses of AWS's keys for table and secret ` +
    `${usd(parts['keys'])}. Ten integrations add nothing to it.`;
  return { sentences, month };
}

/** What AWS bills of a run. `npm run costs` counts it. */
export interface Usage {
  /** States that were entered, the start and the end of each execution. */
  readonly transitions: number;
  readonly executions: number;
  /** Of all executions. */
  readonly historyEvents: number;
  readonly invocations: number;
  /** Of all functions, as long as their calls take at AWS and Dataloop. */
  readonly milliseconds: number;
  /** More than that, where each function starts anew. */
  readonly initMilliseconds: number;
  /** Of up to 1 KB, and consistent reads of up to 4 KB. */
  readonly writes: number;
  readonly reads: number;
  readonly keyUses: number;
  readonly secretReads: number;
  readonly bucketRequests: number;
  readonly events: number;
  readonly queueRequests: number;
  readonly apiRequests: number;
}

/** USD of a run by what it is for, each function started anew. */
export const costOf = (usage: Usage, memoryMegabytes: number): Readonly<Record<string, number>> => ({
  'Step Functions': (usage.transitions / 1_000) * prices.stateTransitionPerThousand,
  Lambda: lambdaCost(usage.invocations, usage.milliseconds + usage.initMilliseconds, memoryMegabytes),
  DynamoDB: (usage.writes / 1e6) * prices.writesPerMillion + (usage.reads / 1e6) * prices.readsPerMillion,
  'Secrets Manager': secretCost(usage.secretReads),
  KMS: keyCost(usage.keyUses),
  S3: (usage.bucketRequests / 1_000) * prices.bucketRequestsPerThousand,
  'Logs and traces':
    logCost(usage.historyEvents * logBytes.event + usage.invocations * logBytes.invocation) +
    (usage.executions / 1e6) * prices.tracesPerMillion,
  'API, events and queue':
    (usage.apiRequests / 1e6) * prices.httpApiPerMillion +
    (usage.events / 1e6) * prices.eventsPerMillion +
    (usage.queueRequests / 1e6) * prices.sqsPerMillion,
});

/** The table of docs/performance.md: what each run uses, and what it costs. */
export function costTable(runs: Readonly<Record<string, Usage>>, memoryMegabytes: number): string {
  const usd = (amount: number) => amount.toFixed(6);
  const names = Object.keys(runs);
  const usages = Object.values(runs);
  const row = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
  const used = (what: string, count: (usage: Usage) => string | number) => row([what, ...usages.map(count)]);
  const costs = usages.map((usage) => costOf(usage, memoryMegabytes));
  return [
    row(['', ...names]),
    row(['---', ...names.map(() => '---')]),
    used('State transitions', ({ transitions }) => transitions),
    used('Events in the history', ({ historyEvents }) => historyEvents),
    used('Calls of functions', ({ invocations }) => invocations),
    used(`Lambda GB-seconds, warm / each function started anew`, ({ milliseconds, initMilliseconds }) => {
      const gigabyteSeconds = (duration: number) =>
        ((duration / 1_000) * (memoryMegabytes / 1_024)).toFixed(1);
      return `${gigabyteSeconds(milliseconds)} / ${gigabyteSeconds(milliseconds + initMilliseconds)}`;
    }),
    used('DynamoDB units written / read', ({ writes, reads }) => `${writes} / ${reads}`),
    used('Reads of the secret', ({ secretReads }) => secretReads),
    used('Requests to S3', ({ bucketRequests }) => bucketRequests),
    used('Uses of keys', ({ keyUses }) => keyUses),
    ...Object.keys(costs[0] ?? {}).map((part) =>
      row([`USD, ${part}`, ...costs.map((cost) => usd(cost[part] ?? 0))]),
    ),
    row(['**USD, together**', ...costs.map((cost) => `**${usd(sumOf(cost))}**`)]),
  ].join('\n');
}

/** Events of an execution that enters each state once and uses up each of its retries. */
export const mostEvents = (states: States): number =>
  Object.values(states).reduce((sum, state) => {
    if (state.Type !== 'Task') {
      const branches = state.Type === 'Parallel' ? state.Branches : [];
      return branches.reduce((total, branch) => total + mostEvents(branch.States), sum + 4);
    }
    const attempts = (state.Retry ?? []).reduce((total, { MaxAttempts }) => total + MaxAttempts, 1);
    return sum + 3 + 3 * attempts;
  }, 0);
