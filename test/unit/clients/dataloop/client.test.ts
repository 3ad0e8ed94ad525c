import { afterEach, describe, expect, jest, test } from '@jest/globals';
import type { DataloopSettings } from '../../../../src/config.ts';
import { trustedUserArn } from '../../../../src/domain/resources/role/trusted-user.ts';
import { client, dataloopAnswers, json, noContent, refused, sent, token } from './fake-dataloop.ts';

afterEach(() => {
  jest.restoreAllMocks();
});

const settings = {
  apiUrl: 'https://gate.dataloop.test/api/v1',
  secretId: 'the-secret',
  organizationId: undefined,
  accountId: undefined,
};
const apiKey = token(Date.now() + 3_600_000, { email: 'owner@example.com' });
const dataloop = client.dataloopClient(settings, async () => JSON.stringify({ apiKey }));
const api = 'https://gate.dataloop.test/api/v1';

describe('logging in', () => {
  const withPassword = () =>
    client.dataloopClient(
      settings,
      async () => '{"username":"owner@example.com","password":"correct-horse"}',
    );

  test('happens at the gate, outside of the API, and its token is used from then on', async () => {
    dataloopAnswers(json({ id_token: apiKey }), json({ id: 'project-1' }));
    const getProject = client.getProject(withPassword());
    await getProject('project-1');
    await getProject('project-1');
    expect(sent.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST https://gate.dataloop.test/token?default',
      `GET ${api}/projects/project-1`,
      `GET ${api}/projects/project-1`,
    ]);
    expect(sent[0]).toMatchObject({
      headers: { 'content-type': 'application/json' },
      body: { type: 'user_credentials', username: 'owner@example.com', password: 'correct-horse' },
    });
    expect(sent[0]?.headers).not.toHaveProperty('authorization');
    expect(sent[1]?.headers['authorization']).toBe(`Bearer ${apiKey}`);
  });

  test('that is refused, in whatever way, is a matter of the secret', async () => {
    for (const status of [400, 401, 403]) {
      dataloopAnswers(refused(status, 'Wrong username or password'));
      const reading = client.getProject(withPassword())('project-1');
      await expect(reading).rejects.toMatchObject({
        name: 'DataloopCredentialsError',
        message: expect.stringMatching(/did not accept the log-in .*Wrong username or password.*the-secret/),
      });
      await expect(reading).rejects.not.toThrow('correct-horse');
    }
  });

  test('that is refused in words that quote the password passes them on without it', async () => {
    dataloopAnswers(refused(401, 'Wrong password: "correct-horse"'));
    const reading = client.getProject(withPassword())('project-1');
    await expect(reading).rejects.toThrow('Wrong password: "[redacted]"');
  });

  test('that gets no answer is tried again', async () => {
    dataloopAnswers(refused(503, 'busy'), json({ id_token: apiKey }), json({ id: 'project-1' }));
    await expect(client.getProject(withPassword())('project-1')).resolves.toMatchObject({
      id: 'project-1',
    });
  });
});

describe('a project', () => {
  test('names its organisation as an object, as its id, or not at all', async () => {
    const getProject = client.getProject(dataloop);
    dataloopAnswers(
      json({ id: 'project-1', org: { id: 'org-1', name: 'Acme' } }),
      json({ id: 'project-1', org: 'org-1' }),
      json({ id: 'project-1' }),
    );
    await expect(getProject('project-1')).resolves.toEqual({ id: 'project-1', organizationId: 'org-1' });
    await expect(getProject('project-1')).resolves.toEqual({ id: 'project-1', organizationId: 'org-1' });
    await expect(getProject('project-1')).resolves.toEqual({ id: 'project-1', organizationId: undefined });
  });

  test('that may not be seen names the role that is missing', async () => {
    dataloopAnswers(refused(403, 'Forbidden'));
    await expect(client.getProject(dataloop)('project-1')).rejects.toMatchObject({
      name: 'DataloopForbiddenError',
      message: expect.stringContaining('owner or developer of the project'),
    });
  });

  test('an id is one segment of a path, whatever it contains', async () => {
    dataloopAnswers(json({ id: 'x' }));
    await client.getProject(dataloop)('../orgs?x=1');
    expect(sent[0]?.url).toBe(`${api}/projects/..%2Forgs%3Fx%3D1`);
  });
});

describe('integrations', () => {
  const count = () => client.countIntegrations(dataloop)('org-1');

  test('are counted where they are cross-account ones: only these have a limit', async () => {
    dataloopAnswers(
      json([
        { id: 'i-1', type: 'aws-cross' },
        { id: 'i-2', type: 'aws-sts' },
        { id: 'i-3', type: 'aws-cross' },
      ]),
    );
    await expect(count()).resolves.toBe(2);
    expect(sent[0]).toMatchObject({ method: 'GET', url: `${api}/orgs/org-1/integrations` });
  });

  test('that may not be listed name the role that is missing', async () => {
    dataloopAnswers(refused(403, 'Forbidden'));
    await expect(count()).rejects.toMatchObject({
      name: 'DataloopForbiddenError',
      message: expect.stringContaining('owner or admin of the organisation'),
    });
  });
});

describe('an integration', () => {
  const userArn = 'arn:aws:iam::222222222222:user/dataloop-1';
  const integration = (metadata: unknown) => ({ id: 'i-1', name: 'acme', org: 'org-1', metadata });
  const read = () => client.getIntegration(dataloop)('org-1', 'i-1');

  test('is read with its IAM user and its state', async () => {
    dataloopAnswers(
      json(
        integration([
          { id: '1', name: 'userArn', value: userArn },
          { id: '2', name: 'status', value: 'waiting-trust' },
        ]),
      ),
    );
    await expect(read()).resolves.toEqual({ id: 'i-1', name: 'acme', userArn, trustStatus: 'waiting-trust' });
    expect(sent[0]).toMatchObject({ method: 'GET', url: `${api}/orgs/org-1/integrations/i-1` });
  });

  test('is read with its type, where Dataloop names one', async () => {
    dataloopAnswers(
      json({ ...integration([]), type: 'aws-cross' }),
      json({ ...integration([]), type: null }),
      json(integration([])),
    );
    await expect(read()).resolves.toMatchObject({ type: 'aws-cross' });
    await expect(read()).resolves.toMatchObject({ type: undefined });
    await expect(read()).resolves.toMatchObject({ type: undefined });
  });

  test('has no IAM user and no state yet where its metadata lacks them', async () => {
    const valueless = [{ name: 'userArn' }, { name: 'status' }];
    const empty = [
      { name: 'userArn', value: null },
      { name: 'status', value: '' },
    ];
    for (const metadata of [valueless, empty, [], null, undefined]) {
      dataloopAnswers(json(integration(metadata)));
      await expect(read()).resolves.toEqual({
        id: 'i-1',
        name: 'acme',
        userArn: undefined,
        trustStatus: undefined,
      });
    }
  });

  test('that tells them in another form is an error that says so, and in a list it can be found and deleted', async () => {
    const forms = [
      { userArn },
      'text',
      7,
      [{ name: 'userArn', value: { arn: 'x' } }],
      [{ name: 'status', value: 1 }],
    ];
    for (const metadata of forms) {
      dataloopAnswers(json({ ...integration(metadata), type: 'aws-cross' }));
      const calls = [
        read(),
        client.createIntegration(dataloop)('org-1', 'acme'),
        client.setRoleArn(dataloop)('org-1', 'i-1', 'arn:aws:iam::111111111111:role/x'),
      ];
      for (const call of calls) {
        await expect(call).rejects.toMatchObject({
          name: 'DataloopAnswerError',
          message: expect.stringContaining('is not as documented (metadata)'),
        });
      }
      dataloopAnswers(json([{ ...integration(metadata), type: 'aws-cross' }]));
      const found = await client.listIntegrations(dataloop)('org-1', { name: 'acme' });
      expect(found.map(({ id }) => id)).toEqual(['i-1']);
      dataloopAnswers(json({ ...integration(metadata), type: 'gcs' }));
      await expect(read()).resolves.toMatchObject({ type: 'gcs', userArn: undefined });
    }
  });

  test('has its state where the IAM user has no value yet', async () => {
    dataloopAnswers(json(integration([{ name: 'userArn' }, { name: 'status', value: 'waiting-trust' }])));
    await expect(read()).resolves.toMatchObject({ userArn: undefined, trustStatus: 'waiting-trust' });
  });

  test('whose user or state is longer than any is cut, and still too long to be taken', async () => {
    const value = `arn:aws:iam::222222222222:user/${'x'.repeat(100_000)}`;
    dataloopAnswers(
      json(
        integration([
          { name: 'userArn', value },
          { name: 'status', value },
        ]),
      ),
    );
    const { userArn, trustStatus } = (await read()) ?? {};
    expect([userArn, trustStatus]).toEqual([`${value.slice(0, 299)}…`, `${value.slice(0, 99)}…`]);
    expect(() => trustedUserArn(userArn ?? '', 'aws')).toThrow('instead of an IAM user');
  });

  test.each([
    ['as it is', 'größe "1"', 'größe "1"'],
    ['as long as any is', 'n'.repeat(200), 'n'.repeat(200)],
    ['cut where it is longer', 'n'.repeat(500_000), `${'n'.repeat(199)}…`],
    ['without what could forge a line', 'acme\r\nERROR', 'acme ERROR…'],
    ['marked where it only looks like ours', 'acme\u200b', 'acme …'],
    ['marked where nothing of it can be shown', '\u200b\u202e', ' …'],
    ['in any script', '写真データ صور हिन्दी 👍', '写真データ صور हिन्दी 👍'],
    ['as Unicode composes it', 'Gro\u0308ße', 'Größe'],
    [
      'cut where its marks have no end',
      `a${'\u0301\u0323'.repeat(500_000)}`,
      `a${'\u0301\u0323'.repeat(99)}…`,
    ],
  ])('has its name %s', async (_how, name, shown) => {
    dataloopAnswers(json({ ...integration([]), name }));
    await expect(read()).resolves.toMatchObject({ id: 'i-1', name: shown });
  });

  test('of another type may have other metadata, and stops no list', async () => {
    const others = [
      null,
      {},
      'text',
      7,
      [null],
      ['a', 1],
      [{ value: 'x' }],
      Array(10_000).fill({ name: 'x' }),
    ];
    const user = { name: 'userArn', value: 'arn:aws:iam::222222222222:user/a' };
    dataloopAnswers(json([...others.map(integration), integration([{}, user])]));
    const found = await client.listIntegrations(dataloop)('org-1');
    expect(found.map(({ userArn }) => userArn)).toEqual([...others.map(() => undefined), user.value]);
  });

  /** What others have in the same list, of types and shapes of their own. */
  const oddities = [
    null,
    7,
    'text',
    [],
    {},
    { id: 5, name: null, type: 'gcs', metadata: 3 },
    { id: 'x', name: 'their own', type: 'aws-cross', metadata: null },
    { id: null, name: 'x', type: 'aws-cross' },
    { id: 'y', name: { first: 'x' }, type: 's3', bucketName: 7, createdAt: 1_700_000_000 },
  ];

  test('is found in a list whatever else is in it', async () => {
    const dated = { createdAt: 1_700_000_000, org: { id: 'org-1' } };
    dataloopAnswers(json([...oddities, { ...integration([]), type: 'aws-cross', ...dated }]));
    const found = await client.listIntegrations(dataloop)('org-1', { id: 'i-1', name: 'acme' });
    expect(found.map(({ id }) => id)).toEqual(['x', 'i-1']);
    await expect(client.countIntegrations(dataloop)('org-1')).resolves.toBe(3);
  });

  test.each([
    ['id', { id: 'i-1' }],
    ['name', { name: 'acme' }],
  ])(
    'that cannot be read in a list stops whoever looks for its %s, and nobody else',
    async (_what, concern) => {
      const unreadable = { ...integration([]), ...('id' in concern ? { name: 3 } : { id: 3 }) };
      dataloopAnswers(json([...oddities, unreadable]));
      await expect(client.listIntegrations(dataloop)('org-1', concern)).rejects.toMatchObject({
        name: 'DataloopAnswerError',
        message: expect.stringMatching(
          /"list the integrations of organisation org-1" is not as documented for "(i-1|acme)" \((id|name)\)\. Its API/,
        ),
      });
      for (const other of [undefined, {}, { id: 'i-2' }, { name: 'other', id: 'i-2' }]) {
        await expect(client.listIntegrations(dataloop)('org-1', other)).resolves.toHaveLength(1);
      }
    },
  );

  test('of another type is none of ours by its name alone', async () => {
    dataloopAnswers(json([{ ...integration(3), id: 3, type: 'gcs' }]));
    await expect(client.listIntegrations(dataloop)('org-1', { name: 'acme' })).resolves.toEqual([]);
  });

  test('is found on whatever page of a list it is', async () => {
    const page = (id: string, hasNextPage: boolean) =>
      json({ items: [{ ...integration([]), id }], hasNextPage, totalItemsCount: 2 });
    dataloopAnswers(page('i-1', true), page('i-2', false));
    const found = await client.listIntegrations(dataloop)('org-1');
    expect(found.map(({ id }) => id)).toEqual(['i-1', 'i-2']);
    expect(sent.map(({ url }) => url)).toEqual([
      `${api}/orgs/org-1/integrations`,
      `${api}/orgs/org-1/integrations?pageOffset=1`,
    ]);
  });

  test('is not looked for on pages without an end', async () => {
    dataloopAnswers(json({ items: [integration([])], hasNextPage: true }));
    await expect(client.listIntegrations(dataloop)('org-1')).rejects.toThrow('is a list without an end.');
    expect(sent).toHaveLength(100);
  });

  test('is not looked for in a list longer than any', async () => {
    dataloopAnswers(json(Array.from({ length: 10_001 }, () => ({ id: 'i-1', name: 'a' }))));
    await expect(client.listIntegrations(dataloop)('org-1')).rejects.toMatchObject({
      name: 'DataloopAnswerError',
    });
    dataloopAnswers(json(Array.from({ length: 10_000 }, () => ({ id: 'i-1', name: 'a' }))));
    await expect(client.listIntegrations(dataloop)('org-1')).resolves.toHaveLength(10_000);
  });

  test('that is gone is undefined; one that is forbidden is not', async () => {
    dataloopAnswers(refused(404, 'not found'), refused(403, 'Forbidden'));
    await expect(read()).resolves.toBeUndefined();
    await expect(read()).rejects.toMatchObject({
      name: 'DataloopForbiddenError',
      message: expect.stringContaining('owner or admin of the organisation'),
    });
  });

  test('is found in a bare list', async () => {
    dataloopAnswers(json([integration([]), { ...integration(null), id: 'i-2' }]));
    const found = await client.listIntegrations(dataloop)('org-1');
    expect(found.map(({ id }) => id)).toEqual(['i-1', 'i-2']);
    expect(sent[0]).toMatchObject({ method: 'GET', url: `${api}/orgs/org-1/integrations` });
  });

  test('is created as a cross-account one', async () => {
    dataloopAnswers(json(integration([{ name: 'status', value: 'waiting-trust' }])));
    const created = await client.createIntegration(dataloop)('org-1', 'acme int_A');
    expect(created).toMatchObject({ id: 'i-1', userArn: undefined });
    expect(sent).toMatchObject([
      {
        method: 'POST',
        url: `${api}/orgs/org-1/integrations`,
        body: { type: 'aws-cross', name: 'acme int_A', options: {} },
      },
    ]);
  });

  test('is created once, even where the answer is lost', async () => {
    dataloopAnswers(refused(502, 'Bad gateway'));
    await expect(client.createIntegration(dataloop)('org-1', 'acme int_A')).rejects.toMatchObject({
      name: 'DataloopUnavailableError',
      retryable: true,
    });
    expect(sent).toHaveLength(1);
  });

  const creating = () => client.createIntegration(dataloop)('org-1', 'acme int_A');

  test("over Dataloop's limit says how many there may be, however Dataloop puts it", async () => {
    for (const refusal of [
      refused(400, 'Organization reached the limit of 15 cross account integrations'),
      refused(403, 'Integrations quota exceeded'),
      refused(409, 'Maximum number of integrations'),
    ]) {
      dataloopAnswers(refusal);
      await expect(creating()).rejects.toMatchObject({
        name: 'DataloopIntegrationLimitError',
        message: expect.stringMatching(
          /org-1 has reached Dataloop's limit .*15 by default\)\. Dataloop said ".*(limit|exceeded|Maximum).*" \(4\d\d\)\. Delete one/,
        ),
      });
    }
  });

  test.each([
    [400, 'Integration name already exists'],
    [409, 'Duplicate key: name'],
    [422, 'name must be unique'],
    [400, 'An integration with this name exists'],
    [400, 'The name "acme int_A" is taken.'],
    [409, 'Conflict'],
    [409, 'no reason given'],
  ])('whose name is taken is one that is not seen yet (%i)', async (status, said) => {
    dataloopAnswers(refused(status, said));
    await expect(creating()).rejects.toMatchObject({ name: 'EarlierCallOpenError', retryable: true });
    await expect(creating()).rejects.toThrow(
      `the integration "acme int_A" exists already (${status}: ${said}), but does not list it yet.`,
    );
  });

  test('that is refused for another reason is not over the limit', async () => {
    dataloopAnswers(refused(403, 'Forbidden'));
    await expect(creating()).rejects.toMatchObject({ name: 'DataloopForbiddenError' });
    dataloopAnswers(refused(400, 'Unlimited names are not supported'));
    await expect(creating()).rejects.toMatchObject({ name: 'DataloopRequestRefusedError' });
    dataloopAnswers(refused(429, 'Rate limit exceeded', { 'retry-after': '60' }));
    await expect(creating()).rejects.toMatchObject({ name: 'DataloopRateLimitError' });
  });

  test('takes the role ARN with the id in the body, and answers its state', async () => {
    dataloopAnswers(json(integration([{ name: 'status', value: 'trust-established' }])));
    const roleArn = 'arn:aws:iam::111111111111:role/dataloop-acme';
    const completed = await client.setRoleArn(dataloop)('org-1', 'i-1', roleArn);
    expect(completed.trustStatus).toBe('trust-established');
    expect(sent).toMatchObject([
      {
        method: 'PATCH',
        url: `${api}/orgs/org-1/integrations`,
        body: { integrationId: 'i-1', credentials: { type: 'aws-cross', options: { roleArn } } },
      },
    ]);
  });

  test.each([400, 409, 422, 424])(
    'that does not take the role is not trusted yet: status %i is no last word',
    async (status) => {
      dataloopAnswers(refused(status, 'Role cannot be assumed'));
      const setting = client.setRoleArn(dataloop)('org-1', 'i-1', 'arn:role');
      await expect(setting).rejects.toMatchObject({ name: 'TrustNotEstablishedError', retryable: true });
      await expect(setting).rejects.toThrow(
        `Dataloop did not take the role arn:role for its integration i-1 (${status}: Role cannot be assumed).`,
      );
    },
  );

  test('is deleted, whatever the answer holds; one that is gone counts as deleted', async () => {
    dataloopAnswers(json([{ anything: true }]), refused(404, 'not found'));
    const deleteIntegration = client.deleteIntegration(dataloop);
    await expect(deleteIntegration('org-1', 'i-1')).resolves.toBeUndefined();
    await expect(deleteIntegration('org-1', 'i-1')).resolves.toBeUndefined();
    expect(sent[0]).toMatchObject({ method: 'DELETE', url: `${api}/orgs/org-1/integrations/i-1` });
  });

  test('that could not be deleted is an error', async () => {
    dataloopAnswers(refused(409, 'Integration is in use'));
    await expect(client.deleteIntegration(dataloop)('org-1', 'i-1')).rejects.toThrow('Integration is in use');
  });
});

describe('a driver', () => {
  const wanted = {
    name: 'acme-images',
    dataloopIntegrationId: 'i-1',
    projectId: 'project-1',
    bucketName: 'dataloop-acme',
    region: 'eu-west-1',
    path: 'raw',
    allowExternalDelete: true,
  };
  const payload = {
    integrationId: 'i-1',
    integrationType: 'aws-cross',
    name: 'acme-images',
    type: 's3',
    metadata: { system: { projectId: 'project-1' } },
    payload: { bucketName: 'dataloop-acme', storageClass: '', region: 'eu-west-1', path: 'raw' },
    allowExternalDelete: true,
    creator: 'owner@example.com',
  };
  /** The request nests what the answer holds flat. */
  const flat = {
    id: 'd-1',
    name: 'acme-images',
    type: 's3',
    integrationId: 'i-1',
    bucketName: 'dataloop-acme',
  };

  test('is created nested and answered flat', async () => {
    dataloopAnswers(json(flat));
    const created = await client.createDriver(dataloop)(wanted);
    expect(created).toEqual({
      id: 'd-1',
      name: 'acme-images',
      dataloopIntegrationId: 'i-1',
      bucketName: 'dataloop-acme',
    });
    expect(sent).toMatchObject([{ method: 'POST', url: `${api}/drivers` }]);
    expect(sent[0]?.body).toEqual(payload);
  });

  test('is created in the name of the user who creates it, also after a rotation to another', async () => {
    const other = token(Date.now() + 3_600_000, { email: 'successor@example.com' });
    const secrets = [apiKey, other];
    const rotated = client.dataloopClient(settings, async () => JSON.stringify({ apiKey: secrets.shift() }));
    dataloopAnswers(refused(401, 'revoked'), json(flat));
    await client.createDriver(rotated)(wanted);
    expect(sent.at(-1)).toMatchObject({
      headers: { authorization: `Bearer ${other}` },
      body: { ...payload, creator: 'successor@example.com' },
    });
  });

  test('is created once, even where the answer is lost', async () => {
    dataloopAnswers(refused(504, 'Gateway time-out'));
    await expect(client.createDriver(dataloop)(wanted)).rejects.toMatchObject({
      name: 'DataloopUnavailableError',
    });
    expect(sent).toHaveLength(1);
  });

  test('whose name is taken is not created, and says what to do', async () => {
    for (const answer of [refused(400, 'Driver name already in use'), refused(409, 'already exists')]) {
      dataloopAnswers(answer);
      const creating = client.createDriver(dataloop)(wanted);
      await expect(creating).rejects.toMatchObject({ name: 'DriverNameTakenError', retryable: false });
      await expect(creating).rejects.toThrow('Choose another dataloop.driverName, or delete');
    }
    dataloopAnswers(refused(409, 'Conflict'));
    await expect(client.createDriver(dataloop)(wanted)).rejects.toMatchObject({
      name: 'DataloopRequestRefusedError',
    });
  });

  test('is tested with the same payload before there is one', async () => {
    dataloopAnswers(noContent);
    await expect(client.testDriver(dataloop)(wanted)).resolves.toBe('passed');
    expect(sent).toMatchObject([{ method: 'POST', url: `${api}/drivers/test` }]);
    expect(sent[0]?.body).toEqual(payload);
  });

  test.each([
    [404, 1],
    [405, 1],
    [501, 3],
  ])('is not tested before there is one where that is not offered (%i)', async (status, calls) => {
    dataloopAnswers(refused(status, 'Cannot POST /drivers/test'));
    await expect(client.testDriver(dataloop)(wanted)).resolves.toBe('not offered');
    expect(sent).toHaveLength(calls);
  });

  test('is tested by its id once there is one', async () => {
    dataloopAnswers(noContent);
    await client.verifyDriver(dataloop)('d-1');
    expect(sent).toMatchObject([{ method: 'GET', url: `${api}/drivers/d-1/test` }]);
  });

  test.each([
    ['before', () => client.testDriver(dataloop)(wanted), 'dataloop-acme'],
    ['after', () => client.verifyDriver(dataloop)('d-1'), 'd-1'],
  ])("a test that fails %s its creation gives Dataloop's reason", async (_when, run, named) => {
    dataloopAnswers(refused(424, 'Failed to validate permissions: PutObject was refused'));
    const testing = run();
    await expect(testing).rejects.toMatchObject({ name: 'DriverTestFailedError', retryable: true });
    await expect(testing).rejects.toThrow('PutObject was refused');
    await expect(testing).rejects.toThrow(named);
  });

  test('a test that Dataloop does not answer says nothing about the bucket', async () => {
    dataloopAnswers(refused(503, 'busy'));
    await expect(client.testDriver(dataloop)(wanted)).rejects.toMatchObject({
      name: 'DataloopUnavailableError',
    });
  });

  test('is found among those of its project, with or without an integration', async () => {
    dataloopAnswers(json([flat, { id: 'd-2', name: 'default', integrationId: null }]));
    await expect(client.listDrivers(dataloop)('project-1')).resolves.toEqual([
      { id: 'd-1', name: 'acme-images', dataloopIntegrationId: 'i-1', bucketName: 'dataloop-acme' },
      { id: 'd-2', name: 'default', dataloopIntegrationId: undefined },
    ]);
    expect(sent[0]?.url).toBe(`${api}/drivers?projectId=project-1`);
  });

  test('is found among others of any shape, and on pages', async () => {
    const others = [
      null,
      { id: 1, name: 'gcs', type: 'gcs', integrationId: 'i-2', path: 4 },
      { id: 'd-3', name: 'theirs', type: 's3', integrationId: 'i-2', path: {} },
      { id: 'd-4', name: 'acme-images', type: 's3', integrationId: 'i-2', allowExternalDelete: 'yes' },
    ];
    dataloopAnswers(json({ items: others, hasNextPage: true }), json({ items: [flat], hasNextPage: false }));
    const concern = { id: 'd-1', name: 'acme-images', dataloopIntegrationId: 'i-1' };
    const found = await client.listDrivers(dataloop)('project-1', concern);
    expect(found.map(({ id }) => id)).toEqual(['d-1']);
    expect(sent[1]?.url).toBe(`${api}/drivers?projectId=project-1&pageOffset=1`);
  });

  test.each([
    ['its id', { id: 'd-1', name: 'other' }, { ...flat, path: 4 }],
    [
      'its name',
      { name: 'acme-images', dataloopIntegrationId: 'i-1' },
      { ...flat, id: 4, integrationId: null },
    ],
    ['the integration that it is on', { dataloopIntegrationId: 'i-1' }, { ...flat, type: 'gcs', path: 4 }],
  ])('that cannot be read stops whoever looks for %s', async (_what, concern, unreadable) => {
    dataloopAnswers(json([unreadable]));
    await expect(client.listDrivers(dataloop)('project-1', concern)).rejects.toMatchObject({
      name: 'DataloopAnswerError',
      message: expect.stringMatching(/not as documented for "acme-images".* \((path|id)\)/),
    });
    await expect(client.listDrivers(dataloop)('project-1')).resolves.toEqual([]);
  });

  test('is none where its project is gone', async () => {
    dataloopAnswers(refused(404, 'Project not found'));
    await expect(client.listDrivers(dataloop)('project-1')).resolves.toEqual([]);
    expect(sent).toHaveLength(1);
  });

  test.each([
    ['may not be listed', refused(403, 'no access'), 'DataloopForbiddenError'],
    ['cannot be listed now', refused(503, 'busy'), 'DataloopUnavailableError'],
  ])('is not taken for missing where those of its project %s', async (_why, answer, name) => {
    dataloopAnswers(answer);
    await expect(client.listDrivers(dataloop)('project-1')).rejects.toMatchObject({ name });
  });

  test('is deleted; one that is gone counts as deleted', async () => {
    dataloopAnswers(noContent, refused(404, 'not found'));
    const deleteDriver = client.deleteDriver(dataloop);
    await expect(deleteDriver('d-1')).resolves.toBeUndefined();
    await expect(deleteDriver('d-1')).resolves.toBeUndefined();
    expect(sent[0]).toMatchObject({ method: 'DELETE', url: `${api}/drivers/d-1` });
  });
});

describe('options of the deployment', () => {
  const withOptions = (options: NonNullable<DataloopSettings['options']>, secret: object = { apiKey }) =>
    client.dataloopClient({ ...settings, options }, async () => JSON.stringify(secret));
  const wanted = {
    name: 'acme',
    dataloopIntegrationId: 'i-1',
    projectId: 'project-1',
    bucketName: 'dataloop-acme',
    region: 'eu-west-1',
    path: 'raw',
    allowExternalDelete: true,
  };

  test('may have the log-in at another gate', async () => {
    dataloopAnswers(json({ id_token: apiKey }), json({ id: 'project-1' }));
    const dataloop = withOptions(
      { gateUrl: 'https://login.dataloop.test' },
      { username: 'owner@example.com', password: 'correct-horse' },
    );
    await client.getProject(dataloop)('project-1');
    expect(sent.map(({ url }) => url)).toEqual([
      'https://login.dataloop.test/token?default',
      `${api}/projects/project-1`,
    ]);
  });

  test.each([
    ['folder', 'raw'],
    ['folder/', 'raw/'],
    ['/folder', '/raw'],
    ['/folder/', '/raw/'],
  ] as const)(
    'may write a folder as %s; the whole bucket stays the whole bucket',
    async (pathStyle, path) => {
      dataloopAnswers(noContent);
      const test = client.testDriver(withOptions({ pathStyle }));
      await test(wanted);
      await test({ ...wanted, path: '' });
      expect(sent.map(({ body }) => body)).toMatchObject([{ payload: { path } }, { payload: { path: '' } }]);
    },
  );

  test('may give drivers a storage class and external modification', async () => {
    dataloopAnswers(noContent);
    await client.testDriver(withOptions({ storageClass: 'IA', allowExternalModification: false }))(wanted);
    expect(sent[0]?.body).toMatchObject({
      payload: { storageClass: 'IA' },
      allowExternalModification: false,
    });
    await client.testDriver(withOptions({}))(wanted);
    expect(sent[1]?.body).not.toHaveProperty('allowExternalModification');
  });

  test('may count other states of an integration as trusted, or as waiting', async () => {
    const options = { trustedStatuses: ['trusted'], waitingStatuses: ['waiting', 'waiting-trust'] };
    const states = ['trusted', 'waiting', 'waiting-trust', 'trust-established', 'broken'];
    const metadata = (value: string) => [{ name: 'status', value }];
    dataloopAnswers(...states.map((value) => json({ id: 'i-1', name: 'acme', metadata: metadata(value) })));
    const read = client.getIntegration(withOptions(options));
    const found: (string | undefined)[] = [];
    for (const _state of states) found.push((await read('org-1', 'i-1'))?.trustStatus);
    expect(found).toEqual([
      'trust-established',
      'waiting-trust',
      'waiting-trust',
      'trust-established (not counted)',
      'broken',
    ]);
  });

  test('may have another limit of integrations, which the message names', async () => {
    dataloopAnswers(refused(400, 'limit reached'));
    const creating = client.createIntegration(withOptions({ integrationLimit: 40 }))('org-1', 'acme');
    await expect(creating).rejects.toThrow('(40 by default)');
  });

  test('may give long calls another time', async () => {
    dataloopAnswers(noContent);
    const timeout = jest.spyOn(AbortSignal, 'timeout');
    await client.verifyDriver(withOptions({ answerSeconds: 12 }))('d-1');
    expect(timeout.mock.calls).toEqual([[12_000]]);
  });
});
