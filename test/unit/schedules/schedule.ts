/** What a schedule is made of. */
import type { Adoption } from './adoption.ts';

/** What befalls one call of one function. */
export interface Fault {
  readonly functionName: string;
  /** Which invocation of the function, from 1. */
  readonly invocation: number;
  /** Which of its calls, from 1, or of those that change something outside of the journal; 0 is the invocation. */
  readonly call: number;
  readonly of: 'calls' | 'effects';
  readonly kind:
    | 'none'
    | 'unavailable'
    | 'refused'
    /** Takes effect, but no answer comes. */
    | 'lost'
    /** Takes effect twice: the client has sent it again. */
    | 'repeated'
    | 'slow'
    /** The function dies, and the call with it. */
    | 'crash'
    /** The function dies, and the call takes effect after that. */
    | 'crash-and-effect'
    /** No answer until the function's time-out. */
    | 'hang'
    | 'hang-and-effect';
  /** ms until the effect of those that are late. */
  readonly delayMs: number;
  /** What somebody does while the call is under way. */
  readonly meanwhile: 'nothing' | 'stop' | 'delete';
}

/** What becomes of a message on its way: an event, a poll, a status event. */
export interface Delivery {
  readonly kind: 'normal' | 'dropped' | 'duplicated' | 'delayed';
  readonly delayMs: number;
}

/** What strangers can do to what; to `take` is to have something of theirs under a name of ours. */
export const strange = [
  { thing: 'bucket', does: 'take' },
  { thing: 'bucket', does: 'take-elsewhere' },
  { thing: 'bucket', does: 'delete' },
  { thing: 'bucket', does: 'replace' },
  { thing: 'bucket', does: 'untag' },
  { thing: 'bucket', does: 'use' },
  { thing: 'policy', does: 'take' },
  { thing: 'policy', does: 'delete' },
  { thing: 'policy', does: 'replace' },
  { thing: 'policy', does: 'untag' },
  { thing: 'role', does: 'take' },
  { thing: 'role', does: 'take-elsewhere' },
  { thing: 'role', does: 'delete' },
  { thing: 'role', does: 'replace' },
  { thing: 'role', does: 'untag' },
  { thing: 'role', does: 'use' },
  { thing: 'role', does: 'retrust' },
  { thing: 'integration', does: 'take' },
  { thing: 'integration', does: 'delete' },
  { thing: 'driver', does: 'take' },
  { thing: 'driver', does: 'delete' },
] as const;

export const names = ['acme', 'beta'] as const;

export type Command = { readonly afterMs: number } & (
  | { readonly kind: 'post'; readonly request: number; readonly key: number | undefined }
  | { readonly kind: 'delete'; readonly integration: number }
  | { readonly kind: 'stop'; readonly execution: number; readonly timedOut: boolean }
  | {
      readonly kind: 'event';
      readonly integration: number;
      readonly about: number;
      readonly userArn: 'real' | 'forged';
    }
  | {
      readonly kind: 'stranger';
      readonly what: (typeof strange)[number];
      readonly name: (typeof names)[number];
    }
  | {
      readonly kind: 'outage';
      readonly service: string;
      readonly how: 'unavailable' | 'refused';
      readonly forMs: number;
    }
  | { readonly kind: 'sweep' }
);

export interface Schedule {
  /** What requests adopt; undefined: nothing. */
  readonly adoption: Adoption | undefined;
  readonly userDelayMs: number | undefined;
  readonly trustDelayMs: number;
  readonly visibleAfterMs: number;
  /** How often the first request is sent again as soon as an integration has ended clean. */
  readonly again: number;
  readonly commands: readonly Command[];
  readonly faults: readonly Fault[];
  /** ms that calls take on their way there and back, in turn; none: 1 ms each. */
  readonly latencies: readonly number[];
  /** Share of each wait before a retry that is really waited. */
  readonly jitters: readonly number[];
  readonly deliveries: readonly Delivery[];
  /** ms by which the clocks of functions are ahead, in turn. */
  readonly skews: readonly number[];
}
