import { describe, expect, test } from '@jest/globals';
import { readyAddedBucket, testAddedBucket } from '../../../../src/domain/healthcheck/added-bucket.ts';
import type { CheckReads } from '../../../../src/domain/healthcheck/checks.ts';
import { ownerTag, roughGrantsOf } from '../../../../src/domain/model/desired-state.ts';
import { permissionPolicy } from '../../../../src/domain/model/permission-policy.ts';
import type { JournalRecord } from '../../../../src/domain/model/record.ts';
import type { PolicyKey } from '../../../../src/domain/model/resource-keys.ts';
import { closed } from '../../../../src/domain/resources/bucket/public-access.ts';
import { type ErrorName, ServiceError } from '../../../../src/errors.ts';
import { addedTo, driverIdOf, driverRecord, planOf, recordsOf } from '../fake-access.ts';
import { integrationId, ours, recordOf, theirs, thrownBy } from '../fakes.ts';
import { asItWasMade, policyArn, role } from '../healthy-reads.ts';

const driverId = driverIdOf(1);
const tagged = { [ownerTag]: driverId };

const integrationWith = (placedIn: PolicyKey | undefined) =>
  recordOf({
    status: 'ready',
    resources: { bucket: { state: 'created', arn: 'arn:aws:s3:::dataloop-acme' } },
    addedBuckets: {
      [driverId]: addedTo('dataloop-b', placedIn ? { placedIn } : {}),
      [driverIdOf(2)]: addedTo('dataloop-c', { placedIn: 'policy2' }),
    },
  });
const driver = driverRecord(driverId, addedTo('dataloop-b'), {
  status: 'ready',
  resources: { driver: { state: 'created', id: 'd-2', name: 'dataloop-b' } },
});
/** A driver on which everything is as it was made, but for what is given. */
function readsOf(integration: JournalRecord, more: Partial<CheckReads> = {}): CheckReads {
  const documents = new Map(
    (['policy', 'policy2'] as const).map((key) => [
      key === 'policy' ? policyArn : `${policyArn}-2`,
      permissionPolicy(roughGrantsOf(integration, planOf(integration), key)),
    ]),
  );
  return {
    ...asItWasMade(documents),
    getIntegration: () => Promise.reject(new Error('The integration has a test of its own.')),
    readRecords: async (ids) => recordsOf(integration, ids),
    getBucketTagging: async () => tagged,
    ...more,
  };
}

const tested = (more: Partial<CheckReads> = {}, placedIn: PolicyKey | undefined = 'policy', of = driver) => {
  const integration = integrationWith(placedIn);
  return testAddedBucket(
    { driver: of, integration },
    planOf,
    readsOf(integration, more),
    (_what, work) => work,
  );
};

/** What is not as it should be, by check. */
async function brokenBy(...how: Parameters<typeof tested>) {
  const { checks, status } = await tested(...how);
  const broken = checks.filter((check) => check.status === 'failed');
  expect(status).toBe(broken.length > 0 ? 'failed' : 'passed');
  return Object.fromEntries(broken.map(({ name, detail }) => [name, detail]));
}

describe('a driver that is as it was made', () => {
  test.each<[PolicyKey, string]>([
    ['policy', policyArn],
    ['policy2', `${policyArn}-2`],
  ])('passes, with its access in %s', async (placedIn, arn) => {
    const { checks, ...answer } = await tested({}, placedIn);
    expect(answer).toEqual({ driverId, integrationId, status: 'passed' });
    expect(checks.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'DriverTest passed',
      'PolicyAttached passed',
      'PermissionPolicy passed',
      'PublicAccessBlock passed',
      'Cors passed',
      'Encryption passed',
      'KmsKey skipped',
      'OwnerTags passed',
    ]);
    const said = Object.fromEntries(checks.map(({ name, detail }) => [name, detail]));
    expect(said['DriverTest']).toContain('driver d-2');
    expect(said['PolicyAttached']).toBe(`The policy ${arn} is attached to the role ${role.arn}.`);
    expect(said['PermissionPolicy']).toContain(`The default version v1 of ${arn}`);
  });

  test('looks at its own bucket, not at that of the integration', async () => {
    const looked = new Set<string>();
    const look =
      <T>(answer: T) =>
      async ({ name }: { name: string }) => {
        looked.add(name);
        return answer;
      };
    await tested({
      getPublicAccessBlock: look(closed),
      getBucketEncryption: look({ algorithm: 'AES256', kmsKeyId: undefined }),
      getBucketTagging: look(tagged),
    });
    expect([...looked]).toEqual(['dataloop-b']);
  });

  test('a bucket that was adopted has no tag of ours to lose', async () => {
    const request = { ...driver.request, bucket: { ...driver.request.bucket, mode: 'adopt' as const } };
    expect(
      await brokenBy({ getBucketTagging: async () => theirs }, 'policy', { ...driver, request }),
    ).toEqual({});
  });
});

describe('what was changed is named, with what to do', () => {
  test('the driver was deleted at Dataloop', async () => {
    const gone = new ServiceError('DataloopNotFoundError', 'Not found.');
    expect(await brokenBy({ verifyDriver: () => Promise.reject(gone) })).toEqual({
      DriverTest:
        'Somebody deleted the driver d-2 at Dataloop. Send DELETE for this driver, then add the bucket again.',
    });
  });

  test('the policy was detached', async () => {
    expect(await brokenBy({ listAttachedRolePolicies: async () => [policyArn] }, 'policy2')).toEqual({
      PolicyAttached: expect.stringMatching(
        new RegExp(
          `-2 is not attached to the role ${role.arn}, so .*/integrations/${integrationId}/test checks`,
        ),
      ),
    });
  });

  test.each<[string, CheckReads['getRole']]>([
    ['is gone', async () => undefined],
    [
      'lies under another path',
      async () => ({ ...role, arn: 'arn:aws:iam::111111111111:role/dataloop-acme' }),
    ],
  ])('the role %s', async (_what, getRole) => {
    const refused = () => Promise.reject(new Error('Policies of another role were asked for.'));
    expect(await brokenBy({ getRole, listAttachedRolePolicies: refused })).toEqual({
      PolicyAttached: expect.stringContaining(`The role ${role.arn} was not found.`),
    });
  });

  test.each<[string, CheckReads['getDefaultPolicyVersion'], string]>([
    [
      'no longer grants the bucket',
      async () => ({ tags: ours, uniqueId: 'ANPA1', versionId: 'v4', document: { Statement: [] } }),
      'The default version v4 of',
    ],
    ['is gone', async () => undefined, 'Somebody deleted the policy'],
  ])('the policy %s', async (_what, getDefaultPolicyVersion, said) => {
    expect(await brokenBy({ getDefaultPolicyVersion })).toEqual({
      PermissionPolicy: expect.stringContaining(said),
    });
  });

  test('nothing grants access to the bucket by the record', async () => {
    const integration = integrationWith('policy');
    const { addedBuckets = {} } = integration;
    const { placedIn: _placedIn, ...unplaced } = addedBuckets[driverId] ?? addedTo('dataloop-b');
    const found = { ...integration, addedBuckets: { ...addedBuckets, [driverId]: unplaced } };
    const { checks } = await testAddedBucket(
      { driver, integration: found },
      planOf,
      readsOf(found),
      (_what, work) => work,
    );
    const broken = checks.filter(({ status }) => status === 'failed');
    expect(broken.map(({ name }) => name)).toEqual(['PolicyAttached', 'PermissionPolicy']);
    for (const { detail } of broken) expect(detail).toContain('add the bucket again');
  });

  test.each<[string, Partial<CheckReads>, RegExp]>([
    [
      'PublicAccessBlock',
      { getPublicAccessBlock: async () => undefined },
      /bucket dataloop-b is not blocked/,
    ],
    ['Encryption', { getBucketEncryption: async () => undefined }, /of the bucket dataloop-b is nothing/],
    // The integration's own tag would not let the driver's DELETE remove it.
    ['OwnerTags', { getBucketTagging: async () => ours }, new RegExp(`tag ${ownerTag}=${driverId}: bucket`)],
  ])('%s', async (check, more, said) => {
    expect(await brokenBy(more)).toEqual({ [check]: expect.stringMatching(said) });
  });

  test('what cannot be looked at has failed alone; a mistake of ours is none of AWS', async () => {
    const denied = new ServiceError('AwsAccessDeniedError' satisfies ErrorName, 'AWS refused.');
    expect(await brokenBy({ getBucketEncryption: () => Promise.reject(denied) })).toEqual({
      Encryption: 'AWS refused.',
    });
    const mistake = new TypeError('a mistake');
    expect(await thrownBy(tested({ getBucketEncryption: () => Promise.reject(mistake) }))).toBe(mistake);
  });

  test('what takes too long is given up', async () => {
    const late = new ServiceError('DataloopUnavailableError', 'Too late.');
    const integration = integrationWith('policy');
    const { checks } = await testAddedBucket(
      { driver, integration },
      planOf,
      readsOf(integration),
      (what, work) => (what === 'the driver' ? Promise.reject(late) : work),
    );
    expect(checks.filter(({ status }) => status === 'failed')).toEqual([
      { name: 'DriverTest', status: 'failed', detail: 'Too late.' },
    ]);
  });
});

describe('which driver', () => {
  const reader = (records: readonly JournalRecord[]) => ({
    read: async (id: string) => records.find((each) => each.id === id),
  });
  const integration = integrationWith('policy');

  test('one that is ready, with its integration', async () => {
    const found = await readyAddedBucket(integrationId, driverId, reader([driver, integration]));
    expect(found).toEqual({ driver, integration });
  });

  test.each(['provisioning', 'rolling-back', 'removing', 'removed', 'failed', 'residue'] as const)(
    'none that is "%s"',
    async (status) => {
      const error = await thrownBy(
        readyAddedBucket(integrationId, driverId, reader([{ ...driver, status }, integration])),
      );
      expect(error).toMatchObject({
        name: 'DriverNotReadyError',
        message: expect.stringContaining(
          `this one is ${status}. See GET /integrations/${integrationId}/drivers/${driverId}.`,
        ),
      });
    },
  );

  test('none that is not there, or on another integration', async () => {
    const alone = recordOf({ id: driverId, status: 'ready' });
    for (const records of [[integration], [alone, integration]]) {
      expect((await thrownBy(readyAddedBucket(integrationId, driverId, reader(records)))).name).toBe(
        'DriverNotFoundError',
      );
    }
    const other = 'int_00000000000000000000000009';
    expect((await thrownBy(readyAddedBucket(other, driverId, reader([driver])))).name).toBe(
      'DriverNotFoundError',
    );
  });
});
