import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { everythingOf, type Subject } from '../../../../local/rehearsal/rehearsal.ts';
import { rehearsals } from '../../../../local/rehearsal/steps.ts';
import { roles } from '../../../../resources/iam/roles.ts';
import { deprovisionSteps, stepNames, undoneBy } from '../../../../src/domain/model/steps.ts';
import { stateMachines } from '../../../../statemachines/machines.ts';

/** The actions that the role of a step's function is allowed. */
const allowedActions = (step: string): string[] =>
  roles
    .filter(({ roleId }) => roleId === `${step}Role`)
    .flatMap(({ statements }) => statements.flatMap(({ Action }) => Action));

interface State {
  readonly Type: string;
  readonly Next?: string | undefined;
  readonly Default?: string | undefined;
  readonly Choices?: readonly { readonly Condition: string; readonly Next: string }[] | undefined;
  readonly Catch?: readonly { readonly Next: string }[] | undefined;
  readonly Branches?: readonly Machine[] | undefined;
}
interface Machine {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
}
const machineSchema: z.ZodType<Machine> = z.lazy(() =>
  z.object({ StartAt: z.string(), States: z.record(z.string(), stateSchema) }),
);
const stateSchema: z.ZodType<State> = z.object({
  Type: z.string(),
  Next: z.string().optional(),
  Default: z.string().optional(),
  Choices: z.array(z.object({ Condition: z.string(), Next: z.string() })).optional(),
  Catch: z.array(z.object({ Next: z.string() })).optional(),
  Branches: z.array(machineSchema).optional(),
});

const machines = stateMachines({ iamUserTimeoutSeconds: 3600 });
const machineOf = (name: keyof typeof machines): Machine => machineSchema.parse(machines[name].Definition);

/** How an undo tells what it is of: by its kind, and by the step with which the access ends. */
const told = {
  integration: { kind: "kind = 'integration'", access: "again = 'DeleteRole'" },
  driver: { kind: "kind = 'added bucket'", access: "again = 'RevokeAccess'" },
} as const;

/** Where a choice may lead: only an integration has drivers, and each has its own kind. */
function choicesOf({ Choices = [], Default }: State, subject: Subject): (string | undefined)[] {
  const other = told[subject === 'driver' ? 'integration' : 'driver'];
  const own = Choices.find(({ Condition }) => Condition.includes(told[subject].kind));
  if (own) return [own.Next];
  const open = Choices.filter(
    ({ Condition }) =>
      !Condition.includes(other.kind) &&
      !Condition.includes(other.access) &&
      (subject === 'integration' || !Condition.includes('$boolean($states.input.openCalls.drivers)')),
  );
  return [...open.map(({ Next }) => Next), Default];
}

/** Every task that an execution of a machine may come to. */
function tasksOf({ StartAt, States }: Machine, subject: Subject): string[] {
  const seen = new Set<string>();
  const tasks: string[] = [];
  const visit = (name: string | undefined): void => {
    const state = name === undefined ? undefined : States[name];
    if (name === undefined || !state || seen.has(name)) return;
    seen.add(name);
    if (state.Type === 'Task') tasks.push(name);
    for (const branch of state.Branches ?? []) tasks.push(...tasksOf(branch, subject));
    for (const next of [...choicesOf(state, subject), state.Next]) visit(next);
    for (const { Next } of state.Catch ?? []) visit(Next);
  };
  visit(StartAt);
  return tasks;
}

/** By the definitions: what can fail on the way to ready, and in the undo. */
const failing = {
  integration: { connection: machineOf('provision'), removal: machineOf('deprovision') },
  driver: { connection: machineOf('addDriver'), removal: machineOf('deprovision') },
} as const;

const rehearsed = (subject: Subject, of: 'connection' | 'removal') =>
  rehearsals.filter((each) => each.subject === subject && each.of === of).map(({ step }) => step);
const order: readonly string[] = stepNames;
const asPeopleRead = (steps: readonly string[]) =>
  steps.toSorted((one, other) => order.indexOf(one) - order.indexOf(other));

test.each([
  ['integration', 'connection'],
  ['integration', 'removal'],
  ['driver', 'connection'],
  ['driver', 'removal'],
] as const)(
  '%s, %s: every step is rehearsed, once, in the order in which people read them',
  (subject, of) => {
    const machine = failing[subject][of];
    // A sync that fails ends no connection: there is no undo to rehearse.
    const tasks = tasksOf(machine, subject).filter((step) => step !== 'SyncDataset');
    expect(rehearsed(subject, of)).toEqual(asPeopleRead(tasks));
  },
);

test('what a driver passes through is read from the definition', () => {
  const ofDriver = tasksOf(machineOf('deprovision'), 'driver');
  const ofIntegration = tasksOf(machineOf('deprovision'), 'integration');
  expect(ofDriver).toContain('RevokeAccess');
  expect(ofIntegration).toEqual(expect.arrayContaining(['RemoveDrivers', 'DeleteRole']));
  expect([...new Set([...ofDriver, ...ofIntegration])].sort()).toEqual([...deprovisionSteps].sort());
  expect(ofDriver.filter((step) => !ofIntegration.includes(step))).toEqual(['RevokeAccess']);
  expect(ofIntegration.filter((step) => !ofDriver.includes(step)).sort()).toEqual([
    'DeleteDataset',
    'DeleteIntegration',
    'DeletePolicy',
    'DeleteRole',
    'RemoveDrivers',
  ]);
});

test('the access of a driver is taken back from every place where it has been granted', () => {
  const { connection } = failing.driver;
  const [, ...granted] = tasksOf({ ...connection, StartAt: 'GrantAccess' }, 'driver');
  const takesBack = rehearsals.filter(
    (each) => each.subject === 'driver' && each.of === 'connection' && each.makes.includes('access'),
  );
  expect(takesBack.map(({ step }) => step)).toEqual(expect.arrayContaining(granted));
});

test.each(['integration', 'driver'] as const)(
  'everything that a %s has is left once, and named: with what lets Dataloop in, the bucket',
  (subject) => {
    for (const key of everythingOf[subject]) {
      const undone = rehearsals.find((each) => each.step === undoneBy[key] && each.subject === subject);
      const lets = ['role', 'policy', 'access'].includes(key);
      expect(undone?.of === 'removal' && undone.leaves).toEqual(lets ? ['bucket', key] : [key]);
    }
  },
);

test.each([
  ['integration', 'role'],
  ['driver', 'access'],
] as const)('the access to a %s ends even where the undo cannot go on', (subject, access) => {
  const stuck = rehearsals.find((each) => each.step === 'AwaitOpenCalls' && each.subject === subject);
  expect(stuck?.of === 'removal' && stuck.leaves).toEqual(
    everythingOf[subject].filter((key) => key !== access),
  );
});

test('a role’s actions are read from single ones and from lists', () => {
  expect(allowedActions('Activate')).toEqual(
    expect.arrayContaining(['dynamodb:UpdateItem', 'events:PutEvents']),
  );
  expect(allowedActions('CreateBucket')).toEqual(
    expect.arrayContaining(['s3:CreateBucket', 's3:PutBucketCORS']),
  );
  expect(allowedActions('Activate')).not.toContain('states:StartExecution');
});

describe.each(rehearsals)('$step of the $subject', ({ step, denials, ...rehearsal }) => {
  test('is denied something, on its own role', () => {
    expect(denials.map(({ role }) => role)).toContain(step);
  });

  test.each(denials)('what is denied to $role is what it may do otherwise', ({ role, actions }) => {
    expect(actions.length).toBeGreaterThan(0);
    for (const action of actions) expect(allowedActions(role)).toContain(action);
  });

  test('starts anew where it is denied what it keeps in memory', () => {
    const isSecret = denials.some(({ actions }) => actions.includes('secretsmanager:GetSecretValue'));
    expect(rehearsal.startsAnew ?? false).toBe(isSecret);
  });
});
