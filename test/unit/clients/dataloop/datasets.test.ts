import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { client, dataloopAnswers, json, noContent, refused, sent, token } from './fake-dataloop.ts';

const {
  countItems,
  createDataset,
  deleteDataset,
  getSyncCommand,
  listDatasets,
  listDriversOf,
  mostPages,
  syncDataset,
} = await import('../../../../src/clients/dataloop/datasets.ts');

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
const page = (items: unknown[], hasNextPage = false) => json({ items, hasNextPage });

describe('the datasets of a project', () => {
  test('are asked for page by page, as Dataloop’s own client does', async () => {
    dataloopAnswers(page([{ id: 'a', name: 'A', driver: 'driver-1' }], true), page([{ id: 'b', name: 'B' }]));
    expect(await listDatasets(dataloop)('project-1')).toEqual([
      { id: 'a', name: 'A', driverId: 'driver-1' },
      { id: 'b', name: 'B', driverId: undefined },
    ]);
    expect(sent.map(({ method, url, body }) => [method, url, body])).toEqual(
      [0, 1].map((number) => [
        'POST',
        'https://gate.dataloop.test/api/v1/datasets/query',
        {
          filter: { $and: [] },
          page: number,
          pageSize: 1_000,
          resource: 'datasets',
          context: { projects: ['project-1'] },
        },
      ]),
    );
  });

  test.each([
    ['none', null, undefined],
    ['none, in words', '', undefined],
    ['an object', { id: 'driver-1' }, 'driver-1'],
  ])('may say of the driver %s', async (_what, driver, driverId) => {
    dataloopAnswers(page([{ id: 'a', name: null, driver }]));
    expect(await listDatasets(dataloop)('project-1')).toEqual([{ id: 'a', name: '', driverId }]);
  });

  test('are none in a project that is gone', async () => {
    dataloopAnswers(refused(404, 'not found'));
    expect(await listDatasets(dataloop)('project-1')).toEqual([]);
  });

  test('are not known where the project is there, and only its datasets are not found', async () => {
    dataloopAnswers(refused(404, 'Cannot POST /datasets/query'), json({ id: 'project-1', org: 'org-1' }));
    await expect(listDatasets(dataloop)('project-1')).rejects.toMatchObject({
      name: 'DataloopAnswerError',
      message: expect.stringContaining('the project is there'),
    });
    expect(sent.map(({ url }) => url)).toEqual(
      ['datasets/query', 'projects/project-1'].map((path) => `https://gate.dataloop.test/api/v1/${path}`),
    );
  });

  test('are not known where one says something else of its driver, or where there is no end', async () => {
    dataloopAnswers(page([{ id: 'a', driver: 7 }]));
    await expect(listDatasets(dataloop)('project-1')).rejects.toMatchObject({ name: 'DataloopAnswerError' });
    dataloopAnswers(page([], true));
    await expect(listDatasets(dataloop)('project-1')).rejects.toMatchObject({
      name: 'DataloopAnswerError',
      message: expect.stringContaining('20000'),
    });
    expect(sent).toHaveLength(mostPages);
  });
});

test('the drivers of an integration are named with their projects, and others are left out', async () => {
  dataloopAnswers(
    json([
      { id: 'x', name: 'X', integrationId: 'int-1', metadata: { system: { projectId: 'project-9' } } },
      { id: 'y', name: 'Y', integrationId: 'int-1' },
      { id: 'z', name: 'Z', integrationId: 'int-2' },
      { of: 'another shape' },
    ]),
  );
  expect(await listDriversOf(dataloop)('int-1')).toMatchObject([
    { id: 'x', projectId: 'project-9' },
    { id: 'y' },
  ]);
  expect(sent[0]?.url).toBe('https://gate.dataloop.test/api/v1/drivers?integrationId=int-1');
});

test('the drivers of an integration are named in pages, too', async () => {
  const driver = (id: string) => ({ id, name: id, integrationId: 'int-1' });
  dataloopAnswers(page([driver('x')], true), page([driver('y')]));
  expect((await listDriversOf(dataloop)('int-1')).map(({ id }) => id)).toEqual(['x', 'y']);
  expect(sent[1]?.url).toMatch(/\/drivers\?integrationId=int-1&pageOffset=1$/);
});

describe('the dataset of a request', () => {
  const wanted = { name: 'Images', projectId: 'project-1', driverId: 'driver-1' };

  test('is created as Dataloop’s own client does it, with all that its answers need to have', async () => {
    dataloopAnswers(
      json({ id: 'a', name: 'Images', driver: 'driver-1', createdAt: 1_600_000_000_000, org: { id: 1 } }),
    );
    expect(await createDataset(dataloop)(wanted)).toEqual({ id: 'a', name: 'Images', driverId: 'driver-1' });
    expect(sent[0]).toMatchObject({
      method: 'POST',
      url: 'https://gate.dataloop.test/api/v1/datasets',
      body: { name: 'Images', projects: ['project-1'], createDefaultRecipe: true, driver: 'driver-1' },
    });
  });

  test.each([400, 409])('has a name that is taken where Dataloop says so with %i', async (status) => {
    dataloopAnswers(refused(status, 'Dataset with name Images already exists'));
    await expect(createDataset(dataloop)(wanted)).rejects.toMatchObject({ name: 'DatasetNameTakenError' });
  });

  test('is not created twice where the answer is lost or cannot be read', async () => {
    dataloopAnswers(refused(503, 'busy'));
    await expect(createDataset(dataloop)(wanted)).rejects.toMatchObject({ name: 'DataloopUnavailableError' });
    expect(sent).toHaveLength(1);
    dataloopAnswers(noContent);
    await expect(createDataset(dataloop)(wanted)).rejects.toMatchObject({ name: 'DataloopAnswerError' });
  });

  test.each([
    ['created', 'running'],
    ['in-progress', 'running'],
    ['making-children', 'running'],
    ['a status of tomorrow', 'running'],
    [7, 'running'],
    ['success', 'succeeded'],
    ['failed', 'failed'],
    ['timeout', 'failed'],
    ['canceled', 'failed'],
    ['aborted', 'failed'],
  ])('has a command whose status %s means %s', async (status, meaning) => {
    dataloopAnswers(json({ id: 'c', status, progress: 3, createdAt: 7 }));
    expect(await getSyncCommand(dataloop)('c')).toMatchObject({ id: 'c', status: meaning });
  });

  test.each([
    ['a text', 'no access', 'failed: no access'],
    ['an object', { message: 'no access', stack: [] }, 'failed: no access'],
    ['nothing', undefined, 'failed: no reason given'],
    ['a number', 7, 'failed: no reason given'],
  ])('tells why it failed, by %s', async (_what, error, reason) => {
    dataloopAnswers(json({ id: 'c', status: 'failed', error }));
    expect((await getSyncCommand(dataloop)('c')).reason).toBe(reason);
  });

  test.each([
    ['no body', noContent],
    ['no id', json({ status: 'created' })],
    ['an id that is none', json({ id: 7, status: 'created' })],
    ['a list', json([])],
    ['true', json(true)],
  ])('may be synced with an answer of %s', async (_what, answer) => {
    dataloopAnswers(answer);
    expect(await syncDataset(dataloop)('a')).toMatchObject({ id: undefined, status: 'running' });
  });

  test('has a command that need not show at once', async () => {
    dataloopAnswers(refused(404, 'not found'));
    expect(await getSyncCommand(dataloop)('c')).toMatchObject({ id: 'c', status: 'running' });
  });

  test('is counted by its files, and never by what is not a number of them', async () => {
    dataloopAnswers(json({ totalItemsCount: 3, items: [{}], hasNextPage: true }));
    expect(await countItems(dataloop)('a')).toBe(3);
    expect(sent[0]).toMatchObject({
      method: 'POST',
      url: 'https://gate.dataloop.test/api/v1/datasets/a/query',
      body: {
        filter: { $and: [{ hidden: false }, { type: 'file' }] },
        page: 0,
        pageSize: 1,
        resource: 'items',
      },
    });
    for (const odd of [json({ items: [] }), json({ totalItemsCount: '0' }), noContent]) {
      dataloopAnswers(odd);
      await expect(countItems(dataloop)('a')).rejects.toMatchObject({ name: 'DataloopAnswerError' });
    }
    dataloopAnswers(refused(404, 'not found'));
    await expect(countItems(dataloop)('a')).rejects.toMatchObject({ name: 'DataloopNotFoundError' });
  });

  test('may be gone before it is deleted', async () => {
    dataloopAnswers(refused(404, 'not found'));
    await deleteDataset(dataloop)('a');
    expect(sent[0]).toMatchObject({ method: 'DELETE', url: 'https://gate.dataloop.test/api/v1/datasets/a' });
  });
});
