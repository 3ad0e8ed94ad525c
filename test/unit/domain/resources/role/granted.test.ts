import { describe, expect, test } from '@jest/globals';
import { type JournalRecord, kindOf } from '../../../../../src/domain/model/record.ts';
import { grantable, grantsOf } from '../../../../../src/domain/resources/role/granted.ts';
import { addedTo, driverIdOf, driverRecord, planOf, recordsOf, withAccess } from '../../fake-access.ts';
import { account, recordOf, thrownBy } from '../../fakes.ts';

const one = driverIdOf(1);
const two = driverIdOf(2);
const integration = recordOf({
  status: 'ready',
  resources: { bucket: { state: 'created', arn: 'arn:aws:s3:::dataloop-acme' } },
  addedBuckets: {
    [two]: addedTo('dataloop-two', { placedIn: 'policy' }),
    [one]: addedTo('dataloop-one', { placedIn: 'policy' }),
    [driverIdOf(3)]: addedTo('dataloop-three', { placedIn: 'policy2' }),
    [driverIdOf(4)]: addedTo('dataloop-four'),
  },
});
const plan = planOf(integration);
const made = withAccess(addedTo('dataloop-one'));
const own = driverRecord(one, addedTo('dataloop-one'), { resources: made });
const reading = (records: readonly JournalRecord[]) => async () => records;
const asRegistered = async (ids: readonly string[]) => recordsOf(integration, ids);
const bucketsOf = (grants: readonly { readonly bucketArn: string }[]) =>
  grants.map(({ bucketArn }) => bucketArn.replace('arn:aws:s3:::', ''));

describe('what a policy is to grant', () => {
  test('are the buckets that have their place in it, in an order of their own; the first has the integration’s', async () => {
    expect(bucketsOf(await grantsOf(integration, plan, 'policy', asRegistered))).toEqual([
      'dataloop-acme',
      'dataloop-one',
      'dataloop-two',
    ]);
    expect(bucketsOf(await grantsOf(integration, plan, 'policy2', asRegistered))).toEqual(['dataloop-three']);
    expect(bucketsOf(await grantsOf(integration, plan, 'policy', asRegistered, { but: one }))).toEqual([
      'dataloop-acme',
      'dataloop-two',
    ]);
  });

  test('says each bucket’s own record, whatever the integration’s says of it', async () => {
    const forged = {
      ...integration,
      addedBuckets: { [one]: addedTo('dataloop-hers', { placedIn: 'policy' }) },
    };
    expect(bucketsOf(await grantsOf(forged, plan, 'policy', reading([own])))).toEqual([
      'dataloop-acme',
      'dataloop-one',
    ]);
  });

  test.each<[string, JournalRecord[]]>([
    ['no record of its own', []],
    ['a record that is no added bucket', [{ ...own, parent: undefined, kind: kindOf(undefined) }]],
    [
      'a record that was added to another integration',
      [{ ...own, parent: { integrationId: 'int_00000000000000000000000000', dataloopIntegrationId: 'd' } }],
    ],
    [
      'a record that asks for another bucket than was made for it',
      [{ ...own, resources: withAccess(addedTo('dataloop-hers')) }],
    ],
    ['a record of which no bucket was made', [{ ...own, resources: { access: made.access } }]],
    ['a record that has not come as far as its access', [{ ...own, resources: { bucket: made.bucket } }]],
  ])('leaves out a bucket with %s; before it is granted, it is refused', async (_what, records) => {
    const forged = {
      ...integration,
      addedBuckets: { [one]: addedTo('dataloop-one', { placedIn: 'policy' }) },
    };
    expect(bucketsOf(await grantsOf(forged, plan, 'policy', reading(records)))).toEqual(['dataloop-acme']);
    const granting = grantable(forged, plan, 'policy', reading(records), account);
    expect(await thrownBy(granting)).toMatchObject({
      name: 'RecordDamagedError',
      message: expect.stringContaining(`(drivers.${one})`),
    });
  });
});

test('a bucket that was taken away is granted no more, although it has its place', async () => {
  const gone = {
    ...own,
    resources: { ...made, access: { state: 'gone' as const, arn: 'arn:policy' } },
  };
  const forged = { ...integration, addedBuckets: { [one]: addedTo('dataloop-one', { placedIn: 'policy' }) } };
  expect(bucketsOf(await grantsOf(forged, plan, 'policy', reading([gone])))).toEqual(['dataloop-acme']);
  expect(await grantable(forged, plan, 'policy', reading([gone]), account)).toEqual([forged]);
});

test('a bucket whose undo could not take its access is not granted again, and goes with the next write', async () => {
  const left = {
    ...own,
    status: 'residue' as const,
    deprovision: { mode: 'remove' as const, run: 1, restarts: 0 },
  };
  const there = { ...integration, addedBuckets: { [one]: addedTo('dataloop-one', { placedIn: 'policy' }) } };
  expect(await grantable(there, plan, 'policy', reading([left]), account)).toEqual([there]);
  const written = await grantsOf(there, plan, 'policy', reading([left]));
  expect(bucketsOf(written)).toEqual(['dataloop-acme']);
  // Who looks at the policy may find it granted.
  const shown = await grantsOf(there, plan, 'policy', reading([left]), { withUndone: true });
  expect(bucketsOf(shown)).toEqual(['dataloop-acme', 'dataloop-one']);
});

describe('before it is granted', () => {
  test('the integration’s own bucket must be the one that was made for it', async () => {
    const bucket = { state: 'created', arn: 'arn:aws:s3:::dataloop-hers' } as const;
    const forged = { ...integration, resources: { bucket } };
    expect(await thrownBy(grantable(forged, plan, 'policy', asRegistered, account))).toMatchObject({
      name: 'RecordDamagedError',
      message: expect.stringContaining('(request.bucket)'),
    });
    const grants = await grantsOf(forged, plan, 'policy', asRegistered);
    expect(bucketsOf(grants)).toEqual(['dataloop-one', 'dataloop-two']);
  });

  test('both records must say the same', async () => {
    const records = await grantable(integration, plan, 'policy', asRegistered, account);
    expect(records.map(({ id }) => id)).toEqual([integration.id, one, two]);
    const wider = {
      ...own,
      request: { ...own.request, dataloop: { ...own.request.dataloop, allowDelete: false } },
    };
    const forged = {
      ...integration,
      addedBuckets: { [one]: addedTo('dataloop-one', { placedIn: 'policy' }) },
    };
    expect((await thrownBy(grantable(forged, plan, 'policy', reading([wider]), account))).name).toBe(
      'RecordDamagedError',
    );
  });

  test('every bucket must be one that this deployment may connect', async () => {
    const bucket = { ...own.request.bucket, name: 'production-secrets' };
    const added = addedTo('production-secrets', { placedIn: 'policy' });
    const outside = { ...own, request: { ...own.request, bucket }, resources: withAccess(added) };
    added.dataloop.driverName = 'dataloop-one';
    const forged = { ...integration, addedBuckets: { [one]: added } };
    expect(await thrownBy(grantable(forged, plan, 'policy', reading([outside]), account))).toMatchObject({
      name: 'OutsideDeploymentError',
      message: expect.stringContaining(`${one} asks for what this deployment does not allow (/bucket/name)`),
    });
    // An undo does not stop at it, and does not write it either.
    const left = await grantsOf(forged, plan, 'policy', reading([outside]), { allowed: account });
    expect(bucketsOf(left)).toEqual(['dataloop-acme']);
  });
});
