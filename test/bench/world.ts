/** How slow AWS and Dataloop are, as the fault proxy plays it to whoever calls them; and a record of all calls. */
import type { RecordedCall } from '../faults/proxy/call-log.ts';
import type { HttpRequest } from '../faults/proxy/calls.ts';
import type { Usual } from '../faults/proxy/proxy.ts';
import type { Latencies } from './bound.ts';

export type Part = 'Dataloop' | 'AWS' | 'Journal' | 'Waiting' | 'Own work';

/** A call from its arrival to its answer, in milliseconds since the epoch. */
export interface TimedCall {
  readonly operation: string;
  readonly part: Exclude<Part, 'Own work' | 'Waiting'>;
  readonly from: number;
  to: number;
  /** IAM did not see the principal yet. */
  readonly isTooEarly: boolean;
}

const iamUser = /arn:aws:iam::\d{12}:user\/[\w+=,.@/-]+/g;
/** What IAM answers for a trust policy with a user that it does not see yet. */
const unseen = {
  kind: 'error',
  status: 400,
  code: 'MalformedPolicyDocument',
  message: 'Invalid principal in policy',
} as const;
const trusting = new Set(['iam:CreateRole', 'iam:UpdateAssumeRolePolicy']);

/** A sequence of numbers from 0 to 1 that a seed decides (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const partOf = ({ service }: RecordedCall): TimedCall['part'] =>
  service === 'dataloop' ? 'Dataloop' : service === 'dynamodb' ? 'Journal' : 'AWS';

export class SlowWorld implements Usual {
  readonly calls: TimedCall[] = [];
  readonly #latencies: Latencies;
  readonly #random: () => number;
  /** When each IAM user was first told of by Dataloop. */
  readonly #users = new Map<string, number>();

  /** @param seed of what each call takes: its latency, a tenth more or less */
  constructor(latencies: Latencies, seed: number) {
    this.#latencies = latencies;
    this.#random = randomFrom(seed);
  }

  meet(call: RecordedCall, request: HttpRequest): ReturnType<Usual['meet']> {
    const part = partOf(call);
    const { aws, journal, dataloop } = this.#latencies;
    const usual = { AWS: aws, Journal: journal, Dataloop: dataloop }[part];
    const now = Date.now();
    const isTooEarly = trusting.has(call.operation) && this.#isUnseen(request, now);
    const timed: TimedCall = { operation: call.operation, part, from: now, to: now, isTooEarly };
    this.calls.push(timed);
    return {
      milliseconds: usual * (0.9 + this.#random() * 0.2),
      fault: isTooEarly ? unseen : undefined,
      answered: (body) => {
        timed.to = Date.now();
        if (part === 'Dataloop') this.#learn(body);
      },
    };
  }

  #learn(body: Buffer | undefined): void {
    for (const [arn] of body?.toString('utf8').matchAll(iamUser) ?? []) {
      if (!this.#users.has(arn)) this.#users.set(arn, Date.now());
    }
  }

  #isUnseen({ body }: HttpRequest, now: number): boolean {
    const text = decodeURIComponent(body.toString('utf8').replaceAll('+', ' '));
    return [...text.matchAll(iamUser)].some(
      ([arn]) => now < (this.#users.get(arn) ?? 0) + this.#latencies.principal,
    );
  }
}

/** Where the time between two moments went. Of calls at the same time, the first of this order counts. */
export function breakdown(
  calls: readonly TimedCall[],
  from: number,
  to: number,
): Readonly<Record<Part, number>> {
  const parts: Record<Part, number> = { Dataloop: 0, AWS: 0, Journal: 0, Waiting: 0, 'Own work': 0 };
  const waits = waitsIn(calls);
  const moments = [...calls.flatMap((call) => [call.from, call.to]), ...waits.flat(), from, to]
    .filter((moment) => moment >= from && moment <= to)
    .sort((one, other) => one - other);
  for (const [index, moment] of moments.entries()) {
    const next = moments[index + 1] ?? to;
    const open = calls.filter((call) => call.from <= moment && call.to >= next).map(({ part }) => part);
    const isWaiting = waits.some(([begin, end]) => begin <= moment && end >= next);
    const part =
      (['Dataloop', 'AWS', 'Journal'] as const).find((each) => open.includes(each)) ??
      (isWaiting ? 'Waiting' : 'Own work');
    parts[part] += next - moment;
  }
  return parts;
}

/** From each call that came too early to the next of its kind. */
const waitsIn = (calls: readonly TimedCall[]): [number, number][] =>
  calls.flatMap((call) => {
    if (!call.isTooEarly) return [];
    const next = calls.find((other) => other.operation === call.operation && other.from > call.from);
    return next ? [[call.to, next.from] as [number, number]] : [];
  });
