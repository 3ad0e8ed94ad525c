import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { client, dataloopAnswers, json, refused, sent, token } from './fake-dataloop.ts';

const { listDatasets, listDriversOf, mostPages } = await import(
  '../../../../src/clients/dataloop/datasets.ts'
);

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
