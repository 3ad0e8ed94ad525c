/** What a schedule is made of, and how fast-check makes one; each part shrinks to nothing on its own. */
import fc from 'fast-check';

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

/** The functions, with about how many calls each makes: faults meet each call about as often. */
const functionCalls = {
  preflight: 8,
  createBucket: 12,
  createPolicy: 5,
  requestIamUser: 9,
  createRole: 8,
  completeIntegration: 4,
  testDriver: 3,
  createDriver: 6,
  verifyDriver: 3,
  activate: 4,
  rollBack: 6,
  awaitOpenCalls: 3,
  deleteDriver: 6,
  deleteIntegration: 6,
  deleteRole: 7,
  deletePolicy: 7,
  deleteBucket: 7,
  awaitUndoCalls: 3,
  conclude: 8,
  startProvisioning: 3,
  removeIntegration: 6,
  resumeProvisioning: 5,
  pollIamUser: 4,
  executionEnded: 5,
  sweep: 8,
} as const;

const functionAndCall = fc.oneof(
  ...Object.entries(functionCalls).map(([functionName, calls]) => ({
    weight: calls,
    arbitrary: fc.record({
      functionName: fc.constant(functionName),
      call: fc.integer({ min: 0, max: calls }),
      of: fc.constant('calls' as const),
    }),
  })),
);

const invocation = fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, fc.integer({ min: 1, max: 4 }));

const anyFault: fc.Arbitrary<Fault> = fc
  .tuple(
    functionAndCall,
    fc.record({
      invocation,
      kind: fc.constantFrom(
        ...([
          'none',
          'unavailable',
          'refused',
          'lost',
          'repeated',
          'slow',
          'crash',
          'crash-and-effect',
          'hang',
          'hang-and-effect',
        ] as const),
      ),
      delayMs: fc.oneof(fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 0, max: 40_000 })),
      meanwhile: fc.oneof(
        { weight: 3, arbitrary: fc.constant('nothing' as const) },
        fc.constantFrom('stop' as const, 'delete' as const),
      ),
    }),
  )
  .map(([where, what]) => ({ ...where, ...what }));

/** Functions that change something outside of the journal. */
const changing = Object.keys(functionCalls).filter((name) => /^(create|request|complete|delete)/.test(name));

/** What is changed late, while nobody waits for it any more. */
const lateFault: fc.Arbitrary<Fault> = fc.record({
  functionName: fc.constantFrom(...changing),
  invocation,
  call: fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, fc.integer({ min: 1, max: 4 })),
  of: fc.constant('effects' as const),
  kind: fc.constantFrom(...(['lost', 'slow', 'crash-and-effect', 'hang-and-effect'] as const)),
  delayMs: fc.integer({ min: 0, max: 36_000 }),
  meanwhile: fc.constantFrom('nothing', 'stop', 'delete'),
});

const fault = fc.oneof({ weight: 3, arbitrary: anyFault }, { weight: 1, arbitrary: lateFault });

const delivery: fc.Arbitrary<Delivery> = fc.record({
  kind: fc.constantFrom('normal', 'dropped', 'duplicated', 'delayed'),
  delayMs: fc.oneof(fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 0, max: 900_000 })),
});

const afterMs = fc.oneof(
  fc.integer({ min: 0, max: 50 }),
  fc.integer({ min: 0, max: 500 }),
  fc.integer({ min: 0, max: 5_000 }),
  fc.integer({ min: 0, max: 90_000 }),
  fc.integer({ min: 0, max: 1_800_000 }),
);

const post = fc.record({
  kind: fc.constant('post' as const),
  afterMs,
  request: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 4 })),
  key: fc.option(fc.integer({ min: 0, max: 1 }), { nil: undefined }),
});

const index = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat({ max: 3 }));

/** What strangers can do to what; to `take` is to have something of theirs under a name of ours. */
const strange = [
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

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 3, arbitrary: post },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('delete' as const), afterMs, integration: index }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('stop' as const),
      afterMs,
      execution: fc.nat({ max: 3 }),
      timedOut: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('event' as const),
      afterMs,
      integration: index,
      about: fc.nat({ max: 3 }),
      userArn: fc.constantFrom('real' as const, 'forged' as const),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('stranger' as const),
      afterMs,
      what: fc.constantFrom(...strange),
      name: fc.oneof({ weight: 3, arbitrary: fc.constant('acme' as const) }, fc.constant('beta' as const)),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('outage' as const),
      afterMs,
      service: fc.constantFrom('s3', 'iam', 'states', 'queue', 'bus', 'journal', 'dataloop'),
      how: fc.constantFrom('unavailable' as const, 'refused' as const),
      forMs: fc.oneof(fc.integer({ min: 0, max: 10_000 }), fc.integer({ min: 0, max: 1_200_000 })),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sweep' as const), afterMs }) },
);

export const scheduleArbitrary: fc.Arbitrary<Schedule> = fc.record({
  userDelayMs: fc.constantFrom(0, 0, 0, 4_000, 4_000, 90_000, 90_000, undefined),
  trustDelayMs: fc.constantFrom(0, 4_000),
  visibleAfterMs: fc.constantFrom(0, 0, 1_500),
  again: fc.constantFrom(0, 1, 2),
  commands: fc
    .tuple(post, fc.array(command, { maxLength: 6 }))
    .map(([first, others]) => [{ ...first, afterMs: 0, request: 0 }, ...others]),
  faults: fc.array(fault, { maxLength: 8 }),
  latencies: fc.array(
    fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 200 }) }, fc.integer({ min: 1, max: 2_000 })),
    { maxLength: 12 },
  ),
  jitters: fc.array(fc.constantFrom(0.3, 0.5, 0.8, 1), { maxLength: 5 }),
  deliveries: fc.oneof(fc.constant([]), fc.array(delivery, { maxLength: 8 })),
  skews: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    fc.array(fc.integer({ min: -2_000, max: 2_000 }), { maxLength: 4 }),
  ),
});
