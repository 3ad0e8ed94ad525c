import { describe, expect, test } from '@jest/globals';
import type { Bound } from '../../../../../src/deadline.ts';
import type { JournalRecord, ResourceRecord } from '../../../../../src/domain/model/record.ts';
import type { Driver } from '../../../../../src/domain/resources/dataloop/api.ts';
import {
  refuseForeignDrivers,
  refuseForeignDriversOfBucket,
} from '../../../../../src/domain/resources/dataloop/foreign-drivers.ts';
import { ServiceError } from '../../../../../src/errors.ts';
import { addedTo, driverIdOf, driverRecord, parent } from '../../fake-access.ts';
import { recordOf, thrownBy } from '../../fakes.ts';

type DriverReads = Parameters<typeof refuseForeignDrivers>[1];

const dataloopId = parent.dataloopIntegrationId;
const unbound: Bound = (_what, work) => work;
const driver = (id: string, more: Partial<Driver> = {}): Driver => ({
  id,
  name: `name of ${id}`,
  dataloopIntegrationId: dataloopId,
  ...more,
});

/** The integration with its own driver in project-1, and one that was added to it in project-2. */
const own: ResourceRecord = { state: 'created', id: 'own', name: 'acme' };
const integrationWith = (more: JournalRecord['resources'] = {}) =>
  recordOf({
    status: 'ready',
    addedBuckets: { [driverIdOf(1)]: addedTo('dataloop-b') },
    resources: { dataloopIntegration: { state: 'created', id: dataloopId }, driver: own, ...more },
  });
const addedWith = (resource: ResourceRecord | undefined) => {
  const added = addedTo('dataloop-b');
  return driverRecord(
    driverIdOf(1),
    { ...added, dataloop: { ...added.dataloop, projectId: 'project-2' } },
    { status: 'ready', resources: resource ? { driver: resource } : {} },
  );
};
const added = addedWith({ state: 'created', id: 'added', name: 'dataloop-b' });

function readsOf(
  projects: Readonly<Record<string, readonly Driver[]>>,
  count?: number,
  records: readonly JournalRecord[] = [added],
) {
  const asked: string[] = [];
  const reads: DriverReads = {
    readRecords: async (ids) => records.filter(({ id: integrationId }) => ids.includes(integrationId)),
    listDrivers: async (projectId) => {
      asked.push(projectId);
      return projects[projectId] ?? [];
    },
    // A Dataloop that names nothing there.
    listDriversOf: async () => [],
    countDrivers: async (id) => {
      asked.push(id);
      const all = Object.values(projects).flat();
      return count ?? all.filter(({ dataloopIntegrationId: integrationId }) => integrationId === id).length;
    },
  };
  return { reads, asked };
}

const ours = { 'project-1': [driver('own')], 'project-2': [driver('added')] };

describe('removing an integration', () => {
  const refusing = (reads: DriverReads, record = integrationWith()) =>
    refuseForeignDrivers(record, reads, unbound);

  test('is not refused where all drivers are ours, in whatever projects', async () => {
    const { reads, asked } = readsOf(ours);
    await expect(refusing(reads)).resolves.toBeUndefined();
    expect(asked.sort()).toEqual([dataloopId, 'project-1', 'project-2']);
  });

  test('is refused where others made drivers, each of which is named', async () => {
    const { reads } = readsOf({
      'project-1': [driver('own'), driver('x', { name: 'By hand' })],
      'project-2': [driver('added'), driver('y')],
    });
    expect(await thrownBy(refusing(reads))).toMatchObject({
      name: 'ForeignDriversError',
      message:
        `Drivers that this service did not create use the integration ${dataloopId} at Dataloop: ` +
        '"By hand" (x, project project-1), "name of y" (y, project project-2). They would lose their storage. ' +
        "Delete them in Dataloop's console first, or send DELETE with ?force=true. Nothing was removed.",
    });
  });

  test('is refused with what to do, however many drivers others made', async () => {
    const theirs = Array.from({ length: 5_000 }, (_each, index) =>
      driver(`d-${index}`, { name: 'n'.repeat(200) }),
    );
    const { message } = await thrownBy(refusing(readsOf({ 'project-1': [driver('own'), ...theirs] }).reads));
    expect(message).toContain('(d-9, project project-1), 4990 more. They would lose their storage.');
    expect(message).toMatch(/ Nothing was removed\.$/);
    expect(message.length).toBeLessThan(3_000);
  });

  test('is refused where Dataloop counts more drivers than can be seen', async () => {
    expect(await thrownBy(refusing(readsOf(ours, 4).reads))).toMatchObject({
      name: 'ForeignDriversError',
      message: expect.stringContaining('at Dataloop: 2 in other projects. They'),
    });
    const some = { ...ours, 'project-1': [driver('own'), driver('x')] };
    expect((await thrownBy(refusing(readsOf(some, 4).reads))).message).toContain(
      '"name of x" (x, project project-1), and 1 in other projects.',
    );
  });

  test('is refused with the names of drivers in other projects, if Dataloop tells them', async () => {
    const reads = {
      ...readsOf(ours, 4).reads,
      listDriversOf: async () => [
        driver('own'),
        driver('x', { name: 'Far', projectId: 'project-9' }),
        driver('y', { name: 'Nowhere' }),
      ],
    };
    expect((await thrownBy(refusing(reads))).message).toContain(
      'at Dataloop: "Far" (x, project project-9), "Nowhere" (y). They',
    );
    // A Dataloop that refuses to tell is asked as before; one that is down is asked again.
    for (const [name, said] of [
      ['DataloopRequestRefusedError', '2 in other projects'],
      ['DataloopUnavailableError', 'down'],
    ] as const) {
      const refused = () => Promise.reject(new ServiceError(name, 'down'));
      const { message } = await thrownBy(refusing({ ...readsOf(ours, 4).reads, listDriversOf: refused }));
      expect(message).toContain(said);
    }
  });

  test('is not refused for drivers of ours of which Dataloop does not say on which integration they are', async () => {
    const silent = { dataloopIntegrationId: undefined };
    const { reads } = readsOf(
      { 'project-1': [driver('own', silent)], 'project-2': [driver('added', silent)] },
      2,
    );
    await expect(refusing(reads)).resolves.toBeUndefined();
  });

  test('is not refused for drivers of other integrations, nor for a count that is behind', async () => {
    const others = {
      'project-1': [driver('own'), driver('x', { dataloopIntegrationId: 'dataloop-9' })],
      'project-2': [driver('added'), driver('y', { dataloopIntegrationId: undefined })],
    };
    await expect(refusing(readsOf(others).reads)).resolves.toBeUndefined();
    await expect(refusing(readsOf(ours, 1).reads)).resolves.toBeUndefined();
    // Nor does such a count hide one that is seen.
    const some = { ...ours, 'project-1': [driver('own'), driver('x')] };
    expect((await thrownBy(refusing(readsOf(some, 2).reads))).message).toContain(
      '(x, project project-1). They',
    );
  });

  test.each<[string, JournalRecord['resources']]>([
    ['was never made', { dataloopIntegration: { state: 'intended', name: 'acme' } }],
    ['is gone', { dataloopIntegration: { state: 'gone', id: dataloopId } }],
  ])('asks nobody where the integration at Dataloop %s', async (_what, resources) => {
    const { reads, asked } = readsOf({ 'project-1': [driver('x')] });
    await expect(refusing(reads, integrationWith(resources))).resolves.toBeUndefined();
    expect(asked).toEqual([]);
  });

  test.each<[string, ResourceRecord]>([
    ['whose id was never learned', { state: 'intended', name: 'dataloop-b' }],
    ['that was made twice', { state: 'created', id: 'added', name: 'dataloop-b', madeAgain: true }],
  ])('is not refused for a driver of ours %s', async (_what, resource) => {
    const found = {
      'project-1': [driver('own')],
      'project-2': [driver('added', { name: 'dataloop-b' }), driver('again', { name: 'dataloop-b' })],
    };
    const { reads } = readsOf(found, undefined, [addedWith(resource)]);
    await expect(refusing(reads)).resolves.toBeUndefined();
    // Nobody of ours made one of its name on another bucket.
    const others = {
      ...found,
      'project-1': [driver('own')],
      'project-2': [
        driver('ours', { name: 'dataloop-b', bucketName: 'dataloop-b' }),
        driver('x', { name: 'dataloop-b', bucketName: 'theirs' }),
      ],
    };
    const refused = await thrownBy(refusing(readsOf(others, undefined, [addedWith(resource)]).reads));
    expect(refused.message).toContain('at Dataloop: "dataloop-b" (x, project project-2). They');
  });

  test('is refused for a driver that has the name of ours, which is known or gone, or in another project', async () => {
    const found = { ...ours, 'project-2': [driver('added'), driver('x', { name: 'dataloop-b' })] };
    expect((await thrownBy(refusing(readsOf(found).reads))).message).toContain('(x, project project-2)');
    const gone = readsOf(found, undefined, [addedWith({ state: 'gone', name: 'dataloop-b' })]);
    expect((await thrownBy(refusing(gone.reads))).message).toContain('(x, project project-2)');
    const elsewhere = readsOf(
      { ...ours, 'project-1': [driver('own'), driver('x', { name: 'dataloop-b' })] },
      undefined,
      [addedWith({ state: 'intended', name: 'dataloop-b' }), added],
    );
    expect((await thrownBy(refusing(elsewhere.reads))).message).toContain('(x, project project-1)');
  });

  test.each(['listDrivers', 'countDrivers', 'readRecords'] as const)(
    'is put off where %s does not answer',
    async (read) => {
      const down = new ServiceError('DataloopUnavailableError', 'Dataloop does not answer.');
      const reads = { ...readsOf(ours).reads, [read]: () => Promise.reject(down) };
      expect(await thrownBy(refusing(reads))).toMatchObject({
        name: 'DriversUnknownError',
        retryable: true,
        message: expect.stringMatching(/Dataloop does not answer\. .*\?force=true\. Nothing was removed\.$/),
        cause: down,
      });
    },
  );

  test('is put off where Dataloop takes too long; a mistake of ours is none of Dataloop’s', async () => {
    const late = new ServiceError('DataloopUnavailableError', 'Too late.');
    const bound: Bound = () => Promise.reject(late);
    const putOff = refuseForeignDrivers(integrationWith(), readsOf(ours).reads, bound);
    expect((await thrownBy(putOff)).name).toBe('DriversUnknownError');
    const mistake = new TypeError('a mistake');
    const reads = { ...readsOf(ours).reads, countDrivers: () => Promise.reject(mistake) };
    expect(await thrownBy(refusing(reads))).toBe(mistake);
  });
});

describe('removing a driver', () => {
  const refusing = (reads: DriverReads, record = integrationWith()) =>
    refuseForeignDriversOfBucket(added, record, reads, unbound);
  const hand = driver('x', { name: 'By hand', bucketName: 'dataloop-b' });

  test('is refused where others made drivers of its bucket, which are named', async () => {
    const { reads } = readsOf({ ...ours, 'project-1': [driver('own'), hand] });
    expect(await thrownBy(refusing(reads))).toMatchObject({
      name: 'ForeignDriversError',
      message: expect.stringMatching(
        /use the bucket dataloop-b at Dataloop: "By hand" \(x, project project-1\)\. They would lose access to it\. /,
      ),
    });
  });

  test('is not refused for drivers of other buckets, and what Dataloop only counts is not asked for', async () => {
    const others = {
      'project-1': [driver('own'), driver('y', { bucketName: 'dataloop-other' }), driver('z')],
      'project-2': [driver('added', { bucketName: 'dataloop-b' })],
    };
    const { reads, asked } = readsOf(others, 9);
    await expect(refusing(reads)).resolves.toBeUndefined();
    expect(asked.sort()).toEqual(['project-1', 'project-2']);
  });

  test('is not refused where the integration has no id at Dataloop', async () => {
    const { reads, asked } = readsOf({ 'project-1': [hand] });
    const record = integrationWith({ dataloopIntegration: { state: 'intended', name: 'acme' } });
    await expect(refusing(reads, record)).resolves.toBeUndefined();
    expect(asked).toEqual([]);
  });

  test('is put off where Dataloop does not answer', async () => {
    const down = new ServiceError('DataloopRateLimitError', 'Too many requests.');
    const reads = { ...readsOf(ours).reads, listDrivers: () => Promise.reject(down) };
    expect(await thrownBy(refusing(reads))).toMatchObject({ name: 'DriversUnknownError', cause: down });
  });
});
