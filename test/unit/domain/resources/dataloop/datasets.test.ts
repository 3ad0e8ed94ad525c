import { describe, expect, test } from '@jest/globals';
import type { Bound } from '../../../../../src/deadline.ts';
import type { JournalRecord } from '../../../../../src/domain/model/record.ts';
import type { Dataset } from '../../../../../src/domain/resources/dataloop/api.ts';
import {
  refuseDatasetsOfBucket,
  refuseDatasetsOfIntegration,
} from '../../../../../src/domain/resources/dataloop/datasets.ts';
import { ServiceError } from '../../../../../src/errors.ts';
import { addedTo, driverIdOf, driverRecord } from '../../fake-access.ts';
import { recordOf, thrownBy } from '../../fakes.ts';

type DatasetReads = Parameters<typeof refuseDatasetsOfIntegration>[1];

const unbound: Bound = (_what, work) => work;
const role = { state: 'created', arn: 'arn:role' } as const;
const integrationWith = (more: Partial<JournalRecord> = {}) =>
  recordOf({
    status: 'ready',
    addedBuckets: { [driverIdOf(1)]: addedTo('dataloop-b') },
    resources: { role, driver: { state: 'created', id: 'own', name: 'acme' } },
    ...more,
  });
const elsewhere = addedTo('dataloop-b');
const addedWith = (more: Partial<JournalRecord> = {}) =>
  driverRecord(
    driverIdOf(1),
    { ...elsewhere, dataloop: { ...elsewhere.dataloop, projectId: 'project-2' } },
    {
      status: 'ready',
      resources: { driver: { state: 'created', id: 'added', name: 'dataloop-b' } },
      ...more,
    },
  );
const dataset = (id: string, driverId?: string): Dataset => ({ id, name: `name of ${id}`, driverId });

function readsOf(projects: Readonly<Record<string, readonly Dataset[]>>) {
  const asked: string[] = [];
  const reads: DatasetReads = {
    readRecords: async (ids) => [addedWith()].filter(({ id }) => ids.includes(id)),
    listDatasets: async (projectId) => {
      asked.push(projectId);
      return projects[projectId] ?? [];
    },
    countItems: async (id) => (id === 'full' ? 3 : 0),
  };
  return { reads, asked };
}

describe('removing an integration', () => {
  const refusing = (reads: DatasetReads, record = integrationWith()) =>
    refuseDatasetsOfIntegration(record, reads, unbound);

  test('is refused while datasets use its driver or that of an added bucket, each of which is named', async () => {
    const { reads } = readsOf({
      'project-1': [dataset('a', 'own'), dataset('b'), dataset('c', 'other')],
      'project-2': [dataset('d', 'added')],
    });
    expect(await thrownBy(refusing(reads))).toMatchObject({
      name: 'DatasetsInUseError',
      message:
        'Datasets at Dataloop use this storage: "name of a" (a, project project-1), "name of d" (d, project project-2). ' +
        "They would lose access to their items. Delete them in Dataloop's console first, or send DELETE with ?force=true. " +
        'Nothing was removed.',
    });
  });

  test('is not refused for datasets on other drivers, or on none', async () => {
    const { reads, asked } = readsOf({ 'project-1': [dataset('b'), dataset('c', 'other')] });
    await expect(refusing(reads)).resolves.toBeUndefined();
    expect(asked.sort()).toEqual(['project-1', 'project-2']);
  });

  test('is refused with what to do, however many datasets there are', async () => {
    const all = Array.from({ length: 5_000 }, (_each, index) => dataset(`d-${index}`, 'own'));
    const { message } = await thrownBy(refusing(readsOf({ 'project-1': all }).reads));
    expect(message).toContain('(d-9, project project-1), 4990 more. They would');
    expect(message).toMatch(/ Nothing was removed\.$/);
  });

  test.each(['listDatasets', 'readRecords'] as const)('is held up where %s does not answer', async (read) => {
    const down = new ServiceError('DataloopForbiddenError', 'The user lacks a role.');
    const reads = { ...readsOf({}).reads, [read]: () => Promise.reject(down) };
    expect(await thrownBy(refusing(reads))).toMatchObject({
      name: 'DatasetsUnknownError',
      message: expect.stringMatching(/lacks a role\. .*\?force=true\. Nothing was removed\.$/),
      cause: down,
    });
  });

  test.each<[string, Partial<JournalRecord>]>([
    ['access has ended', { status: 'residue', resources: { role: { ...role, state: 'gone' } } }],
    ['there never was a role', { status: 'residue', resources: {} }],
  ])('asks nobody where %s: nothing more is cut off', async (_what, more) => {
    const { reads, asked } = readsOf({ 'project-1': [dataset('a', 'own')] });
    await expect(refusing(reads, integrationWith(more))).resolves.toBeUndefined();
    expect(asked).toEqual([]);
  });

  test('asks again where a leftover still gives access', async () => {
    const { reads } = readsOf({ 'project-1': [dataset('a', 'own')] });
    expect((await thrownBy(refusing(reads, integrationWith({ status: 'residue' })))).name).toBe(
      'DatasetsInUseError',
    );
  });
});

describe('removing an added bucket', () => {
  test('is refused while datasets use its driver, and not for those of the integration', async () => {
    const { reads, asked } = readsOf({ 'project-2': [dataset('d', 'added'), dataset('a', 'own')] });
    const refused = await thrownBy(refuseDatasetsOfBucket(addedWith(), reads, unbound));
    expect(refused.message).toContain('use this storage: "name of d" (d, project project-2). They');
    expect(asked).toEqual(['project-2']);
  });

  test('asks nobody where its driver is gone, or its access', async () => {
    const { reads, asked } = readsOf({ 'project-2': [dataset('d', 'added')] });
    const gone = addedWith({ resources: { driver: { state: 'gone', id: 'added' } } });
    const revoked = addedWith({ status: 'residue', resources: { access: { state: 'gone' } } });
    for (const each of [gone, revoked]) await refuseDatasetsOfBucket(each, reads, unbound);
    expect(asked).toEqual([]);
  });
});
