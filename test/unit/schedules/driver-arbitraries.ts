/** How fast-check makes what befalls drivers that are added to an integration. */
import fc from 'fast-check';
import { callOf, faultKinds } from './fault-arbitraries.ts';
import { type DriverCommand, type Fault, strangeDrivers } from './schedule.ts';

const index = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat({ max: 2 }));

const afterMs = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 0, max: 500 }),
  fc.integer({ min: 0, max: 20_000 }),
  fc.integer({ min: 0, max: 600_000 }),
);

const waits = fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, fc.constant(false));

const addDriver: fc.Arbitrary<DriverCommand> = fc.record({
  kind: fc.constant('add-driver' as const),
  afterMs,
  waits,
  integration: index,
  request: fc.nat({ max: 9 }),
  key: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, fc.integer({ min: 0, max: 1 })),
});

const removeDriver: fc.Arbitrary<DriverCommand> = fc.record({
  kind: fc.constant('remove-driver' as const),
  afterMs,
  waits: fc.boolean(),
  driver: fc.nat({ max: 3 }),
  force: fc.boolean(),
});

const strangeToDrivers: fc.Arbitrary<DriverCommand> = fc.record({
  kind: fc.constant('strange-to-drivers' as const),
  afterMs,
  waits,
  integration: index,
  does: fc.constantFrom(...strangeDrivers),
  policy: fc.nat({ max: 1 }),
});

/** What is added first waits for the integration; now and then it is more than one policy takes. */
export const firstAdded: fc.Arbitrary<DriverCommand[]> = fc.oneof(
  { weight: 4, arbitrary: addDriver.map((command) => [{ ...command, waits: true }]) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(addDriver, addDriver, addDriver)
      .map((commands) =>
        commands.map((command, index) => ({ ...command, waits: true, integration: 0, request: 3 + index })),
      ),
  },
);

export const driverCommand = fc.oneof(
  { weight: 4, arbitrary: addDriver },
  { weight: 3, arbitrary: removeDriver },
  { weight: 2, arbitrary: strangeToDrivers },
);

/** The functions that only drivers have, with about how many calls each makes. */
export const driverFunctionCalls = {
  addDriver: 4,
  removeDriver: 7,
  grantAccess: 14,
  revokeAccess: 14,
  removeDrivers: 10,
} as const;

/** Of those that integrations have, too, the first invocation is the integration's own. */
const sharedFunctionCalls = {
  preflight: 8,
  createBucket: 12,
  testDriver: 3,
  createDriver: 6,
  verifyDriver: 3,
  activate: 4,
  rollBack: 6,
  awaitOpenCalls: 3,
  deleteDriver: 6,
  deleteRole: 3,
  deletePolicy: 6,
  deleteBucket: 7,
  awaitUndoCalls: 3,
  conclude: 9,
  executionEnded: 5,
} as const;

const meanwhile = fc.oneof(
  { weight: 3, arbitrary: fc.constant('nothing' as const) },
  fc.constantFrom('stop', 'delete', 'delete-integration', 'add-driver'),
);

const own = fc.tuple(
  callOf(driverFunctionCalls),
  fc.record({
    invocation: fc.oneof({ weight: 2, arbitrary: fc.constant(1) }, fc.integer({ min: 1, max: 4 })),
    ...faultKinds,
    meanwhile,
  }),
);
const shared = fc.tuple(
  callOf(sharedFunctionCalls),
  fc.record({ invocation: fc.integer({ min: 2, max: 5 }), ...faultKinds, meanwhile }),
);

/** The functions that write policies: what they change comes late, while nobody waits for it any more. */
const late = fc.tuple(
  fc.record({
    functionName: fc.constantFrom('grantAccess', 'revokeAccess'),
    call: fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, fc.integer({ min: 1, max: 3 })),
    of: fc.constant('effects' as const),
  }),
  fc.record({
    invocation: fc.integer({ min: 1, max: 3 }),
    kind: fc.constantFrom('lost', 'slow', 'crash-and-effect', 'hang-and-effect'),
    delayMs: fc.integer({ min: 0, max: 36_000 }),
    meanwhile,
  }),
);

export const driverFault: fc.Arbitrary<Fault> = fc
  .oneof({ weight: 4, arbitrary: own }, { weight: 2, arbitrary: shared }, { weight: 2, arbitrary: late })
  .map(([where, what]) => ({ ...where, ...what }));
