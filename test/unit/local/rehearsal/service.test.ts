import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DescribeExecutionCommand, ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient, GetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import type { ApiClient, IntegrationAnswer } from '../../../../local/observe/api-client.ts';
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

/** An execution as Step Functions lists it. */
const listed = (name: string, executionArn: string) => ({
  ...{ name, executionArn, stateMachineArn: 'arn:machine', startDate: new Date(0) },
  status: 'SUCCEEDED' as const,
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

  test('keeps its bucket where that is asked for', async () => {
    const { api, calls } = fakeApi(['ready', 'removed']);
    const service = serviceAt(api);
    const { links: of } = await service.connect(service.nextNames());
    await service.remove(of.self, { keepBucket: true });
    expect(calls.filter((call) => call.startsWith('DELETE'))).toEqual([
      'DELETE /integrations/int_A?keepBucket=true',
    ]);
    expect(await service.tidy()).toEqual([]);
  });

  test('is nothing where it failed clean', async () => {
    const { api, calls } = fakeApi(['failed']);
    const service = serviceAt(api);
    await service.connect(service.nextNames());
    expect(await service.tidy()).toEqual([]);
    expect(calls.some((call) => call.startsWith('DELETE'))).toBe(false);
  });
});

describe('a driver', () => {
  const self = '/integrations/int_A/drivers/drv_B';
  const ofDriver = { ...links, self };

  /** An API of one integration and one driver on it, which end as they are told. */
  function apiWithDriver(ends: readonly string[], removed = 'removed') {
    const [calls, bodies, rest]: [string[], unknown[], string[]] = [[], [], [...ends]];
    let removing = false;
    const api: ApiClient = {
      request: async (method, path, { body } = {}) => {
        calls.push(`${method} ${path}`);
        if (body) bodies.push(body);
        if (method === 'DELETE') removing = true;
        const isDriver = path.endsWith('/drivers') || path === self;
        const status = removing ? removed : (rest.shift() ?? 'ready');
        return {
          status: method === 'GET' ? 200 : 202,
          headers: new Headers(),
          body: answer({ status, links, ...(isDriver ? { driverId: 'drv_B', links: ofDriver } : {}) }),
        };
      },
    };
    return { api, calls, bodies };
  }

  test('is added to an integration, with the tag by which the next run knows it', async () => {
    const { api, calls, bodies } = apiWithDriver(['provisioning', 'ready']);
    const service = serviceAt(api);
    const added = await service.addDriver({ links }, service.nextNames());
    expect(added).toMatchObject({ driverId: 'drv_B', status: 'ready' });
    expect(calls).toEqual(['POST /integrations/int_A/drivers', `GET ${self}`]);
    expect(bodies).toEqual([
      expect.objectContaining({ bucket: { name: 'acme-rehearsal-abc-1' }, tags: { [rehearsalTag]: 'abc' } }),
    ]);
  });

  test('is removed before the integration that it was added to', async () => {
    const { api, calls } = apiWithDriver([]);
    const service = serviceAt(api);
    const host = await service.connect(service.nextNames());
    await service.addDriver(host, service.nextNames());
    expect(await service.tidy()).toEqual([]);
    expect(calls.filter((call) => call.startsWith('DELETE'))).toEqual([
      `DELETE ${self}`,
      'DELETE /integrations/int_A',
    ]);
  });

  test('goes, and what is to be kept stays', async () => {
    const { api, calls } = apiWithDriver([]);
    const service = serviceAt(api);
    const host = await service.connect(service.nextNames());
    await service.addDriver(host, service.nextNames());
    expect(await service.tidy([host.links.self])).toEqual([]);
    expect(calls.filter((call) => call.startsWith('DELETE'))).toEqual([`DELETE ${self}`]);
  });

  test('is not asked for any more once its integration is removed', async () => {
    const { api, calls } = apiWithDriver([]);
    const service = serviceAt(api);
    const host = await service.connect(service.nextNames());
    await service.addDriver(host, service.nextNames());
    await service.remove(host.links.self);
    expect(await service.tidy()).toEqual([]);
    expect(calls.filter((call) => call.startsWith('DELETE'))).toHaveLength(1);
  });

  test('that cannot be removed is told', async () => {
    const service = serviceAt(apiWithDriver([], 'residue').api);
    await service.addDriver({ links }, service.nextNames());
    expect(await service.tidy()).toEqual(['drv_B is residue']);
  });

  test('has runs of the undo of its own', async () => {
    const name = 'drv_B-rollback-1-0123456789ab';
    const executionArn = `arn:aws:states:eu-west-1:1:execution:dev-deprovision:${name}`;
    stepFunctions.on(ListExecutionsCommand).resolves({ executions: [listed(name, executionArn)] });
    stepFunctions.on(DescribeExecutionCommand, { executionArn }).resolves({ status: 'SUCCEEDED' });
    const runs = await serviceAt(fakeApi([]).api).undoRuns(answer({ driverId: 'drv_B' }), 'rollback');
    expect(runs.map((each) => each.executionArn)).toEqual([executionArn]);
  });
});

describe('how long Dataloop kept its access after DELETE', () => {
  const at = (second: number) => new Date(Date.UTC(2026, 10, 23, 10, 0, second)).toISOString();
  const step = (name: string, status: string, endedAt: string) => ({
    name,
    status,
    startedAt: at(1),
    endedAt,
    attempts: 1,
  });
  /** DELETE is answered at second 10. */
  const removed = async (steps: IntegrationAnswer['steps'], driverId?: string) => {
    const of = driverId === undefined ? {} : { driverId };
    const api: ApiClient = {
      request: async (method) => ({
        status: method === 'GET' ? 200 : 202,
        headers: new Headers(),
        body: answer({ status: 'removed', steps, updatedAt: at(method === 'GET' ? 50 : 10), links, ...of }),
      }),
    };
    return (await serviceAt(api).remove('/integrations/int_A')).accessSeconds;
  };
  const others = [step('RevokeAccess', 'succeeded', at(40)), step('DeleteDriver', 'succeeded', at(30))];

  test('is told by the step that ended it, by the clocks of the service', async () => {
    expect(await removed([...others, step('DeleteRole', 'succeeded', at(12))])).toBe(2);
    expect(await removed([...others, step('DeleteRole', 'succeeded', at(12))], 'drv_B')).toBe(30);
  });

  test.each([
    ['failed', [step('DeleteRole', 'failed', at(12))]],
    ['was of an earlier removal', [step('DeleteRole', 'succeeded', at(9))]],
    ['was not called', others],
  ])('is not told where that step %s', async (_what, steps) => {
    expect(await removed(steps)).toBeUndefined();
  });
});

test('what is wrong with a connection is told in the words of the service’s own test', async () => {
  const checks = [
    { name: 'Role', status: 'passed', detail: 'ok' },
    { name: 'PermissionPolicy', status: 'failed', detail: 'It says something else.' },
  ];
  const api: ApiClient = {
    request: async () => ({ status: 200, headers: new Headers(), body: { checks } }),
  };
  expect(await serviceAt(api).faultsOf('/integrations/int_A')).toEqual([
    'PermissionPolicy: It says something else.',
  ]);
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
  await expect(service.connect(service.nextNames())).rejects.toThrow('the rehearsal is stopping');
  expect(calls).toEqual([]);
});

test('runs of the undo are found by their names, with what they say', async () => {
  const nameOf = (run: number) => `int_A-remove-${run}-0123456789ab`;
  const named = (run: number) => ({
    executionArn: `arn:aws:states:eu-west-1:1:execution:dev-deprovision:${nameOf(run)}`,
  });
  // The newest first, and those of others between them.
  const executions = [2, 1].map((run) => listed(nameOf(run), named(run).executionArn));
  stepFunctions
    .on(ListExecutionsCommand)
    .resolvesOnce({
      executions: [listed('int_B-remove-1', 'arn:other'), ...executions.slice(0, 1)],
      nextToken: '2',
    })
    .resolves({ executions: [...executions.slice(1), listed('int_A-rollback-1', 'arn:earlier')] });
  stepFunctions.on(DescribeExecutionCommand, named(1)).resolves({ status: 'FAILED' });
  stepFunctions
    .on(DescribeExecutionCommand, named(2))
    .resolves({ status: 'SUCCEEDED', output: '{"role":"removed"}' });
  expect(await serviceAt(fakeApi([]).api).undoRuns(answer(), 'remove')).toEqual([
    { ...named(1), status: 'FAILED', output: {} },
    { ...named(2), status: 'SUCCEEDED', output: { role: 'removed' } },
  ]);
});

test('only what carries the tag of a rehearsal counts as its own, whatever its name', async () => {
  const tags = { [rehearsalTag]: 'abc' };
  const parent = { integrationId: 'int_oursBusy', dataloopIntegrationId: 'i-1' };
  const records: Record<
    string,
    [status: string, tags?: Record<string, string> | undefined, parent?: object]
  > = {
    int_ours: ['ready', { [rehearsalTag]: 'abc' }],
    int_theirs: ['ready'],
    int_busy: ['provisioning', { team: 'theirs' }],
    int_oursBusy: ['removing', { [rehearsalTag]: 'xyz' }],
    drv_ours: ['residue', tags, parent],
    drv_theirs: ['ready', undefined, parent],
  };
  table.on(QueryCommand).callsFake(({ ExpressionAttributeValues }) => ({
    Items: Object.entries(records)
      .filter(([, [status]]) => status === ExpressionAttributeValues[':status'])
      .map(([integrationId]) => ({ integrationId })),
  }));
  table.on(GetCommand).callsFake(({ Key }) => {
    const [, recordTags, recordParent] = records[Key.pk.replace('integration#', '')] ?? [];
    return { Item: { name: 'rehearsal-1', request: { tags: recordTags }, parent: recordParent } };
  });
  const found = await serviceAt(fakeApi([]).api).standingIntegrations();
  // The driver first: the integration that it was added to goes after it.
  expect(found.ours[0]).toBe('/integrations/int_oursBusy/drivers/drv_ours');
  expect({ ...found, ours: found.ours.slice(1).toSorted() }).toEqual({
    ours: ['/integrations/int_ours', '/integrations/int_oursBusy'],
    busy: ['int_busy ("rehearsal-1", provisioning)'],
    others: 2,
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
