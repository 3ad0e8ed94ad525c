import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  addBucket,
  parseAddedBucketRequest,
  removeAddedBucket,
  removeAddedBuckets,
  requestFor,
} from '../../../../src/domain/lifecycle/added-buckets.ts';
import type { Registration, RegistrationOutcome } from '../../../../src/domain/lifecycle/start.ts';
import { newRegistration } from '../../../../src/domain/lifecycle/start.ts';
import { isUndone, type RemovalParts, removeIntegration } from '../../../../src/domain/lifecycle/undo.ts';
import { asAddedBucket } from '../../../../src/domain/model/lookup.ts';
import {
  type AddedBucket,
  type JournalRecord,
  type Status,
  statuses,
} from '../../../../src/domain/model/record.ts';
import { type DriverRequest, requestSchema } from '../../../../src/domain/model/request.ts';
import { type PolicyKey, policyKeys } from '../../../../src/domain/model/resource-keys.ts';
import { ServiceError } from '../../../../src/errors.ts';
import { allowed, hostile, kmsKeyArn } from '../../arbitraries.ts';
import { runs } from '../../runs.ts';
import { addedTo, driverIdOf, driverRecord, longTo, parent, planOf, sha256 } from '../fake-access.ts';
import { undoOf } from '../fake-undo.ts';
import { account, integrationId, recordOf, requestOf, stepOf, thrownBy } from '../fakes.ts';

const body = { bucket: { name: 'dataloop-b' }, dataloop: { projectId: 'project-2' } };
const driverId = driverIdOf(1);

describe('the request for a driver', () => {
  const refusal = (request: unknown) => {
    try {
      parseAddedBucketRequest(request, allowed);
    } catch (error) {
      if (error instanceof ServiceError && error.name === 'InvalidRequestError') {
        return error.fields.map(({ pointer }) => pointer).sort();
      }
      throw error;
    }
    return [];
  };

  test('gets the defaults that an integration has', () => {
    expect(parseAddedBucketRequest(body, allowed)).toEqual({
      bucket: { name: 'dataloop-b', mode: 'create', cors: true },
      dataloop: { projectId: 'project-2', allowDelete: true },
    });
  });

  test('may say all that concerns its bucket and its driver', () => {
    const asked = {
      description: 'Second bucket',
      bucket: {
        name: 'dataloop-b',
        mode: 'create',
        region: 'eu-west-1',
        prefix: 'raw/',
        kmsKeyArn,
        cors: false,
      },
      dataloop: { projectId: 'project-2', driverName: 'Second', allowDelete: false },
      tags: { team: 'labelling' },
    };
    expect(parseAddedBucketRequest(asked, allowed)).toEqual(asked);
  });

  test('says nothing of what is its integration’s', () => {
    const asked = {
      ...body,
      name: 'acme',
      role: { name: 'dataloop-role' },
      dataloop: {
        ...body.dataloop,
        organizationId: 'org-1',
        integrationId: 'dataloop-1',
        createdBy: 'operator',
      },
    };
    expect(refusal(asked)).toEqual([
      '/dataloop/createdBy',
      '/dataloop/integrationId',
      '/dataloop/organizationId',
      '/name',
      '/role',
    ]);
  });

  test('is told every bad field at once', () => {
    expect(refusal({ bucket: { name: 'Not A Bucket' }, dataloop: { driverName: '' }, tags: 5 })).toEqual([
      '/bucket/name',
      '/dataloop/driverName',
      '/dataloop/projectId',
      '/tags',
    ]);
    expect(refusal({})).toEqual(['/bucket', '/dataloop']);
  });

  test.each([
    ['a bucket of another name', { name: 'other-b' }, '/bucket/name'],
    ['a bucket that it may not adopt', { name: 'other-b', mode: 'adopt' }, '/bucket/name'],
    ['a key that it may not use', { name: 'dataloop-b', kmsKeyArn: `${kmsKeyArn}0` }, '/bucket/kmsKeyArn'],
    ['a key of another region', { name: 'dataloop-b', region: 'us-east-1', kmsKeyArn }, '/bucket/kmsKeyArn'],
    [
      'a block of a bucket that is created',
      { name: 'dataloop-b', blockPublicAccess: true },
      '/bucket/blockPublicAccess',
    ],
  ])('is refused where the deployment does not allow %s', (_what, bucket, pointer) => {
    expect(refusal({ ...body, bucket })).toEqual([pointer]);
  });

  test('may adopt a bucket that the deployment names', () => {
    expect(
      refusal({ ...body, bucket: { name: 'acme-photos', mode: 'adopt', blockPublicAccess: true } }),
    ).toEqual([]);
  });

  test('is taken or refused, whatever it is', () => {
    fc.assert(
      fc.property(hostile(body), (request) => {
        const pointers = refusal(request);
        if (pointers.length === 0)
          expect(parseAddedBucketRequest(request, allowed).bucket.name).toMatch(/^dataloop-/);
      }),
      { numRuns: runs(2_000) },
    );
  });
});

describe('the request that a driver’s record holds', () => {
  test('has of its integration what concerns the role, and of the driver the rest', () => {
    const integration = recordOf({
      request: requestOf({
        description: 'of the integration',
        role: { name: 'dataloop-role' },
        tags: { team: 'theirs' },
      }),
    });
    const asked = parseAddedBucketRequest({ ...body, description: 'mine', tags: { team: 'mine' } }, allowed);
    expect(requestFor(asked, integration)).toEqual({
      name: 'acme',
      description: 'mine',
      bucket: asked.bucket,
      dataloop: {
        projectId: 'project-2',
        driverName: 'dataloop-b',
        allowDelete: true,
        organizationId: 'org-1',
      },
      role: { name: 'dataloop-role', mode: 'create' },
      tags: { team: 'mine' },
    });
  });

  test('names the driver as it was asked for, and no organisation that is not known', () => {
    const { dataloop: _unknown, ...integration } = recordOf();
    const asked = parseAddedBucketRequest(
      { ...body, dataloop: { projectId: 'project-2', driverName: 'Mine' } },
      allowed,
    );
    const request = requestFor(asked, integration);
    expect(request).toEqual({
      name: 'acme',
      bucket: asked.bucket,
      dataloop: { projectId: 'project-2', driverName: 'Mine', allowDelete: true },
    });
    // The journal takes it as it takes every request.
    expect(requestSchema.parse(request)).toEqual(request);
  });
});

const ready = (more: Partial<JournalRecord> = {}) =>
  recordOf({
    status: 'ready',
    resources: { dataloopIntegration: { state: 'created', id: parent.dataloopIntegrationId } },
    ...more,
  });

describe('adding a driver', () => {
  const asked = parseAddedBucketRequest(body, allowed);

  function adding(
    integration: JournalRecord,
    outcome: RegistrationOutcome = { outcome: 'registered' },
    { holder, request = asked }: { holder?: JournalRecord; request?: DriverRequest } = {},
  ) {
    const registrations: Registration[] = [];
    const starts: string[] = [];
    const answer = addBucket(request, integration, {
      store: {
        register: async (registration) => {
          registrations.push(registration);
          return outcome;
        },
        remember: async () => true,
        read: async (id) => (id === holder?.id ? holder : undefined),
      },
      machine: { startProvisioning: async (id) => void starts.push(id) },
      desiredStateOf: planOf,
      policyNamePattern: account.policyNamePattern,
      newRecord: (wanted, to) =>
        newRegistration(
          wanted,
          { key: 'key', owner: 'caller' },
          {
            recordId: driverId,
            executionArn: `arn:aws:states:eu-west-1:111111111111:execution:add:${driverId}`,
            now: new Date(0),
            parent: to,
          },
        ),
    });
    return { answer, registrations, starts };
  }

  test('writes its record, its locks and what its integration is told, then starts it', async () => {
    const { answer, registrations, starts } = adding(ready());
    const record = await answer;
    expect(record).toMatchObject({
      id: driverId,
      parent,
      name: 'acme',
      status: 'provisioning',
      request: requestFor(asked, ready()),
    });
    expect(registrations).toEqual([
      {
        record,
        locks: [
          `driver#${integrationId}#project-2#dataloop-b`,
          'bucket#dataloop-b#dataloop-b',
          'created-bucket#dataloop-b',
        ],
        idempotency: { key: sha256('["caller","key"]'), expiresAt: 86_400 },
        added: {
          bucket: { name: 'dataloop-b' },
          dataloop: { projectId: 'project-2', driverName: 'dataloop-b', allowDelete: true },
        },
      },
    ]);
    expect(starts).toEqual([driverId]);
  });

  test('tells the integration all that its policy depends on', async () => {
    const request = parseAddedBucketRequest(
      {
        bucket: { name: 'dataloop-b', prefix: 'raw/', kmsKeyArn },
        dataloop: { projectId: 'project-2', driverName: 'Mine', allowDelete: false },
      },
      allowed,
    );
    const { answer, registrations } = adding(ready(), undefined, { request });
    await answer;
    expect(registrations[0]?.added).toEqual({
      bucket: { name: 'dataloop-b', prefix: 'raw/', kmsKeyArn },
      dataloop: { projectId: 'project-2', driverName: 'Mine', allowDelete: false },
    });
  });

  test.each(statuses.filter((status) => status !== 'ready'))(
    'is refused where the journal is written, on an integration that is %s',
    async (status) => {
      const { answer, starts } = adding(ready({ status }), { outcome: 'not-ready' });
      expect(await thrownBy(answer)).toMatchObject({
        name: 'IntegrationNotReadyError',
        message: expect.stringContaining(`GET /integrations/${integrationId}`),
      });
      expect(starts).toEqual([]);
    },
  );

  test('that was taken before is answered as before, whatever has become of the integration', async () => {
    const first = adding(ready());
    const record = await first.answer;
    const outcome = {
      outcome: 'repeated',
      recordId: driverId,
      requestHash: record.requestHash,
    } as const;
    const again = adding(ready({ status: 'removed' }), outcome, { holder: record });
    expect(await again.answer).toMatchObject({ id: driverId });
  });

  test('is refused on an integration whose id at Dataloop is not known, or that went on meanwhile', async () => {
    const unknown = adding(ready({ resources: {} }));
    expect((await thrownBy(unknown.answer)).name).toBe('IntegrationNotReadyError');
    expect(unknown.registrations).toEqual([]);
    const late = adding(ready(), { outcome: 'not-ready' });
    expect(await thrownBy(late.answer)).toMatchObject({
      name: 'IntegrationNotReadyError',
      message: expect.stringContaining(integrationId),
    });
    expect(late.starts).toEqual([]);
  });

  test.each<[string, Partial<JournalRecord>, string]>([
    ['by default', {}, 'acme'],
    [
      'as it was asked for',
      { request: requestOf({ dataloop: { projectId: 'project-1', driverName: 'Theirs' } }) },
      'Theirs',
    ],
  ])('is refused under the name that the integration’s own driver has %s', async (_how, more, driverName) => {
    const named = (projectId: string) =>
      parseAddedBucketRequest({ ...body, dataloop: { projectId, driverName } }, allowed);
    const { answer, registrations } = adding(ready(more), undefined, { request: named('project-1') });
    expect(await thrownBy(answer)).toMatchObject({
      name: 'NameOrBucketTakenError',
      message: expect.stringContaining(`"${driverName}" in project project-1`),
    });
    expect(registrations).toEqual([]);
    // In another project it is another one.
    const elsewhere = adding(ready(more), undefined, { request: named('project-2') });
    expect((await elsewhere.answer).id).toBe(driverId);
  });

  describe('where the policies are full', () => {
    const filled = (key: PolicyKey, index: number): [string, AddedBucket][] =>
      [0, 1, 2].map((each) => [driverIdOf(10 + index * 3 + each), longTo(`dataloop-${index}-${each}`, key)]);
    const drivers = Object.fromEntries(policyKeys.flatMap(filled));
    const long = parseAddedBucketRequest(
      { ...body, bucket: { name: 'dataloop-b', prefix: `${'b'.repeat(511)}/` } },
      allowed,
    );

    test('is refused before anything is written', async () => {
      const { answer, registrations } = adding(ready({ addedBuckets: drivers }), undefined, {
        request: long,
      });
      expect((await thrownBy(answer)).name).toBe('AccessFullError');
      expect(registrations).toEqual([]);
    });

    test('and the driver is there, repeats the answer: it needs no more room', async () => {
      const known: AddedBucket = {
        bucket: { name: 'dataloop-b', prefix: `${'b'.repeat(511)}/` },
        dataloop: { projectId: 'project-2', driverName: 'dataloop-b', allowDelete: true },
        placedIn: 'policy10',
      };
      const first = await adding(ready(), undefined, { request: long }).answer;
      const full = ready({ addedBuckets: { ...drivers, [driverId]: known } });
      const outcome = {
        outcome: 'repeated',
        recordId: driverId,
        requestHash: first.requestHash,
      } as const;
      const again = adding(full, outcome, { request: long, holder: first });
      expect(await again.answer).toEqual(first);
    });
  });

  test('repeated with the same key is the same driver, whose start is healed', async () => {
    const holder = await adding(ready()).answer;
    const outcome = {
      outcome: 'repeated',
      recordId: driverId,
      requestHash: holder.requestHash,
    } as const;
    const { answer, starts } = adding(ready(), outcome, { holder });
    expect(await answer).toEqual(holder);
    expect(starts).toEqual([driverId]);
  });

  test('with the key of a request for another integration is refused', async () => {
    const record = await adding(ready()).answer;
    const other = ready({ id: `int_${'0'.repeat(26)}` });
    const outcome = {
      outcome: 'repeated',
      recordId: driverId,
      requestHash: record.requestHash,
    } as const;
    expect(await thrownBy(adding(other, outcome, { holder: record }).answer)).toMatchObject({
      name: 'IdempotencyKeyReusedError',
      message: `You already used this key with a different body or for another integration (${driverId}, provisioning). Send a new key.`,
    });
  });

  test('that another one has the name or the bucket of, names that one and how to remove it', async () => {
    const holder = driverRecord(driverIdOf(2), addedTo('dataloop-b'), { status: 'ready' });
    const { answer, starts } = adding(ready(), { outcome: 'locked', by: holder.id }, { holder });
    expect(await thrownBy(answer)).toMatchObject({
      name: 'NameOrBucketTakenError',
      message: expect.stringMatching(
        new RegExp(
          `^The bucket dataloop-b is used by ${holder.id}, which is ready\\. ` +
            `.*DELETE /integrations/${integrationId}/drivers/${holder.id}\\.$`,
        ),
      ),
    });
    expect(starts).toEqual([]);
  });
});

/** A journal of several records, and a Step Functions that notes what is started and stopped. */
function world(records: readonly JournalRecord[]) {
  const known = new Map(records.map((record) => [record.id, record]));
  const events: string[] = [];
  const parts: RemovalParts = {
    journal: {
      read: async (id) => known.get(id),
      beginDeprovision: async (id, { from, to, mode, run, restarts = 0, error }) => {
        const record = known.get(id);
        if (!record || !from.includes(record.status)) return undefined;
        const begun = {
          ...record,
          status: to,
          deprovision: { mode, run, restarts },
          ...(error ? { error } : {}),
        };
        known.set(id, begun);
        return begun;
      },
      failStep: async () => undefined,
    },
    machine: {
      startDeprovisioning: async (name: string) => void events.push(`start ${name}`),
    },
    stopper: { stopProvisioning: async (arn) => void events.push(`stop ${arn}`) },
    hasEnded: async () => false,
  };
  return {
    events,
    parts,
    put: (record: JournalRecord) => void known.set(record.id, record),
    statusOf: (id: string) => known.get(id)?.status,
  };
}

const driverAs = (status: Status, index = 1, more: Partial<JournalRecord> = {}) =>
  driverRecord(driverIdOf(index), addedTo(`dataloop-${index}`), { status, ...more });

describe('a driver is looked up', () => {
  test('on its own integration', () => {
    const record = driverAs('ready');
    expect(asAddedBucket(record, integrationId)).toEqual(record);
  });

  test.each([
    ['there is none', undefined, integrationId],
    ['it is an integration', recordOf(), integrationId],
    ['it is of another integration', driverAs('ready'), `int_${'0'.repeat(26)}`],
  ])('in vain where %s', (_what, record, id) => {
    expect(() => asAddedBucket(record, id)).toThrow(expect.objectContaining({ name: 'DriverNotFoundError' }));
  });
});

describe('removing an integration', () => {
  test.each([driverId, driverIdOf(7)])('does not remove a driver: %s is no integration', async (id) => {
    const { parts, events, statusOf } = world([ready(), driverAs('ready')]);
    expect((await thrownBy(removeIntegration(id, parts))).name).toBe('IntegrationNotFoundError');
    expect([events, statusOf(driverId)]).toEqual([[], 'ready']);
  });

  test.each(['ready', 'residue'] as const)('that is %s asks first, and may be refused', async (status) => {
    const { parts, events, statusOf } = world([ready({ status })]);
    const inTheWay = new ServiceError('ForeignDriversError', 'in the way');
    const removing = removeIntegration(integrationId, parts, () => Promise.reject(inTheWay));
    expect(await thrownBy(removing)).toBe(inTheWay);
    expect([events, statusOf(integrationId)]).toEqual([[], status]);
    await removeIntegration(integrationId, parts, async () => void events.push('asked'));
    expect(events).toEqual(['asked', `start ${integrationId}-remove-1`]);
  });

  test.each(['provisioning', 'removing', 'rolling-back', 'failed', 'removed'] as const)(
    'that is %s asks nobody',
    async (status) => {
      const { parts } = world([ready({ status })]);
      const asking = () => Promise.reject(new Error('Nobody is to be asked.'));
      await expect(removeIntegration(integrationId, parts, asking)).resolves.toMatchObject({
        id: integrationId,
      });
    },
  );
});

describe('removing a driver', () => {
  const mayGo = async () => undefined;

  test.each([
    ['that is not there', driverIdOf(7), integrationId],
    ['that is an integration', integrationId, integrationId],
    ['of another integration', driverId, `int_${'0'.repeat(26)}`],
    ['whose id is none', 'x', integrationId],
  ])('%s finds none', async (_what, id, of) => {
    const { parts, events, statusOf } = world([ready(), driverAs('ready')]);
    expect((await thrownBy(removeAddedBucket(of, id, parts, mayGo))).name).toBe('DriverNotFoundError');
    expect([events, statusOf(driverId), statusOf(integrationId)]).toEqual([[], 'ready', 'ready']);
  });

  test('says of its bucket what the request says, before its undo begins', async () => {
    const { parts, events } = world([ready(), driverAs('ready')]);
    const say = async (id: string) => void events.push(`say of ${id}`);
    await removeAddedBucket(integrationId, driverId, parts, mayGo, say);
    expect(events).toEqual([`say of ${driverId}`, `start ${driverId}-remove-1`]);
  });

  test.each(['ready', 'residue'] as const)('that is %s asks first, then begins', async (status) => {
    const { parts, events } = world([ready(), driverAs(status)]);
    const asked: unknown[] = [];
    const record = await removeAddedBucket(integrationId, driverId, parts, async (driver, integration) => {
      asked.push([driver.id, integration.id, ...events]);
    });
    expect(asked).toEqual([[driverId, integrationId]]);
    expect(record).toMatchObject({ status: 'removing', deprovision: undoOf('remove', 1) });
    expect(events).toEqual([`start ${driverId}-remove-1`]);
  });

  test('that something is in the way of changes nothing', async () => {
    const { parts, events, statusOf } = world([ready(), driverAs('ready')]);
    const inTheWay = new ServiceError('ForeignDriversError', 'in the way');
    const removing = removeAddedBucket(integrationId, driverId, parts, () => Promise.reject(inTheWay));
    expect(await thrownBy(removing)).toBe(inTheWay);
    expect([events, statusOf(driverId)]).toEqual([[], 'ready']);
  });

  test.each<[Status, Status, readonly string[]]>([
    ['removing', 'removing', [`start ${driverId}-remove-3`]],
    ['rolling-back', 'rolling-back', [`start ${driverId}-remove-3`]],
    ['failed', 'failed', []],
    ['removed', 'removed', []],
  ])('that is %s asks nobody and leaves it %s', async (status, after, expected) => {
    const { parts, events, statusOf } = world([
      ready(),
      driverAs(status, 1, { deprovision: undoOf('remove', 3) }),
    ]);
    const asking = () => Promise.reject(new Error('Nobody is to be asked.'));
    expect((await removeAddedBucket(integrationId, driverId, parts, asking)).status).toBe(after);
    expect([events, statusOf(driverId)]).toEqual([expected, after]);
  });

  test('that is still being made rolls it back and stops it, without asking', async () => {
    const { parts, events, statusOf } = world([ready(), driverAs('provisioning')]);
    const asking = () => Promise.reject(new Error('Nobody is to be asked.'));
    await removeAddedBucket(integrationId, driverId, parts, asking);
    expect(statusOf(driverId)).toBe('rolling-back');
    expect(events).toEqual([`start ${driverId}-rollback-1`, expect.stringMatching(/^stop arn:aws:states:/)]);
  });

  test('whose integration cannot be read any more begins all the same', async () => {
    const { parts, statusOf } = world([driverAs('ready')]);
    await removeAddedBucket(integrationId, driverId, parts, () => Promise.reject(new Error('not asked')));
    expect(statusOf(driverId)).toBe('removing');
  });
});

describe('RemoveDrivers', () => {
  const since = new Date('2026-11-24T12:00:00.000Z');
  const minutesOn = (minutes: number) => new Date(since.getTime() + minutes * 60_000);
  const concludedAt = (minutes: number): Partial<JournalRecord> => ({
    steps: { Conclude: { status: 'succeeded', startedAt: minutesOn(minutes).toISOString(), attempts: 1 } },
  });
  const stepWith = (indexes: readonly number[]) =>
    stepOf(
      recordOf({
        status: 'removing',
        addedBuckets: Object.fromEntries(indexes.map((index) => [driverIdOf(index), addedTo('dataloop-b')])),
      }),
    );

  test('has nothing to wait for where no driver was added', async () => {
    const { parts, events } = world([]);
    expect(await removeAddedBuckets(stepOf(recordOf()), since, since, parts)).toEqual({
      settled: true,
      waitSeconds: 5,
      drivers: [],
    });
    expect(events).toEqual([]);
  });

  test('leaves a bucket alone that was added to another integration, whatever the record says', async () => {
    const other = { integrationId: 'int_00000000000000000000000000', dataloopIntegrationId: 'd' };
    const { parts, events, statusOf } = world([{ ...driverAs('ready'), parent: other }]);
    expect(await removeAddedBuckets(stepWith([1]), since, since, parts)).toMatchObject({
      settled: true,
      drivers: [],
    });
    expect([events, statusOf(driverId)]).toEqual([[], 'ready']);
  });

  test('removes ten at once, and the next as soon as one is gone', async () => {
    const indexes = Array.from({ length: 12 }, (_, index) => index + 1);
    const { parts, events, put, statusOf } = world(indexes.map((index) => driverAs('ready', index)));
    const step = stepWith(indexes.toReversed());
    const ten = indexes.slice(0, 10).map(driverIdOf);
    const asked = await removeAddedBuckets(step, since, since, parts);
    expect(asked).toEqual({ settled: false, waitSeconds: 5, drivers: ten });
    expect(events).toEqual(ten.map((id) => `start ${id}-remove-1`));
    expect([statusOf(driverIdOf(11)), statusOf(driverIdOf(12))]).toEqual(['ready', 'ready']);

    put(driverAs('removed', 3));
    const { drivers } = await removeAddedBuckets(step, since, minutesOn(1), parts);
    expect(drivers).toEqual([...ten.filter((id) => id !== driverIdOf(3)), driverIdOf(11)]);
    expect(statusOf(driverIdOf(12))).toBe('ready');
  });

  test.each<[Status, Status]>([
    ['provisioning', 'rolling-back'],
    ['ready', 'removing'],
    ['residue', 'removing'],
    ['rolling-back', 'rolling-back'],
    ['removing', 'removing'],
  ])('is not settled while a driver is %s: it is %s then', async (status, then) => {
    const deprovision = isUndone(status) || status === 'residue' ? undoOf('remove', 1) : undefined;
    const { parts, statusOf } = world([driverAs(status, 1, deprovision && { deprovision })]);
    const { settled, drivers } = await removeAddedBuckets(stepWith([1]), since, since, parts);
    expect([settled, drivers, statusOf(driverId)]).toEqual([false, [driverId], then]);
  });

  test.each(['failed', 'removed'] as const)('is settled once a driver is %s', async (status) => {
    const { parts, statusOf } = world([driverAs(status)]);
    expect(await removeAddedBuckets(stepWith([1]), since, since, parts)).toMatchObject({
      settled: true,
      drivers: [],
    });
    expect(statusOf(driverId)).toBe(status);
  });

  test('does not wait for a driver of which there is no record', async () => {
    expect(await removeAddedBuckets(stepWith([1]), since, since, world([]).parts)).toMatchObject({
      settled: true,
    });
  });

  test('tries once what is left of a driver, and again in a later undo', async () => {
    const old = driverAs('residue', 1, { ...concludedAt(-60), deprovision: undoOf('remove', 1) });
    const { parts, put, events } = world([old]);
    expect((await removeAddedBuckets(stepWith([1]), since, since, parts)).settled).toBe(false);
    expect(events).toEqual([`start ${driverId}-remove-2`]);

    put(driverAs('residue', 1, { ...concludedAt(2), deprovision: undoOf('remove', 2) }));
    expect((await removeAddedBuckets(stepWith([1]), since, minutesOn(3), parts)).settled).toBe(true);
    expect(events).toHaveLength(1);

    expect((await removeAddedBuckets(stepWith([1]), minutesOn(10), minutesOn(10), parts)).settled).toBe(
      false,
    );
    expect(events.at(-1)).toBe(`start ${driverId}-remove-3`);
  });

  test.each<[string, Partial<JournalRecord>]>([
    ['never came to its end', {}],
    ['will have come to its end in a later year', concludedAt(60 * 24 * 365)],
    ['came to its end at no time', { steps: {} }],
  ])('tries what is left of a driver that %s', async (_what, more) => {
    const { parts, statusOf } = world([driverAs('residue', 1, more)]);
    expect((await removeAddedBuckets(stepWith([1]), since, since, parts)).settled).toBe(false);
    expect(statusOf(driverId)).toBe('removing');
  });

  test('lets the rest go on after a quarter of an hour, and names what it did not wait for', async () => {
    const { parts } = world([driverAs('removing', 1, { deprovision: undoOf('remove', 1) })]);
    const at = async (minutes: number) => removeAddedBuckets(stepWith([1]), since, minutesOn(minutes), parts);
    expect(await at(15)).toMatchObject({ settled: false, drivers: [driverId] });
    expect(await at(15.1)).toMatchObject({ settled: true, drivers: [driverId] });
  });

  test('lets the rest go on only when all have begun: none stays ready without its access', async () => {
    const slow = Array.from({ length: 10 }, (_, index) => index + 1);
    const others = Array.from({ length: 25 }, (_, index) => index + 11);
    const { parts, statusOf } = world([
      ...slow.map((index) => driverAs('removing', index, { deprovision: undoOf('remove', 1) })),
      ...others.map((index) => driverAs('ready', index)),
    ]);
    const step = stepWith([...slow, ...others]);
    const left = () => others.filter((index) => statusOf(driverIdOf(index)) === 'ready').length;
    const turns: [boolean, number][] = [];
    for (const minutes of [15, 15.1, 15.2, 15.3, 15.4]) {
      const { settled } = await removeAddedBuckets(step, since, minutesOn(minutes), parts);
      turns.push([settled, left()]);
    }
    expect(turns).toEqual([
      [false, 25],
      [false, 15],
      [false, 5],
      [false, 0],
      [true, 0],
    ]);
  });

  test('that cannot remove one removes the others, and fails only when nothing else is left to do', async () => {
    const { parts, put, statusOf } = world([1, 2].map((index) => driverAs('ready', index)));
    const damaged = new ServiceError('RecordDamagedError', 'edited by hand');
    const read = (id: string) => (id === driverId ? Promise.reject(damaged) : parts.journal.read(id));
    const failing = { ...parts, journal: { ...parts.journal, read } };
    const at = (minutes: number) => removeAddedBuckets(stepWith([1, 2]), since, minutesOn(minutes), failing);
    expect(await at(1)).toMatchObject({ settled: false, drivers: [driverIdOf(2)] });
    expect(statusOf(driverIdOf(2))).toBe('removing');
    put(driverAs('removed', 2));
    expect(await thrownBy(at(2))).toBe(damaged);
  });
});
