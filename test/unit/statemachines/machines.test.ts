/**
 * What the state machines do is what they did at commit 5fc8d57, where they were written as JSON by hand.
 * definitions-5fc8d57.json holds the outlines of those files, with 3600 for the parameter iamUserTimeoutSeconds.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import aslValidator from 'asl-validator';
import * as z from 'zod';
import { projectRoot } from '../../../local/environment/paths.ts';
import { roles } from '../../../resources/iam/roles.ts';
import { aslFiles } from '../../../scripts/asl-files.ts';
import { stateMachines, stepsOf } from '../../../statemachines/machines.ts';
import { type Outline, outlineOf, parseMachine, statesOf } from './outline.ts';

const texts = z.record(z.string(), z.array(z.string()));
const outlineSchema = z.strictObject({ machine: z.string(), states: texts, payload: texts, errors: texts });
const recordedSchema = z.strictObject({
  provision: outlineSchema,
  addDriver: outlineSchema,
  deprovision: outlineSchema,
});
const recorded = recordedSchema.parse(
  JSON.parse(readFileSync(join(import.meta.dirname, 'definitions-5fc8d57.json'), 'utf8')),
);

/**
 * Wanted since for every function: the id, which may be of an added bucket, is its `recordId`. The input of an execution
 * may have it under that name or, started by an earlier version, under the earlier one. And the time of the attempt, by
 * the clock of Step Functions.
 */
function withRecordIdAndTime({
  machine,
  states,
  payload: { integrationId: _earlier, ...payload },
  errors,
}: Outline) {
  return {
    machine,
    states: Object.fromEntries(
      Object.entries(states).map(([name, lines]) => [
        name,
        lines.map((line) =>
          line
            .replace(' with integrationId, ', ' with recordId, ')
            .replace(', enteredAt, attempt', ', enteredAt, attempt, begunAt'),
        ),
      ]),
    ),
    payload: {
      recordId: ['{% $states.context.Execution.Input.(recordId ? recordId : integrationId) %}'],
      ...payload,
      begunAt: ['{% $millis() %}'],
    },
    errors,
  };
}

/** A list of errors without some of them. */
const withoutErrors = (list: string, gone: readonly string[]): string =>
  list
    .split(', ')
    .filter((name) => !gone.includes(name))
    .join(', ');

/** Wanted since of every step: who waits has not failed, and has retries of its own. */
function withWaiting({ states, errors, ...outline }: Outline): Outline {
  const waits = ['AwsNotYetConsistentError', 'EarlierCallOpenError'];
  const less = (key: string) =>
    key.replace(/^(AwsUnavailableError and )(\d+)/, (_all, start: string, more: string) => {
      return `${start}${Number(more) - waits.length}`;
    });
  const others = (names: string) => withoutErrors(names, waits);
  return {
    ...outline,
    // Time for that.
    machine: outline.machine.replace('after 194400 s', 'after 302400 s'),
    states: Object.fromEntries(
      Object.entries(states).map(([name, lines]) => [
        name,
        lines.flatMap((line) => {
          if (!line.startsWith('retries AwsUnavailableError')) return [line];
          const own = line.replace(/^retries .*?:/, `retries ${waits[0]} and ${waits.length - 1} more:`);
          return [own, line.replace(/(?<=^retries ).*?(?=:)/, less)];
        }),
      ]),
    ),
    errors: {
      ...Object.fromEntries(Object.entries(errors).map(([key, lists]) => [less(key), lists.map(others)])),
      [`${waits[0]} and ${waits.length - 1} more`]: [waits.join(', ')],
    },
  };
}

/** Wanted since of every step: it works in each partition of AWS, and a function that has run out of memory has died. */
function withPartitionAndMemory({ states, errors, ...outline }: Outline): Outline {
  const oneMore = (text: string) =>
    text.replace(/(?<=AwsUnavailableError and )\d+/, (more) => String(Number(more) + 1));
  const lines = (each: readonly string[]) =>
    each.map((line) => oneMore(line).replace('Task by arn:aws:', 'Task by arn:\u0024{Partition}:'));
  const withMemory = (list: string) =>
    list.replace('Runtime.ExitError', 'Runtime.ExitError, Runtime.OutOfMemory');
  return {
    ...outline,
    states: Object.fromEntries(Object.entries(states).map(([name, each]) => [name, lines(each)])),
    errors: Object.fromEntries(
      Object.entries(errors).map(([key, lists]) => [oneMore(key), lists.map(withMemory)]),
    ),
  };
}

/** Wanted since of every step: what is throttled waits longer than what fails, as hundreds may have to take turns. */
function withThrottling({ states, errors, ...outline }: Outline): Outline {
  const throttling = ['AwsUnavailableError', 'DataloopRateLimitError', 'Lambda.TooManyRequestsException'];
  const first = `${throttling[0]} and ${throttling.length - 1} more`;
  const turns = (times: number, longest: number) =>
    `retries ${first}: ${times} times, after 2 s, times 2, at most ${longest} s, jitter FULL`;
  const others = (key: string) =>
    key.replace(
      /^AwsUnavailableError and (\d+) more/,
      (_all, more: string) => `AwsConflictError and ${Number(more) - throttling.length} more`,
    );
  const less = (list: string) => withoutErrors(list, throttling);
  return {
    ...outline,
    states: Object.fromEntries(
      Object.entries(states).map(([name, lines]) => [
        name,
        lines.flatMap((line) => {
          const isCrowd = name === 'Preflight' && line.startsWith('retries AwsNotYetConsistentError');
          if (isCrowd) return [turns(150, 10), line];
          if (!line.startsWith('retries AwsUnavailableError')) return [line];
          const own = name === 'Preflight' ? [] : [turns(40, 20)];
          return [...own, line.replace(/(?<=^retries ).*?(?=:)/, others)];
        }),
      ]),
    ),
    errors: {
      ...Object.fromEntries(Object.entries(errors).map(([key, lists]) => [others(key), lists.map(less)])),
      [first]: [throttling.join(', ')],
    },
  };
}

/** Wanted since of every Fail state: it does not end with an error of AWS's own. */
const withOwnErrors = ({ states, ...outline }: Outline): Outline => ({
  ...outline,
  states: Object.fromEntries(
    Object.entries(states).map(([name, lines]) => [
      name,
      lines.map((line) =>
        line.replace(
          /^error \{% (.*) %\}$/,
          (_all, error: string) => `error {% $replace(${error}, 'States.', 'StepFunctions.') %}`,
        ),
      ),
    ]),
  ),
});

/** Wanted since: other buckets of the integration have their turns, however many they are. */
const takingTurns = (lines: readonly string[] = []): readonly string[] => {
  const before = lines.findIndex((line) => line.startsWith('retries '));
  const own = 'retries AccessLockedError: 1500 times, after 2 s, times 2, at most 30 s, jitter FULL';
  return lines.toSpliced(before, 0, own);
};

type States = Outline['states'];

const sending = (lines: readonly string[] = [], what: string): readonly string[] =>
  lines.map((line) => line.replace(/^calls .*$/, (calls) => `${calls}, ${what}`));

/** A step that does as before, at another place: it leads to another state, also where it fails and the undo goes on. */
const moved = (
  before: States,
  name: string,
  next: string,
  alsoSent: string | undefined = undefined,
  stays = 'Stuck',
): readonly string[] =>
  (alsoSent === undefined ? (before[name] ?? []) : sending(before[name], alsoSent)).map((line) =>
    line.replace(/(?<=leads to )\w+$/, (to) => (to === stays ? to : next)),
  );

/** A step as CreateDriver is one. */
const likeCreateDriver = (
  { CreateDriver = [] }: States,
  name: string,
  output: string,
  next: string,
): readonly string[] =>
  CreateDriver.map((line) =>
    line
      .replace('CreateDriver', name)
      .replace("'driver'", `'${output}'`)
      .replace('leads to VerifyDriver', `leads to ${next}`),
  );

const noted = (next: string, more = ''): readonly string[] => [
  'Pass',
  `assigns {${more}"since":"{% $states.context.State.EnteredTime %}"}`,
  `leads to ${next}`,
];
const toDataset = (line: string) => line.replace('leads to DeleteDriver', 'leads to HasDataset');
const callsEnded = '{% $exists($states.input.openCalls) %}';
const isAdded = "{% $states.input.openCalls.kind = 'added bucket' %}";

const requestIamUser = 'PrepareBothSides/RequestIamUser';

/** Where a state is wanted to do something else than at 5fc8d57, and above it the reason; in the order of the machine. */
const wanted: Readonly<Record<keyof typeof recorded, (before: States) => States>> = {
  provision: ({ CreateRole = [], ...before }) => ({
    // The organisation is the one that Preflight found: no function can write what Step Functions keeps.
    [requestIamUser]: sending(before[requestIamUser], 'organizationId'),
    // An operator can correct a wrong user as long as the wait lasts.
    CreateRole: sending(CreateRole, 'organizationId').toSpliced(
      CreateRole.findIndex((line) => line.startsWith('retries ')),
      0,
      'retries OperatorAwaitedError: 3000 times, after 2 s, times 2, at most 60 s, jitter FULL',
    ),
    // CreateRole has seen a moment ago that the integration is ours.
    CompleteIntegration: sending(before['CompleteIntegration'], 'dataloopIntegration'),
    VerifyDriver: moved(before, 'VerifyDriver', 'WantsDataset', undefined, 'RollBack'),
    // A request may name a dataset. Without one, the way is as before.
    WantsDataset: [
      'Choice',
      'if {% $exists($states.input.verification.dataset) %}, leads to CreateDataset',
      'otherwise leads to Activate',
    ],
    CreateDataset: likeCreateDriver(before, 'CreateDataset', 'dataset', 'SyncDataset'),
    // A sync that fails takes no connection away that is proven.
    SyncDataset: likeCreateDriver(before, 'SyncDataset', 'sync', 'Activate')
      .toSpliced(
        3,
        0,
        'retries DatasetSyncingError: 500 times, after 2 s, times 2, at most 15 s, jitter FULL',
      )
      .map((line) => line.replace('leads to RollBack', 'leads to Activate'))
      .map((line) => (line.startsWith('  outputs ') ? '  outputs {% $states.input %}' : line)),
  }),
  addDriver: ({ GrantAccess }) => ({ GrantAccess: takingTurns(GrantAccess) }),
  deprovision: (before) => ({
    // Dataloop's access ends first: nothing that waits, and nothing that asks Dataloop, comes before it.
    Begin: noted('WhoseAccess', '"failures":[],'),
    // Whoever starts an execution says what its record is of, so that no function has to read it first. An execution that
    // an earlier version started does not.
    WhoseAccess: [
      'Choice',
      "if {% $states.context.Execution.Input.kind = 'integration' %}, leads to DeleteRole",
      "if {% $states.context.Execution.Input.kind = 'added bucket' %}, leads to RevokeAccess",
      'otherwise leads to AwaitOpenCalls',
    ],
    DeleteRole: moved(before, 'DeleteRole', 'AccessTried', 'callsEnded'),
    RevokeAccess: takingTurns(moved(before, 'RevokeAccess', 'AccessTried', 'callsEnded')),
    // A call that was in flight may have given the access back: then it is taken away once more, after the wait.
    AccessTried: ['Choice', `if ${callsEnded}, leads to WasAdded`, 'otherwise leads to AwaitOpenCalls'],
    // What has failed for good is not tried again after the wait.
    AwaitOpenCalls: moved(before, 'AwaitOpenCalls', 'OpenCallsSettled', 'failures'),
    OpenCallsSettled: [
      'Choice',
      "if {% $states.input.openCalls.settled and $states.input.openCalls.again = 'DeleteRole' %}, leads to DeleteRole",
      "if {% $states.input.openCalls.settled and $states.input.openCalls.again = 'RevokeAccess' %}, leads to RevokeAccess",
      'if {% $states.input.openCalls.settled %}, leads to WasAdded',
      'otherwise leads to WaitForOpenCalls',
    ],
    WaitForOpenCalls: before['WaitForOpenCalls'] ?? [],
    // The record says what it is of, not the beginning of its id.
    WasAdded: ['Choice', `if ${isAdded}, leads to DeleteDriver`, 'otherwise leads to DeletePolicy'],
    DeletePolicy: moved(before, 'DeletePolicy', 'HasAddedBuckets'),
    HasAddedBuckets: [
      'Choice',
      'if {% $boolean($states.input.openCalls.drivers) %}, leads to BeginWithDrivers',
      'otherwise leads to HasDataset',
    ],
    // The patience with added buckets begins when they have their turn, not with what comes before it.
    BeginWithDrivers: noted('RemoveDrivers'),
    RemoveDrivers: (before['RemoveDrivers'] ?? []).map(toDataset),
    DriversRemoved: (before['DriversRemoved'] ?? []).map(toDataset),
    WaitForDrivers: before['WaitForDrivers'] ?? [],
    // A dataset goes before its driver, which Dataloop does not delete while one uses it.
    HasDataset: [
      'Choice',
      'if {% $exists($states.input.openCalls.dataset) %}, leads to DeleteDataset',
      'otherwise leads to DeleteDriver',
    ],
    DeleteDataset: moved(before, 'DeleteDriver', 'DeleteDriver').map((line) =>
      line
        .replace('{DeleteDriverFunctionArn}', '{DeleteDatasetFunctionArn}')
        .replace("'step': 'DeleteDriver'", "'step': 'DeleteDataset'")
        .replace("{'driver':", "{'dataset':"),
    ),
    DeleteDriver: moved(before, 'DeleteDriver', 'HasIntegration'),
    HasIntegration: [
      'Choice',
      `if ${isAdded}, leads to DeleteBucket`,
      'otherwise leads to DeleteIntegration',
    ],
    DeleteIntegration: moved(before, 'DeleteIntegration', 'DeleteBucket'),
  }),
};
/** Sent besides what was sent at 5fc8d57. */
const alsoSent: Readonly<Record<keyof typeof recorded, Outline['payload']>> = {
  provision: {
    organizationId: ['{% $states.input.preflight.organizationId %}'],
    dataloopIntegration: [
      '{% $exists($states.input.role.dataloopIntegration) ? $states.input.role.dataloopIntegration : null %}',
    ],
  },
  addDriver: {},
  deprovision: { callsEnded: [callsEnded] },
};
const without = (states: States, others: States): States =>
  Object.fromEntries(Object.entries(states).filter(([name]) => !(name in others)));

/** Of the undo, what was moved comes first. Elsewhere all is in the order of before, and what is new comes before Activate. */
function inOrder(name: keyof typeof recorded, before: States, now: States): States {
  if (name === 'deprovision') return { ...now, ...without(before, now) };
  const all = Object.entries({ ...before, ...now }).filter(([state]) => state in before);
  const at = all.findIndex(([state]) => state === 'Activate');
  return Object.fromEntries(all.toSpliced(at, 0, ...Object.entries(without(now, before))));
}

const iamUserTimeoutSeconds = 3600;
const machines = stateMachines({ iamUserTimeoutSeconds });
const names = ['provision', 'addDriver', 'deprovision'] as const;

describe.each(names)('%s', (name) => {
  const { Definition, DefinitionSubstitutions, functionArns } = machines[name];
  const outline = outlineOf(Definition);
  const before = withOwnErrors(
    withThrottling(withPartitionAndMemory(withWaiting(withRecordIdAndTime(recorded[name])))),
  );
  const states = statesOf(parseMachine(Definition).States);

  const now = wanted[name](before.states);
  const expected = inOrder(name, before.states, now);

  test('has the same states, and starts as before', () => {
    expect(Object.keys(outline.states)).toEqual(Object.keys(expected));
    expect(outline.machine).toBe(before.machine);
  });

  test.each(Object.keys(expected))('%s calls, catches, retries and leads to what it did', (state) => {
    expect(outline.states[state]).toEqual(expected[state]);
  });

  test('sends its functions the same, and means the same by its lists of errors', () => {
    expect(outline.payload).toEqual({ ...before.payload, ...alsoSent[name] });
    expect(outline.errors).toEqual(before.errors);
  });

  test('differs from before wherever it is said to', () => {
    // Those that only stand elsewhere in the order are as before.
    const changed = Object.entries(now).filter(([state, lines]) => lines !== before.states[state]);
    for (const [state, lines] of changed) expect(lines).not.toEqual(before.states[state]);
  });

  test.each([['the machine', Definition], ...states] as const)(
    '%s says what happens there',
    (_name, { Comment = '' }) => {
      expect(Comment).toMatch(/^[A-Z][^\n]{29,219}\.$/);
    },
  );

  test('is valid Amazon States Language', () => {
    // The validator writes into what it is given.
    const { isValid, errorsText } = aslValidator(structuredClone(Definition), {
      checkArn: false,
      checkPaths: true,
    });
    expect(isValid ? '' : errorsText()).toBe('');
  });

  test('has an ARN for each function that it calls', () => {
    const called = states.flatMap(([, { Arguments }]) => (Arguments ? [Arguments.FunctionName] : []));
    const { Partition, ...functions } = DefinitionSubstitutions;
    expect(Partition).toEqual({ Ref: 'AWS::Partition' });
    expect(Object.keys(functions).map((each) => `\u0024{${each}}`)).toEqual(called);
    expect(Object.values(functions)).toEqual(functionArns);
    expect(functionArns).toEqual(
      stepsOf(Definition.States).map((step) => ({ 'Fn::GetAtt': [`${step}LambdaFunction`, 'Arn'] })),
    );
  });

  test('every change but one of a Comment shows in its outline', () => {
    const parts = [
      { ...Definition, States: {} },
      ...Object.entries(Definition.States).map(([each, state]) => ({
        ...Definition,
        States: { [each]: state },
      })),
    ];
    for (const part of parts) {
      const expected = JSON.stringify(outlineOf(part));
      for (const { path, changed } of changesOf(part)) {
        expect([path, isSeen(changed, expected)]).toEqual([path, !path.endsWith('.Comment')]);
      }
    }
  });
});

test('the wait for the IAM user is as long as the parameter says', () => {
  const waits = (seconds: number) =>
    outlineOf(stateMachines({ iamUserTimeoutSeconds: seconds }).provision.Definition).states[
      'PrepareBothSides/RequestIamUser'
    ];
  expect(waits(86_400)).toContain('times out after 86400');
  expect(waits(10)).toContain('times out after 10');
});

test('`npm run asl` writes what is deployed with the default parameters', () => {
  expect(aslFiles().map(({ name, text }) => [name, JSON.parse(text)])).toEqual([
    ['provision.asl.json', machines.provision.Definition],
    ['add-driver.asl.json', machines.addDriver.Definition],
    ['deprovision.asl.json', machines.deprovision.Definition],
  ]);
  const serverless = readFileSync(join(projectRoot, 'serverless.yml'), 'utf8');
  expect(serverless).toContain(`\n    iamUserTimeoutSeconds: ${iamUserTimeoutSeconds}\n`);
});

/** Copies of a definition, each with one value changed, or one list shortened. */
function changesOf(value: unknown, path = ''): { path: string; changed: unknown }[] {
  if (Array.isArray(value)) {
    return [
      ...value.map((_, index) => ({ path: `${path}[-${index}]`, changed: value.toSpliced(index, 1) })),
      ...value.flatMap((each, index) =>
        changesOf(each, `${path}[${index}]`).map(({ path: at, changed }) => ({
          path: at,
          changed: value.with(index, changed),
        })),
      ),
    ];
  }
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([key, each]) =>
      changesOf(each, `${path}.${key}`).map(({ path: at, changed }) => ({
        path: at,
        changed: { ...value, [key]: changed },
      })),
    );
  }
  return [
    {
      path,
      changed: typeof value === 'string' ? `${value}x` : typeof value === 'number' ? value + 1 : undefined,
    },
  ];
}

/** Whether a changed definition is refused, or has another outline. */
function isSeen(changed: unknown, outline: string): boolean {
  try {
    return JSON.stringify(outlineOf(changed)) !== outline;
  } catch {
    return true;
  }
}

test("whatever fails, Dataloop's access has had its turn before anything waits or asks Dataloop", () => {
  const { States } = parseMachine(machines.deprovision.Definition);
  const next = (name: string): string[] => {
    const { Next, Default, Choices, Catch } = States[name] ?? { Choices: [], Catch: [] };
    return [Next, Default, ...[...Choices, ...Catch].map((each) => each.Next)].flatMap((each) => each ?? []);
  };
  const first = States['WhoseAccess']?.Choices.map(({ Next }) => Next) ?? [];
  expect(first).toEqual(['DeleteRole', 'RevokeAccess']);
  expect(next('Begin')).toEqual(['WhoseAccess']);
  for (const access of first) expect([...new Set(next(access))]).toEqual(['AccessTried']);

  // After it, and so for executions of an earlier version, too: no way to Dataloop but past the last look at the access.
  const asking = roles
    .filter(({ statements }) => statements.some(({ Sid }) => Sid === 'DataloopCredentials'))
    .map(({ roleId }) => roleId.replace(/Role$/, ''))
    .filter((step) => step in States);
  expect(asking).toEqual(['DeleteDataset', 'DeleteDriver', 'DeleteIntegration']);
  const reached = new Set<string>();
  const visit = (name: string): void => {
    if (reached.has(name) || name === 'WasAdded') return;
    reached.add(name);
    for (const each of next(name)) visit(each);
  };
  visit('AwaitOpenCalls');
  expect(asking.filter((step) => reached.has(step))).toEqual([]);
});
