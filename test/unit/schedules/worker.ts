/** What runs on AWS Lambda, and how it is spoken with. */

/** One invocation of a function. */
export interface Worker {
  readonly functionName: string;
  /** For whom it works, where it is a step's. */
  readonly integrationId: string | undefined;
  readonly label: string;
  readonly invocation: number;
  readonly clockSkewMs: number;
  /** When it last looked at a thing, by the thing's key: what came later it cannot know. */
  readonly looks: Map<string, number>;
  /** What it last read of a thing's contents, by the thing's key. */
  readonly read: Map<string, string>;
  /** `frozen`: it has answered with a call still under way; Lambda thaws it with the next invocation. */
  state: 'alive' | 'frozen' | 'gone';
  deadline: number;
  calls: number;
  /** Calls that change something outside of the journal. */
  effects: number;
  readonly pending: Set<() => void>;
}

export type Outcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly Error: string; readonly Cause: string };

export type Handler = (event: unknown, context: unknown) => Promise<unknown>;

/** How one service says that it is unavailable, that it refuses, and that no answer came. */
export interface Failures {
  readonly unavailable: () => unknown;
  readonly refused: () => unknown;
  readonly noAnswer: () => unknown;
  readonly throttled: () => unknown;
  /** That the call met a transaction on the same item; undefined where that cannot be. */
  readonly conflict?: (() => unknown) | undefined;
  /** Whether the client sends a request again whose answer did not come. */
  readonly sendsAgain: boolean;
}
