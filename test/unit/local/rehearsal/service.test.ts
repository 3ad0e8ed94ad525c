import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DescribeExecutionCommand, ExecutionDoesNotExist, SFNClient } from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient, GetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import type { ApiClient, IntegrationAnswer } from '../../../../local/api-client.ts';
import { nameLike, patient, rehearsalService, rehearsalTag } from '../../../../local/rehearsal/service.ts';
import type { DeployedStack } from '../../../../local/rehearsal/stack.ts';
import { answer } from './answers.ts';

const clients = {
  stepFunctions: new SFNClient({ region: 'eu-west-1' }),
  table: DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'eu-west-1' })),
};
const stepFunctions = mockClient(clients.stepFunctions);
const table = mockClient(clients.table);
beforeEach(() => {
  stepFunctions.reset();
  table.reset();
});

const stack: DeployedStack = {
  id: 'arn:stack',
  stage: 'dev',
  region: 'eu-west-1',
  accountId: '111111111111',
  partition: 'aws',
  updatedAt: undefined,
  apiUrl: 'https://api.test',
  outputs: {
    HttpApiId: 'api',
    HttpApiUrl: 'https://api.test',
    ProvisionStateMachineArn: 'arn:aws:states:eu-west-1:1:stateMachine:dev-provision',
    DeprovisionStateMachineArn: 'arn:aws:states:eu-west-1:1:stateMachine:dev-deprovision',
    TableName: 'table',
  },
  roles: [],
  functions: [],
  settings: { BUCKET_NAME_PATTERN: 'acme-*', ROLE_NAME_PATTERN: 'exact-role', IAM_PATH: '/x/' },
  physicalId: (id) => id,
};
const links = {
  self: '/integrations/int_A',
  execution: 'arn:aws:states:eu-west-1:1:execution:dev-provision:int_A',
  console: '',
};

/** An API of one integration, with the statuses that it takes one after the other. */
function fakeApi(statuses: readonly string[]) {
  const [calls, rest]: [string[], string[]] = [[], [...statuses]];
  const integration = (): IntegrationAnswer => answer({ status: rest.shift() ?? 'removed', links });
  const api: ApiClient = {
    request: async (method, path) => {
      calls.push(`${method} ${path}`);
      const status = method === 'GET' ? 200 : 202;
      const body = method === 'GET' ? integration() : answer({ status: 'provisioning', links });
      return { status, headers: new Headers(), body };
    },
  };
  return { api, calls };
}

function serviceAt(api: ApiClient, stopping = false) {
  return rehearsalService(api, stack, clients, {
    runId: 'abc',
    projectId: 'p',
    screen: { isTerminal: false, write: () => undefined },
    timeoutSeconds: 5,
    isStopping: () => stopping,
  });
}

test('names are such as the deployment allows, and never the same', () => {
  const service = serviceAt(fakeApi([]).api);
  expect(service.nextNames()).toEqual({
    name: 'rehearsal-abc-1',
    bucketName: 'acme-rehearsal-abc-1',
    roleName: 'exact-role',
  });
  expect(service.nextNames().name).toBe('rehearsal-abc-2');
  expect(nameLike('a-*', 'b')).toBe('a-b');
});

describe('what stands of a run', () => {
  test('is removed, once more where the first removal leaves something', async () => {
    const { api, calls } = fakeApi(['ready', 'residue', 'removed']);
    const service = serviceAt(api);
    await service.connect(service.nextNames());
    expect(await service.tidy()).toEqual([]);
    expect(calls.filter((call) => call.startsWith('DELETE'))).toHaveLength(2);
    expect(await service.tidy()).toEqual([]);
    expect(calls.filter((call) => call.startsWith('DELETE'))).toHaveLength(2);
  });

  test('is told where it cannot be removed', async () => {
    const service = serviceAt(fakeApi(['ready', 'residue', 'residue']).api);
    await service.connect(service.nextNames());
    expect(await service.tidy()).toEqual(['int_A is residue']);
  });

  test('is nothing where it failed clean', async () => {
    const { api, calls } = fakeApi(['failed']);
    const service = serviceAt(api);
    await service.connect(service.nextNames());
    expect(await service.tidy()).toEqual([]);
    expect(calls.some((call) => call.startsWith('DELETE'))).toBe(false);
  });
});

test('the API of another deployment is noticed, and what it made is removed', async () => {
  const { api, calls } = fakeApi(['removed']);
  const other = { ...stack.outputs, ProvisionStateMachineArn: 'arn:aws:states:eu-west-1:1:stateMachine:x' };
  const service = rehearsalService(api, { ...stack, outputs: other }, clients, {
    runId: 'abc',
    projectId: 'p',
    screen: { isTerminal: false, write: () => undefined },
    timeoutSeconds: 5,
    isStopping: () => false,
  });
  await expect(service.connect(service.nextNames())).rejects.toThrow('the API of another deployment');
  expect(await service.tidy()).toEqual([]);
  expect(calls).toContain('DELETE /integrations/int_A');
});

test('nothing is connected any more while everything is being stopped', async () => {
  const { api, calls } = fakeApi([]);
  const service = serviceAt(api, true);
  await expect(service.connect(service.nextNames())).rejects.toThrow('being stopped');
  expect(calls).toEqual([]);
});

test('runs of the undo are found by their names, with what they say', async () => {
  const missing = new ExecutionDoesNotExist({ $metadata: {}, message: 'no' });
  stepFunctions.on(DescribeExecutionCommand).rejects(missing);
  const named = (run: number) => ({
    executionArn: `arn:aws:states:eu-west-1:1:execution:dev-deprovision:int_A-remove-${run}`,
  });
  stepFunctions.on(DescribeExecutionCommand, named(1)).resolves({ status: 'FAILED' });
  stepFunctions
    .on(DescribeExecutionCommand, named(2))
    .resolves({ status: 'SUCCEEDED', output: '{"role":"removed"}' });
  expect(await serviceAt(fakeApi([]).api).undoRuns('int_A', 'remove')).toEqual([
    { ...named(1), status: 'FAILED', output: {} },
    { ...named(2), status: 'SUCCEEDED', output: { role: 'removed' } },
  ]);
});

test('only what carries the tag of a rehearsal counts as its own, whatever its name', async () => {
  const records: Record<string, [status: string, tags?: Record<string, string>]> = {
    int_ours: ['ready', { [rehearsalTag]: 'abc' }],
    int_theirs: ['ready'],
    int_busy: ['provisioning', { team: 'theirs' }],
    int_oursBusy: ['removing', { [rehearsalTag]: 'xyz' }],
  };
  table.on(QueryCommand).callsFake(({ ExpressionAttributeValues }) => ({
    Items: Object.entries(records)
      .filter(([, [status]]) => status === ExpressionAttributeValues[':status'])
      .map(([integrationId]) => ({ integrationId })),
  }));
  table.on(GetCommand).callsFake(({ Key }) => ({
    Item: { name: 'rehearsal-1', request: { tags: records[Key.pk.replace('integration#', '')]?.[1] } },
  }));
  const found = await serviceAt(fakeApi([]).api).standingIntegrations();
  expect({ ...found, ours: found.ours.toSorted() }).toEqual({
    ours: ['int_ours', 'int_oursBusy'],
    busy: ['int_busy ("rehearsal-1", provisioning)'],
    others: 1,
  });
});

describe('a patient client', () => {
  const answering = (answers: readonly (number | Error)[]) => {
    const rest = [...answers];
    let calls = 0;
    const api: ApiClient = {
      request: async () => {
        calls += 1;
        const next = rest.shift() ?? 200;
        if (typeof next !== 'number') throw next;
        return { status: next, headers: new Headers(), body: undefined };
      },
    };
    return { api: patient(api, 0), calls: () => calls };
  };

  test('asks again where nothing or nothing lasting was answered', async () => {
    const { api, calls } = answering([503, new TypeError('fetch failed'), 429, 202]);
    expect((await api.request('POST', '/integrations')).status).toBe(202);
    expect(calls()).toBe(4);
  });

  test('takes a refusal as it is', async () => {
    const { api, calls } = answering([409]);
    expect((await api.request('POST', '/integrations')).status).toBe(409);
    expect(calls()).toBe(1);
  });

  test('gives up after five times', async () => {
    const { api, calls } = answering([503, 503, 503, 503, 503, 503]);
    expect((await api.request('GET', '/x')).status).toBe(503);
    expect(calls()).toBe(5);
  });

  test('does not hide a mistake', async () => {
    const { api, calls } = answering([new Error('no credentials')]);
    await expect(api.request('GET', '/x')).rejects.toThrow('no credentials');
    expect(calls()).toBe(1);
  });
});
