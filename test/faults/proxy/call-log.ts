/** Record of the calls that went through the proxy, one log a scope. */
import * as z from 'zod';
import { attributedBySchema } from './attribution.ts';
import { serviceSchema } from './calls.ts';

/** What became of a request. */
export const outcomeSchema = z.enum([
  /** Still being dealt with: delayed, hanging, or its answer is awaited. */
  'pending',
  /** Kept back until it is released. */
  'held',
  /** The upstream's answer, rewritten or not, went to the client. */
  'forwarded',
  /** Answered by the proxy; the upstream did not see it. */
  'faulted',
  /** The upstream saw it, the client did not get the answer. */
  'lost',
  /** The upstream did not see it, the client got no answer. */
  'dropped',
  /** The proxy itself failed, which it says under `failures`. */
  'failed',
]);
export type Outcome = z.infer<typeof outcomeSchema>;

export const recordedCallSchema = z.object({
  /** Order of arrival at the proxy. */
  sequence: z.number(),
  /** Arrival, ISO 8601. */
  time: z.string(),
  scope: z.string().optional(),
  attributedBy: attributedBySchema.optional(),
  function: z.string().optional(),
  pid: z.number().optional(),
  service: serviceSchema,
  operation: z.string(),
  /** The same for all attempts of one call. */
  logicalCall: z.string(),
  /** Which call, from 1 on, of this function and operation in this scope. */
  call: z.number(),
  /** Which attempt of the SDK, from 1 on. */
  attempt: z.number(),
  /** Id of the rule that met it. */
  fault: z.string().optional(),
  /** Status of the answer; of the upstream's where that was lost. */
  status: z.number().optional(),
  outcome: outcomeSchema,
});
export type RecordedCall = z.infer<typeof recordedCallSchema>;
export type ArrivedCall = Omit<RecordedCall, 'call' | 'outcome'>;

export class CallLog {
  readonly #calls: RecordedCall[] = [];
  readonly #limit: number;

  /** @param limit how many calls are kept; the oldest goes first */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get calls(): readonly RecordedCall[] {
    return this.#calls;
  }

  /** Adds a call; the entry is completed in place as it goes on. */
  add(arrived: ArrivedCall): RecordedCall {
    const like = (other: ArrivedCall) =>
      other.function === arrived.function && other.operation === arrived.operation;
    const entry: RecordedCall = { ...arrived, call: 0, outcome: 'pending' };
    this.#calls.push(entry);
    entry.call = this.nth(entry, like);
    if (this.#calls.length > this.#limit) this.#calls.shift();
    return entry;
  }

  /**
   * Which one a call is, from 1 on, among those alike that began after a moment; attempts of one count once.
   * @param from sequence of the last call before that moment
   * @returns 0 for one that began before
   */
  nth(entry: RecordedCall, alike: (call: RecordedCall) => boolean, from = 0): number {
    const began = new Map<string, number>();
    for (const call of this.#calls) {
      if (alike(call) && !began.has(call.logicalCall)) began.set(call.logicalCall, call.sequence);
    }
    const since = [...began].filter(([, sequence]) => sequence > from).map(([logicalCall]) => logicalCall);
    return since.indexOf(entry.logicalCall) + 1;
  }
}
