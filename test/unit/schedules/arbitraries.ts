/** How fast-check makes a schedule; each part shrinks to nothing on its own. */
import fc from 'fast-check';
import type { Adoption } from './adoption.ts';
import { adoptersCommand, adoption } from './arbitraries-adoption.ts';
import { driverCommand, driverFault, driverFunctionCalls, firstAdded } from './driver-arbitraries.ts';
import { callOf, faultKinds, meanwhile } from './fault-arbitraries.ts';
import { type Command, type Delivery, type Fault, type Schedule, strange } from './schedule.ts';

/** The functions, with about how many calls each makes: faults meet each call about as often. */
const functionCalls = {
  preflight: 12,
  createBucket: 12,
  createPolicy: 5,
  requestIamUser: 10,
  createRole: 10,
  completeIntegration: 5,
  testDriver: 3,
  createDriver: 6,
  verifyDriver: 3,
  activate: 4,
  confirmIamUser: 3,
  rollBack: 6,
  awaitOpenCalls: 3,
  deleteDriver: 6,
  deleteIntegration: 7,
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
  ...driverFunctionCalls,
} as const;

const functionAndCall = callOf(functionCalls);

const invocation = fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, fc.integer({ min: 1, max: 4 }));

const anyFault: fc.Arbitrary<Fault> = fc
  .tuple(functionAndCall, fc.record({ invocation, ...faultKinds, meanwhile }))
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
  meanwhile,
});

/** A function that dies while its execution is stopped: nobody tries again. */
const lastFault: fc.Arbitrary<Fault> = fc
  .tuple(
    functionAndCall,
    fc.record({
      invocation,
      kind: fc.constantFrom(...(['crash', 'crash-and-effect', 'hang-and-effect'] as const)),
      delayMs: fc.integer({ min: 0, max: 36_000 }),
      meanwhile: fc.constant('stop' as const),
    }),
  )
  .map(([where, what]) => ({ ...where, ...what }));

/** Whoever has invoked a function learns nothing of it, and invokes it again while it goes on. */
const lostInvocation: fc.Arbitrary<Fault> = fc.record({
  functionName: fc.constantFrom(...Object.keys(functionCalls)),
  invocation,
  call: fc.constant(0),
  of: fc.constant('calls' as const),
  kind: fc.constant('lost' as const),
  delayMs: fc.oneof(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 10_000 })),
  meanwhile,
});

const fault = fc.oneof(
  { weight: 5, arbitrary: anyFault },
  { weight: 2, arbitrary: lateFault },
  { weight: 1, arbitrary: lastFault },
  { weight: 1, arbitrary: lostInvocation },
);

/**
 * A function makes up to twenty calls one after the other and lives for 30 s: where all calls take longer than this on
 * average, in ms each way, it could never end.
 */
const bearableMean = 600;

function bearable(latencies: readonly number[]): number[] {
  const mean = latencies.reduce((sum, each) => sum + each, 0) / latencies.length;
  return latencies.map((each) => (mean > bearableMean ? Math.round((each * bearableMean) / mean) : each));
}

const latencies = fc
  .oneof(
    { weight: 1, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 12 }) },
    {
      weight: 2,
      arbitrary: fc.array(
        fc.oneof(
          { weight: 4, arbitrary: fc.integer({ min: 1, max: 200 }) },
          fc.integer({ min: 1, max: 2_000 }),
        ),
        { maxLength: 12 },
      ),
    },
  )
  .map(bearable);

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

const event = fc.record({
  kind: fc.constant('event' as const),
  afterMs,
  integration: index,
  about: fc.nat({ max: 3 }),
  userArn: fc.constantFrom('real' as const, 'forged' as const),
});

const outage = fc.record({
  kind: fc.constant('outage' as const),
  afterMs,
  service: fc.constantFrom('s3', 'iam', 'states', 'queue', 'bus', 'journal', 'dataloop'),
  how: fc.constantFrom('unavailable' as const, 'refused' as const),
  forMs: fc.oneof(fc.integer({ min: 0, max: 10_000 }), fc.integer({ min: 0, max: 1_200_000 })),
});

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 3, arbitrary: post },
  {
    weight: 4,
    arbitrary: fc
      .record({ kind: fc.constant('delete' as const), afterMs, integration: index })
      // By its time, so that all other schedules stay as they are.
      .map((each) => ({ ...each, keepBucket: each.afterMs % 3 === 1 })),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('stop' as const),
      afterMs,
      execution: fc.nat({ max: 3 }),
      timedOut: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: event },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('stranger' as const),
      afterMs,
      what: fc.constantFrom(...strange),
      name: fc.oneof({ weight: 3, arbitrary: fc.constant('acme' as const) }, fc.constant('beta' as const)),
    }),
  },
  { weight: 1, arbitrary: outage },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sweep' as const), afterMs }) },
);

const firstPost = post.map((first) => ({ ...first, afterMs: 0, request: 0 }));

const common = {
  trustDelayMs: fc.constantFrom(0, 4_000),
  visibleAfterMs: fc.constantFrom(0, 0, 1_500),
  again: fc.constantFrom(0, 1, 2),
  driversFirst: fc.boolean(),
  latencies,
  jitters: fc.array(fc.constantFrom(0.3, 0.5, 0.8, 1), { maxLength: 5 }),
  deliveries: fc.oneof(fc.constant([]), fc.array(delivery, { maxLength: 8 })),
  skews: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    fc.array(fc.integer({ min: -2_000, max: 2_000 }), { maxLength: 4 }),
    // Minutes, as where a host has lost its source of time.
    fc.array(fc.integer({ min: -300_000, max: 300_000 }), { minLength: 1, maxLength: 4 }),
  ),
};

/** @param more what else people do */
const withoutDrivers = (
  adopting: fc.Arbitrary<Adoption | undefined>,
  more: fc.Arbitrary<Command>,
): fc.Arbitrary<Schedule> =>
  fc.record({
    ...common,
    adoption: adopting,
    userDelayMs: fc.constantFrom(0, 0, 0, 4_000, 4_000, 90_000, 90_000, undefined),
    commands: fc
      .tuple(firstPost, fc.array(more, { maxLength: 6 }))
      .map(([first, others]) => [first, ...others]),
    faults: fc.array(fault, { maxLength: 8 }),
  });

/** @param more what else people do */
const withDrivers = (
  adopting: fc.Arbitrary<Adoption | undefined>,
  more: fc.Arbitrary<Command>,
): fc.Arbitrary<Schedule> =>
  fc.record({
    ...common,
    adoption: adopting,
    userDelayMs: fc.constantFrom(0, 0, 0, 4_000, 90_000),
    commands: fc
      .tuple(
        firstPost,
        firstAdded,
        fc.array(fc.oneof({ weight: 2, arbitrary: driverCommand }, { weight: 1, arbitrary: more }), {
          maxLength: 6,
        }),
      )
      .map(([first, added, others]) => [first, ...added, ...others]),
    faults: fc.array(fc.oneof({ weight: 3, arbitrary: driverFault }, { weight: 1, arbitrary: fault }), {
      maxLength: 8,
    }),
  });

const nothing = fc.constant(undefined);

/** Nobody intervenes, and whatever strikes passes. */
const passing: fc.Arbitrary<Schedule> = withoutDrivers(
  fc.oneof(nothing, adoption),
  fc.oneof(
    fc.record({ kind: fc.constant('sweep' as const), afterMs }),
    outage.map((each) => ({ ...each, how: 'unavailable' as const, forMs: Math.min(each.forMs, 60_000) })),
  ),
).map((schedule) => ({
  ...schedule,
  adoption: schedule.adoption && {
    ...schedule.adoption,
    operatorSays: 'right' as const,
    operatorDelayMs: 20_000,
  },
  userDelayMs: schedule.adoption?.integration === 'waiting' ? 0 : (schedule.userDelayMs ?? 90_000),
  latencies: schedule.latencies.map((ms) => Math.min(ms, 500)),
  deliveries: schedule.deliveries.map(({ kind, delayMs }) => ({
    kind: kind === 'dropped' ? ('delayed' as const) : kind,
    delayMs: Math.min(delayMs, 60_000),
  })),
  faults: schedule.faults.map((each) => ({
    ...each,
    kind: each.kind === 'refused' ? ('unavailable' as const) : each.kind,
    meanwhile: 'nothing' as const,
  })),
}));

const withAdopters = fc.oneof(command, adoptersCommand(afterMs, index));

export const scheduleArbitrary: fc.Arbitrary<Schedule> = fc.oneof(
  { weight: 4, arbitrary: withoutDrivers(nothing, command) },
  { weight: 2, arbitrary: passing },
  { weight: 3, arbitrary: withoutDrivers(adoption, withAdopters) },
  { weight: 2, arbitrary: withDrivers(nothing, command) },
  { weight: 1, arbitrary: withDrivers(adoption, withAdopters) },
);
