import {
  DeleteRolePolicyCommand,
  IAMClient,
  ListRolePoliciesCommand,
  NoSuchEntityException,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import {
  GetFunctionCommand,
  GetFunctionConfigurationCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import {
  denialDocument,
  denialName,
  interventions,
  restartVariable,
  takeLeftoversBack,
} from '../../../../local/rehearsal/interventions.ts';

const clients = {
  iam: new IAMClient({ region: 'eu-west-1' }),
  lambda: new LambdaClient({ region: 'eu-west-1' }),
};
const iam = mockClient(clients.iam);
const lambda = mockClient(clients.lambda);

/** Environments of the functions, as Lambda keeps them. */
let environments: Map<string, Record<string, string>>;
beforeEach(() => {
  iam.reset();
  lambda.reset();
  environments = new Map([['create-role', { TABLE_NAME: 'table' }]]);
  iam.on(PutRolePolicyCommand).resolves({});
  iam.on(DeleteRolePolicyCommand).resolves({});
  lambda.on(GetFunctionCommand).resolves({ Configuration: { LastUpdateStatus: 'Successful' } });
  lambda.on(GetFunctionConfigurationCommand).callsFake(({ FunctionName }) => ({
    Environment: { Variables: environments.get(FunctionName) },
    RevisionId: 'r-1',
  }));
  lambda.on(UpdateFunctionConfigurationCommand).callsFake(({ FunctionName, Environment }) => {
    environments.set(FunctionName, Environment.Variables);
    return {};
  });
});

const statement = { actions: ['iam:CreateRole'], resource: '*' };
const deleted = () => iam.commandCalls(DeleteRolePolicyCommand).map((call) => call.args[0].input);

describe('a denial', () => {
  test('is an inline policy of one fixed name, with just the actions', async () => {
    await interventions(clients).deny('role-a', statement);
    const { PolicyDocument, ...policy } = iam.commandCalls(PutRolePolicyCommand)[0]?.args[0].input ?? {};
    expect(policy).toEqual({ RoleName: 'role-a', PolicyName: denialName });
    expect(JSON.parse(PolicyDocument ?? '')).toEqual(denialDocument(statement));
    expect(denialDocument(statement).Statement).toEqual([
      { Sid: 'Rehearsal', Effect: 'Deny', Action: ['iam:CreateRole'], Resource: '*' },
    ]);
  });

  test('is taken back once', async () => {
    const done = interventions(clients);
    await done.deny('role-a', statement);
    await done.takeAllBack();
    await done.takeAllBack();
    expect(deleted()).toEqual([{ RoleName: 'role-a', PolicyName: denialName }]);
  });

  test('is taken back also where the answer to it was lost', async () => {
    iam.on(PutRolePolicyCommand).rejects(new Error('socket hang up'));
    const done = interventions(clients);
    await expect(done.deny('role-a', statement)).rejects.toThrow('socket hang up');
    await done.takeAllBack();
    expect(deleted()).toHaveLength(1);
  });

  test('that is not there any more counts as taken back', async () => {
    iam.on(DeleteRolePolicyCommand).rejects(new NoSuchEntityException({ $metadata: {}, message: 'gone' }));
    const done = interventions(clients);
    await done.deny('role-a', statement);
    await expect(done.takeAllBack()).resolves.toBeUndefined();
  });

  test('is tried three times to be taken back', async () => {
    iam.on(DeleteRolePolicyCommand).rejectsOnce(new Error('1')).rejectsOnce(new Error('2')).resolves({});
    const done = interventions(clients);
    await done.deny('role-a', statement);
    await expect(done.takeAllBack()).resolves.toBeUndefined();
  });

  test('that cannot be taken back is named, and keeps no other one', async () => {
    iam.on(DeleteRolePolicyCommand, { RoleName: 'role-a' }).rejects(new Error('no'));
    const done = interventions(clients);
    await done.deny('role-a', statement);
    await done.deny('role-b', statement);
    await expect(done.takeAllBack()).rejects.toThrow(/role-a: no[\s\S]*delete-role-policy/);
    expect(deleted()).toContainEqual({ RoleName: 'role-b', PolicyName: denialName });
  });
});

describe('a function that starts anew', () => {
  test('gets a variable that nothing reads beside its own, and loses it again', async () => {
    const done = interventions(clients);
    await done.startAnew('create-role');
    expect(environments.get('create-role')).toEqual({
      TABLE_NAME: 'table',
      [restartVariable]: expect.stringMatching(/^\d{4}-/),
    });
    await done.takeAllBack();
    expect(environments.get('create-role')).toEqual({ TABLE_NAME: 'table' });
  });

  test('is changed only as it was read: a change of somebody else’s meanwhile is not overwritten', async () => {
    await interventions(clients).startAnew('create-role');
    const [update] = lambda.commandCalls(UpdateFunctionConfigurationCommand);
    expect(update?.args[0].input.RevisionId).toBe('r-1');
  });
});

describe('the end', () => {
  test('waits for what is being done, and takes it back', async () => {
    let answer: (value: object) => void = () => undefined;
    iam.on(PutRolePolicyCommand).callsFake(() => new Promise((resolve) => (answer = resolve)));
    const done = interventions(clients);
    const denying = done.deny('role-a', statement);
    const ending = done.end();
    expect(deleted()).toEqual([]);
    await new Promise(setImmediate);
    answer({});
    await Promise.all([denying, ending]);
    expect(deleted()).toHaveLength(1);
  });

  test('lets nothing be done afterwards', async () => {
    const done = interventions(clients);
    await done.end();
    await expect(done.deny('role-a', statement)).rejects.toThrow('the rehearsal is stopping');
    expect(iam.commandCalls(PutRolePolicyCommand)).toEqual([]);
  });
});

test('what a run that was killed has left is found on every role and function, and taken back', async () => {
  environments.set('test-driver', { TABLE_NAME: 'table', [restartVariable]: 'then' });
  iam.on(ListRolePoliciesCommand).resolves({ PolicyNames: ['own'] });
  iam.on(ListRolePoliciesCommand, { RoleName: 'role-b' }).resolves({ PolicyNames: ['own', denialName] });

  const found = await takeLeftoversBack(clients, {
    roles: ['role-a', 'role-b'],
    functions: ['create-role', 'test-driver'],
  });

  expect(found).toHaveLength(2);
  expect(found[0]).toContain('role-b');
  expect(found[1]).toContain('test-driver');
  expect(deleted()).toEqual([{ RoleName: 'role-b', PolicyName: denialName }]);
  expect(environments.get('test-driver')).toEqual({ TABLE_NAME: 'table' });
  expect(lambda.commandCalls(UpdateFunctionConfigurationCommand)).toHaveLength(1);
});
