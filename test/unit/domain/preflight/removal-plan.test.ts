import { describe, expect, test } from '@jest/globals';
import type { Bound } from '../../../../src/deadline.ts';
import { removalPlanSchema } from '../../../../src/domain/api/responses.ts';
import type { JournalRecord } from '../../../../src/domain/model/record.ts';
import { planRemoval } from '../../../../src/domain/preflight/removal-plan.ts';
import { ServiceError } from '../../../../src/errors.ts';
import { addedTo, driverIdOf, driverRecord } from '../fake-access.ts';
import { integrationId, recordOf, thrownBy } from '../fakes.ts';

type RemovalReads = Parameters<typeof planRemoval>[2];

const unbound: Bound = (_what, work) => work;
const added = driverRecord(driverIdOf(1), addedTo('dataloop-b'), {
  status: 'ready',
  resources: {
    bucket: { state: 'created', arn: 'arn:aws:s3:::dataloop-b', region: 'eu-west-1' },
    access: { state: 'created', arn: 'arn:policy', origin: 'adopted' },
    driver: { state: 'created', id: 'added', name: 'dataloop-b' },
  },
});
const integration = recordOf({
  status: 'ready',
  addedBuckets: { [added.id]: addedTo('dataloop-b') },
  resources: {
    bucket: { state: 'created', arn: 'arn:aws:s3:::dataloop-acme', region: 'eu-west-1' },
    role: { state: 'created', arn: 'arn:role', origin: 'adopted' },
    policy: { state: 'created', arn: 'arn:policy' },
    dataloopIntegration: { state: 'created', id: 'dl-1', origin: 'adopted' },
    driver: { state: 'created', id: 'own', name: 'acme' },
  },
});

async function planOf(
  more: Partial<RemovalReads> = {},
  wanted: { driverId?: string; record?: JournalRecord } = {},
) {
  const { record = integration, driverId } = wanted;
  const reads: RemovalReads = {
    read: async (id) => [record, added].find((each) => each.id === id),
    readRecords: async (ids) => [added].filter(({ id }) => ids.includes(id)),
    listDrivers: async () => [],
    listDriversOf: async () => [],
    countDrivers: async () => 0,
    listDatasets: async () => [],
    countItems: async () => 0,
    hasObjects: async () => false,
    ...more,
  };
  const plan = await planRemoval(
    { integrationId, ...(driverId === undefined ? {} : { driverId }) },
    '111111111111',
    reads,
    unbound,
  );
  expect(removalPlanSchema.parse(plan)).toEqual(plan);
  return plan;
}
const actionsOf = ({ resources }: Awaited<ReturnType<typeof planOf>>) =>
  resources.map(({ action, arn, id }) => [action, arn ?? id]);

describe('the plan of a removal', () => {
  test('says what becomes of everything, also of added buckets', async () => {
    const plan = await planOf();
    expect(plan).toMatchObject({ clear: true, datasets: [], foreignDrivers: [], findings: [] });
    expect(actionsOf(plan)).toEqual([
      ['delete', 'arn:aws:s3:::dataloop-acme'],
      ['delete', 'arn:policy'],
      ['restore', 'arn:role'],
      ['leave', 'dl-1'],
      ['delete', 'own'],
      ['delete', 'arn:aws:s3:::dataloop-b'],
      ['change', 'arn:policy'],
      ['delete', 'added'],
    ]);
  });

  test('names at once datasets and drivers of others, as DELETE would refuse them', async () => {
    const plan = await planOf({
      listDatasets: async () => [{ id: 'set', name: 'Set', driverId: 'added' }],
      listDriversOf: async () => [
        { id: 'x', name: 'X', dataloopIntegrationId: 'dl-1', projectId: 'project-9' },
      ],
      countDrivers: async () => 3,
    });
    expect(plan).toMatchObject({
      clear: false,
      datasets: [{ id: 'set', name: 'Set', projectId: 'project-1', driverId: 'added' }],
      foreignDrivers: [{ id: 'x', name: 'X', projectId: 'project-9' }],
      foreignDriversElsewhere: 2,
    });
    expect(plan.findings.map(({ severity, type }) => [severity, type.split(':').at(-1)])).toEqual([
      ['error', 'foreign-drivers'],
      ['error', 'datasets-in-use'],
    ]);
  });

  test('says that a bucket with objects stays, which holds nothing up', async () => {
    const plan = await planOf({ hasObjects: async ({ name }) => name === 'dataloop-b' });
    expect(plan.clear).toBe(true);
    expect(actionsOf(plan)).toContainEqual(['leave', 'arn:aws:s3:::dataloop-b']);
    expect(actionsOf(plan)).toContainEqual(['delete', 'arn:aws:s3:::dataloop-acme']);
    expect(plan.findings).toMatchObject([
      { severity: 'warning', resource: { arn: 'arn:aws:s3:::dataloop-b' } },
    ]);
  });

  test('is not clear where Dataloop does not answer', async () => {
    const down = () => Promise.reject(new ServiceError('DataloopUnavailableError', 'down'));
    const plan = await planOf({ listDatasets: down, countDrivers: down });
    expect([plan.clear, plan.findings.map(({ severity }) => severity)]).toEqual([
      false,
      ['unknown', 'unknown'],
    ]);
  });

  test('of an added bucket is about it alone', async () => {
    const plan = await planOf(
      {
        listDatasets: async () => [{ id: 'set', name: 'Set', driverId: 'own' }],
        countDrivers: async () => 9,
      },
      { driverId: added.id },
    );
    expect(plan).toMatchObject({ driverId: added.id, clear: true, foreignDriversElsewhere: 0 });
    expect(actionsOf(plan)).toHaveLength(3);
  });

  test('asks Dataloop nothing of what is still being set up, or is gone', async () => {
    const never = () => Promise.reject(new Error('asked'));
    for (const status of ['provisioning', 'rolling-back', 'removing', 'removed', 'failed'] as const) {
      const record = recordOf({ status });
      const plan = await planOf(
        { listDatasets: never, listDrivers: never, countDrivers: never, hasObjects: never },
        { record },
      );
      expect(plan).toMatchObject({ status, clear: true, resources: [] });
    }
  });

  test('is of something that exists', async () => {
    const unknown = planOf({}, { driverId: driverIdOf(2) });
    expect((await thrownBy(unknown)).name).toBe('DriverNotFoundError');
  });
});
