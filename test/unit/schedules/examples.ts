/** Schedules that chance seldom makes, most of them about added drivers; each found a mistake once. They come before the random ones. */
import type { Command, Fault, Schedule } from './schedule.ts';

export const undisturbed = {
  adoption: undefined,
  userDelayMs: 0,
  trustDelayMs: 0,
  visibleAfterMs: 0,
  again: 0,
  driversFirst: true,
  faults: [] as readonly Fault[],
  latencies: [],
  jitters: [],
  deliveries: [],
  skews: [],
} satisfies Partial<Schedule>;

export const post: Command = { kind: 'post', afterMs: 0, request: 0, key: undefined };

const add = (request: number): Command => ({
  kind: 'add-driver',
  afterMs: 60_000,
  waits: true,
  integration: 0,
  request,
  key: undefined,
});

const strange = (does: 'narrow' | 'untag' | 'drive-namesake', policy: number, afterMs: number): Command => ({
  kind: 'strange-to-drivers',
  afterMs,
  waits: false,
  integration: 0,
  does,
  policy,
});

const removal: Command = { kind: 'remove-driver', afterMs: 1_000, waits: true, driver: 0, force: true };

/** The first policy is full with two of them. */
const [third, fourth, fifth] = [add(3), add(4), add(5)];

/** An integration and five buckets more, in two policies. */
export const undisturbedAdds: Schedule = {
  ...undisturbed,
  commands: [post, add(0), third, fourth, fifth, add(1)],
};

const roleReplaced: Schedule = {
  ...undisturbed,
  commands: [
    post,
    third,
    fourth,
    { kind: 'stranger', afterMs: 60_000, what: { thing: 'role', does: 'replace' }, name: 'acme' },
    fifth,
  ],
};

/** Somebody edits a policy whose maker has died. */
const editedHalfway = (call: number): Schedule => ({
  ...undisturbed,
  commands: [post, third, fourth, fifth, strange('narrow', 1, 4_000)],
  faults: [
    {
      functionName: 'grantAccess',
      invocation: 3,
      call,
      of: 'calls',
      kind: 'crash-and-effect',
      delayMs: 0,
      meanwhile: 'nothing',
    },
  ],
});

const untagged: Schedule = { ...undisturbed, commands: [post, add(0), strange('untag', 0, 60_000), removal] };

const namesake: Schedule = {
  ...undisturbed,
  commands: [post, add(0), strange('drive-namesake', 0, 60_000), removal],
};

/** Somebody uses the bucket and another of the integration, then asks to keep them. */
const kept: Schedule = {
  ...undisturbed,
  driversFirst: false,
  commands: [
    post,
    add(0),
    { kind: 'stranger', afterMs: 60_000, what: { thing: 'bucket', does: 'use' }, name: 'acme' },
    { kind: 'delete', afterMs: 1_000, integration: 0, keepBucket: true },
  ],
};

/** Two attempts adopt a bucket and a role at the same time: the answer of Invoke was lost. */
const twoAttempts = (
  functionName: string,
  delayMs: number,
  bucket: 'adopt' | 'adopt-and-close',
): Schedule => ({
  ...undisturbed,
  adoption: {
    bucket,
    cors: true,
    role: 'adopt',
    integration: 'create',
    publicAccess: bucket === 'adopt' ? 'closed' : 'half',
    rules: 'theirs',
    statement: 'one',
    operatorSays: 'right',
    operatorDelayMs: undefined,
  },
  commands: [post],
  latencies: [100],
  jitters: [0],
  faults: [
    { functionName, invocation: 1, call: 0, of: 'calls', kind: 'lost', delayMs, meanwhile: 'nothing' },
  ],
});

/** The first look at Dataloop fails for good, and with it the chain of those that come after. */
export const brokenChain: Schedule = {
  ...undisturbed,
  userDelayMs: 90_000,
  commands: [post, { kind: 'sweep', afterMs: 250_000 }],
  deliveries: [
    { kind: 'dropped', delayMs: 0 },
    ...Array.from({ length: 20 }, () => ({ kind: 'normal' as const, delayMs: 0 })),
  ],
};

/** The token of an attempt that died is saved after the one of the attempt that waits. */
const lateToken: Schedule = {
  ...undisturbed,
  adoption: {
    bucket: 'create',
    cors: false,
    role: 'create',
    integration: 'operator',
    publicAccess: 'closed',
    rules: 'none',
    statement: 'one',
    operatorSays: 'right',
    operatorDelayMs: 20_000,
  },
  commands: [post],
  jitters: [0.3],
  faults: [
    {
      functionName: 'requestIamUser',
      invocation: 1,
      call: 2,
      of: 'calls',
      kind: 'hang-and-effect',
      delayMs: 40_000,
      meanwhile: 'nothing',
    },
  ],
};

/** The operator names another user at the moment at which CreateRole begins with the first. */
const userCorrected = (latencies: readonly number[], operatorDelayMs: number): Schedule => ({
  ...undisturbed,
  adoption: {
    bucket: 'adopt-and-close',
    cors: true,
    role: 'adopt',
    integration: 'operator',
    publicAccess: 'half',
    rules: 'allowing',
    statement: 'one',
    operatorSays: 'another user',
    operatorDelayMs,
  },
  commands: [post],
  latencies: [...latencies],
});

/** Somebody puts another bucket in the place of ours while its settings are looked at. */
const bucketReplaced: Schedule = {
  ...undisturbed,
  commands: [
    post,
    {
      kind: 'stranger',
      afterMs: 143,
      what: { thing: 'bucket', does: 'replace' },
      name: 'acme',
    },
  ],
  driversFirst: false,
  latencies: [5],
};

export const examples: readonly Schedule[] = [
  ...[300, 700, 1_100, 1_500].flatMap((delayMs) => [
    twoAttempts('createBucket', delayMs, 'adopt'),
    twoAttempts('createBucket', delayMs, 'adopt-and-close'),
    twoAttempts('createRole', delayMs, 'adopt'),
  ]),
  lateToken,
  userCorrected([58, 127], 1_000),
  bucketReplaced,
  roleReplaced,
  ...[6, 7].map(editedHalfway),
  untagged,
  namesake,
  kept,
];
