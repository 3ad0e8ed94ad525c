import { describe, expect, test } from '@jest/globals';
import type { CheckReads } from '../../../../src/domain/healthcheck/checks.ts';
import { readyRecord, testConnection } from '../../../../src/domain/healthcheck/integration.ts';
import { parseRequest } from '../../../../src/domain/model/allowed.ts';
import { desiredState, trustPolicy } from '../../../../src/domain/model/desired-state.ts';
import { earlierPolicy, widerPolicy } from '../../../../src/domain/model/permission-policy.ts';
import type { JournalRecord } from '../../../../src/domain/model/record.ts';
import { closed } from '../../../../src/domain/resources/bucket/public-access.ts';
import type { Role } from '../../../../src/domain/resources/role/iam.ts';
import { hash } from '../../../../src/domain/resources/role/shared-policies.ts';
import { type ErrorName, ServiceError } from '../../../../src/errors.ts';
import {
  account,
  body,
  integrationId,
  ours,
  recordOf,
  requestOf,
  theirs,
  thrownBy,
  userArn,
} from '../fakes.ts';
import { allowing, asItWasMade, atDataloop, policyArn, role } from '../healthy-reads.ts';

const kmsKeyArn = 'arn:aws:kms:eu-west-1:111111111111:key/1';
const settings = { ...account, kmsKeyArns: [kmsKeyArn] };

const ready = (request = requestOf()): JournalRecord =>
  recordOf({
    status: 'ready',
    request,
    resources: {
      bucket: { state: 'created', arn: `arn:aws:s3:::${request.bucket.name}`, region: 'eu-west-1' },
      policy: { state: 'created', arn: policyArn, uniqueId: 'ANPA1' },
      role: { state: 'created', arn: role.arn, uniqueId: 'AROA1' },
      dataloopIntegration: { state: 'created', id: 'i-1', name: `acme ${integrationId}` },
      driver: { state: 'created', id: 'd-1', name: 'acme' },
    },
  });
const withKey = ready(parseRequest({ ...body, bucket: { name: 'dataloop-acme', kmsKeyArn } }, settings));

const documentOf = (record: JournalRecord) =>
  desiredState(integrationId, record.request, settings).permissionPolicy;
const policyOf = (record: JournalRecord) => ({
  tags: ours,
  uniqueId: 'ANPA1',
  versionId: 'v1',
  document: documentOf(record),
});
/** A connection on which everything is as it was made, but for what is given. */
const readsOf = (more: Partial<CheckReads> = {}, record = ready()): CheckReads => ({
  ...asItWasMade(new Map([[policyArn, documentOf(record)]])),
  ...(record === withKey
    ? { getBucketEncryption: async () => ({ algorithm: 'aws:kms', kmsKeyId: kmsKeyArn }) }
    : {}),
  ...more,
});

const tested = (more: Partial<CheckReads> = {}, record = ready()) =>
  testConnection(
    record,
    desiredState(integrationId, record.request, settings),
    readsOf(more, record),
    (_what, work) => work,
  );

/** What is not as it should be, by check. */
async function brokenBy(more: Partial<CheckReads>, record = ready()) {
  const { checks, status } = await tested(more, record);
  const broken = checks.filter((check) => check.status === 'failed');
  expect(status).toBe(broken.length > 0 ? 'failed' : 'passed');
  return Object.fromEntries(broken.map(({ name, detail }) => [name, detail]));
}
const skippedBy = async (more: Partial<CheckReads>) =>
  (await tested(more)).checks.filter(({ status }) => status === 'skipped').map(({ name }) => name);

const names = [
  'DataloopTrust',
  'DriverTest',
  'Role',
  'TrustPolicy',
  'PermissionsBoundary',
  'PolicyAttached',
  'PermissionPolicy',
  'PublicAccessBlock',
  'Cors',
  'Encryption',
  'KmsKey',
  'OwnerTags',
];

describe('a policy of an earlier version', () => {
  const earlier = (record: JournalRecord) =>
    earlierPolicy([desiredState(integrationId, record.request, settings).grant]);
  const standing = (record: JournalRecord): Partial<CheckReads> => ({
    getDefaultPolicyVersion: async () => ({ ...policyOf(record), document: earlier(record) }),
  });
  const writtenOf = (documents: readonly unknown[]): JournalRecord => ({
    ...ready(),
    resources: {
      ...ready().resources,
      policy: { state: 'created', arn: policyArn, uniqueId: 'ANPA1', written: documents.map(hash) },
    },
  });

  test.each([
    ['of which nothing was journalled', ready()],
    ['that was written last by the journal', writtenOf([documentOf(ready()), earlier(ready())])],
  ])('%s passes, and is told how to demand more', async (_what, record) => {
    const { status, checks } = await tested(standing(record), record);
    expect(status).toBe('passed');
    const { detail = '' } = checks.find(({ name }) => name === 'PermissionPolicy') ?? {};
    expect(detail).toMatch(
      /as an earlier version .* To demand both, create a default version with this document/,
    );
    expect(detail).toContain(JSON.stringify(documentOf(record)));
  });

  test('that lists more than its folder passes, and is told how to list the folder alone', async () => {
    const request = { ...ready().request, bucket: { ...ready().request.bucket, prefix: 'raw/' } };
    const wider = widerPolicy([desiredState(integrationId, request, settings).grant]);
    const record = { ...writtenOf([wider]), request };
    const found = { getDefaultPolicyVersion: async () => ({ ...policyOf(record), document: wider }) };
    const { status, checks } = await tested(found, record);
    expect(status).toBe('passed');
    const { detail = '' } = checks.find(({ name }) => name === 'PermissionPolicy') ?? {};
    expect(detail).toContain(
      `To list the folder alone, create a default version with this document: ${JSON.stringify(documentOf(record))}`,
    );
  });

  test('counts as changed where this one was written since', async () => {
    const record = writtenOf([earlier(ready()), documentOf(ready())]);
    expect(Object.keys(await brokenBy(standing(record), record))).toEqual(['PermissionPolicy']);
  });
});

describe('a connection that is as it was made', () => {
  test('passes every check', async () => {
    const { status, checks, integrationId: id } = await tested();
    expect([id, status]).toEqual([integrationId, 'passed']);
    expect(checks.map(({ name }) => name)).toEqual(names);
    expect(checks.filter((check) => check.status !== 'passed')).toEqual([
      { name: 'KmsKey', status: 'skipped', detail: 'The bucket has no KMS key of its own.' },
    ]);
    expect(checks.find(({ name }) => name === 'TrustPolicy')?.detail).toContain(userArn);
  });

  test('passes with a key, and without CORS that was not asked for', async () => {
    expect((await tested({}, withKey)).checks.filter(({ status }) => status !== 'passed')).toEqual([]);
    const noCors = ready(requestOf({ bucket: { name: 'dataloop-acme', cors: false } }));
    const { status, checks } = await tested({ getBucketCors: async () => undefined }, noCors);
    expect(status).toBe('passed');
    expect(checks.find(({ name }) => name === 'Cors')?.status).toBe('skipped');
  });

  test('asks Dataloop, AWS and KMS for what the journal names', async () => {
    const asked: unknown[] = [];
    await tested(
      {
        getIntegration: async (...ids) => void asked.push(ids),
        verifyDriver: async (id) => void asked.push(id),
        describeKey: async (arn) => void asked.push(arn),
        getPublicAccessBlock: async (bucket) => void asked.push(bucket),
      },
      withKey,
    );
    expect(asked).toEqual([
      ['org-1', 'i-1'],
      'd-1',
      { name: 'dataloop-acme', region: 'eu-west-1', ownerAccountId: '111111111111' },
      kmsKeyArn,
    ]);
  });
});

describe('each check fails on its own', () => {
  const roleWith = (more: Partial<Role>): Partial<CheckReads> => ({
    getRole: async () => ({ ...role, ...more }),
  });
  const trusting = (principal: unknown) =>
    roleWith({
      trustPolicy: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: principal, Action: 'sts:AssumeRole' }],
      }),
    });
  const changed = { ...documentOf(ready()), Statement: [] };

  test.each<[string, string, Partial<CheckReads>, string]>([
    [
      'trust that Dataloop has lost',
      'DataloopTrust',
      { getIntegration: async () => ({ ...atDataloop, trustStatus: 'waiting-trust' }) },
      'waiting-trust',
    ],
    [
      'a driver test that fails',
      'DriverTest',
      { verifyDriver: () => Promise.reject(new ServiceError('DriverTestFailedError', 'Cannot list.')) },
      'Cannot list.',
    ],
    [
      'a driver that was deleted at Dataloop',
      'DriverTest',
      { verifyDriver: () => Promise.reject(new ServiceError('DataloopNotFoundError', '404')) },
      'Somebody deleted the driver d-1 at Dataloop',
    ],
    [
      'a user that was deleted and made again',
      'TrustPolicy',
      trusting({ AWS: 'AIDAEXAMPLE123456789' }),
      'new user of the same name has another id',
    ],
    [
      'trust in another user',
      'TrustPolicy',
      trusting({ AWS: 'arn:aws:iam::3:user/x' }),
      'arn:aws:iam::3:user/x',
    ],
    [
      'trust in one user more',
      'TrustPolicy',
      trusting({ AWS: [userArn, 'arn:aws:iam::3:root'] }),
      `${userArn}, arn:aws:iam::3:root`,
    ],
    ['trust in a service', 'TrustPolicy', trusting({ Service: 'ec2.amazonaws.com' }), 'names nobody'],
    [
      'a user that Dataloop changed',
      'TrustPolicy',
      { getIntegration: async () => ({ ...atDataloop, userArn: 'arn:aws:iam::222222222222:user/new' }) },
      'should trust only arn:aws:iam::222222222222:user/new',
    ],
    [
      'a user that Dataloop does not name any more',
      'TrustPolicy',
      { getIntegration: async () => ({ ...atDataloop, userArn: undefined }) },
      'no longer names an IAM user',
    ],
    [
      'no boundary',
      'PermissionsBoundary',
      roleWith({ permissionsBoundaryArn: '' }),
      'no permissions boundary',
    ],
    [
      'another boundary',
      'PermissionsBoundary',
      roleWith({ permissionsBoundaryArn: 'arn:x' }),
      'the permissions boundary arn:x',
    ],
    [
      'a policy that was detached',
      'PolicyAttached',
      { listAttachedRolePolicies: async () => [] },
      'Attach it again',
    ],
    [
      'a policy more',
      'PolicyAttached',
      { listAttachedRolePolicies: async () => [policyArn, 'arn:aws:iam::aws:policy/AdministratorAccess'] },
      'AdministratorAccess',
    ],
    [
      'another version of the policy',
      'PermissionPolicy',
      { getDefaultPolicyVersion: async () => ({ ...policyOf(ready()), versionId: 'v2', document: changed }) },
      'The default version v2',
    ],
    [
      'a policy that was deleted',
      'PermissionPolicy',
      { getDefaultPolicyVersion: async () => undefined },
      'Somebody deleted the policy',
    ],
    [
      'public access that was opened',
      'PublicAccessBlock',
      { getPublicAccessBlock: async () => ({ ...closed, BlockPublicPolicy: false }) },
      'all four',
    ],
    [
      'no public access block',
      'PublicAccessBlock',
      { getPublicAccessBlock: async () => undefined },
      'is not blocked.',
    ],
    [
      'no public access block of its own, whatever the account has',
      'PublicAccessBlock',
      { getPublicAccessBlock: async () => undefined, getAccountPublicAccessBlock: async () => closed },
      'is not blocked.',
    ],
    [
      'CORS that was deleted',
      'Cors',
      { getBucketCors: async () => undefined },
      'https://console.dataloop.ai',
    ],
    [
      'CORS that lacks a method',
      'Cors',
      {
        getBucketCors: async () => [allowing('https://console.dataloop.ai', ['GET', 'HEAD', 'POST'])],
      },
      'PUT',
    ],
    [
      'CORS for another origin',
      'Cors',
      { getBucketCors: async () => [allowing('https://x')] },
      'https://console.dataloop.ai',
    ],
    [
      'encryption with a key that nobody asked for',
      'Encryption',
      { getBucketEncryption: async () => ({ algorithm: 'aws:kms', kmsKeyId: 'arn:key' }) },
      'aws:kms with arn:key, but should be keys of S3',
    ],
    ['no encryption', 'Encryption', { getBucketEncryption: async () => undefined }, 'is nothing'],
    [
      'a bucket without the tag',
      'OwnerTags',
      { getBucketTagging: async () => ({}) },
      'bucket dataloop-acme.',
    ],
    ['a role with somebody’s tag', 'OwnerTags', roleWith({ tags: theirs }), 'role dataloop-acme.'],
    [
      'a policy without the tag',
      'OwnerTags',
      { getDefaultPolicyVersion: async () => ({ ...policyOf(ready()), tags: {} }) },
      'policy dataloop-acme.',
    ],
  ])('%s', async (_what, name, more, said) => {
    expect(await brokenBy(more)).toEqual({ [name]: expect.stringContaining(said) });
  });

  test.each<[string, string, Partial<CheckReads>, string]>([
    [
      'S3’s own keys in place of the key that was asked for',
      'Encryption',
      { getBucketEncryption: async () => ({ algorithm: 'AES256', kmsKeyId: undefined }) },
      `should be the KMS key ${kmsKeyArn}`,
    ],
    [
      'another key',
      'Encryption',
      { getBucketEncryption: async () => ({ algorithm: 'aws:kms', kmsKeyId: 'arn:other' }) },
      'arn:other',
    ],
    [
      'a key that was disabled',
      'KmsKey',
      { describeKey: async () => ({ state: 'Disabled', encryptsSymmetrically: true }) },
      'Enable it',
    ],
  ])('%s', async (_what, name, more, said) => {
    expect(await brokenBy(more, withKey)).toEqual({ [name]: expect.stringContaining(said) });
  });
});

describe('what is gone takes with it what hangs on it, and no more', () => {
  const onRole = ['TrustPolicy', 'PermissionsBoundary', 'PolicyAttached'];

  test.each<[string, Awaited<ReturnType<CheckReads['getRole']>>, string, string[]]>([
    ['a role that was deleted', undefined, 'Somebody deleted the role', onRole],
    [
      'a role of the name under another path',
      { ...role, arn: 'arn:other' },
      'another one (arn:other',
      onRole,
    ],
    ['a role that was made again', { ...role, uniqueId: 'AROA2' }, 'AROA2', []],
  ])('%s', async (_what, found, said, skipped) => {
    const reads = { getRole: async () => found };
    expect(await brokenBy(reads)).toEqual({ Role: expect.stringContaining(said) });
    expect(await skippedBy(reads)).toEqual([...skipped, 'KmsKey']);
  });

  test('an integration that was deleted at Dataloop', async () => {
    const reads = { getIntegration: async () => undefined };
    expect(await brokenBy(reads)).toEqual({
      DataloopTrust: expect.stringContaining('Somebody deleted the integration i-1'),
    });
    expect(await skippedBy(reads)).toEqual(['TrustPolicy', 'KmsKey']);
  });

  test('but a trusted id that leads nowhere is told without Dataloop', async () => {
    const down = () => Promise.reject(new ServiceError('DataloopUnavailableError', 'Down.'));
    const trusting = JSON.stringify(trustPolicy('AIDAEXAMPLE123456789'));
    const broken = await brokenBy({
      getIntegration: down,
      getRole: async () => ({ ...role, trustPolicy: trusting }),
    });
    expect(Object.keys(broken)).toEqual(['DataloopTrust', 'TrustPolicy']);
  });
});

describe('a check that cannot be made has failed, and the others go on', () => {
  const no = (name: ErrorName) => () => Promise.reject(new ServiceError(name, 'No.', { mayPass: true }));
  test.each<[string, Partial<CheckReads>, string[]]>([
    [
      'Dataloop is down',
      { getIntegration: no('DataloopUnavailableError'), verifyDriver: no('DataloopUnavailableError') },
      ['DataloopTrust', 'DriverTest'],
    ],
    ['the role is hidden', { getRole: no('AwsAccessDeniedError') }, ['Role']],
    ['attachments are hidden', { listAttachedRolePolicies: no('AwsAccessDeniedError') }, ['PolicyAttached']],
    ['the policy is hidden', { getDefaultPolicyVersion: no('AwsAccessDeniedError') }, ['PermissionPolicy']],
    ['the block is hidden', { getPublicAccessBlock: no('AwsAccessDeniedError') }, ['PublicAccessBlock']],
    ['CORS is hidden', { getBucketCors: no('AwsAccessDeniedError') }, ['Cors']],
    ['the encryption is hidden', { getBucketEncryption: no('AwsAccessDeniedError') }, ['Encryption']],
    ['the tags are hidden', { getBucketTagging: no('AwsAccessDeniedError') }, ['OwnerTags']],
  ])('%s', async (_what, more, failing) => {
    const broken = await brokenBy(more);
    expect(Object.keys(broken)).toEqual(failing);
    expect(Object.values(broken)[0]).toBe('No. Try again in a moment.');
  });

  test('a bucket that is gone is said to be gone, whatever of it is asked for', async () => {
    const gone = no('AwsNotYetConsistentError');
    const reads = {
      getPublicAccessBlock: gone,
      getBucketCors: gone,
      getBucketEncryption: gone,
      getBucketTagging: gone,
    };
    expect(await brokenBy(reads)).toEqual(
      Object.fromEntries(
        ['PublicAccessBlock', 'Cors', 'Encryption', 'OwnerTags'].map((name) => [
          name,
          expect.stringContaining('Somebody deleted the bucket dataloop-acme'),
        ]),
      ),
    );
  });

  test('also one that is given up, and what hangs on it is skipped', async () => {
    const record = ready();
    const { checks } = await testConnection(
      record,
      desiredState(integrationId, record.request, settings),
      readsOf(),
      (what, work) => (/^the (CORS|role$)/.test(what) ? no('TryAgainError')() : work),
    );
    const named = (wanted: string) =>
      checks.filter(({ status }) => status === wanted).map(({ name }) => name);
    expect(named('failed')).toEqual(['Role', 'Cors']);
    expect(named('skipped')).toEqual(['TrustPolicy', 'PermissionsBoundary', 'PolicyAttached', 'KmsKey']);
  });

  test('but not for a mistake of ours', async () => {
    const mistake = new TypeError('x is not a function');
    expect(await thrownBy(tested({ getRole: () => Promise.reject(mistake) }))).toBe(mistake);
  });
});

describe('which integrations can be tested', () => {
  test('one that is ready', async () => {
    const record = ready();
    await expect(readyRecord(integrationId, { read: async () => record })).resolves.toBe(record);
  });

  test('no other', async () => {
    expect(await thrownBy(readyRecord('int_x', { read: async () => undefined }))).toMatchObject({
      name: 'IntegrationNotFoundError',
    });
    const read = async () => recordOf({ status: 'removing' });
    expect(await thrownBy(readyRecord(integrationId, { read }))).toMatchObject({
      name: 'IntegrationNotReadyError',
      message: expect.stringContaining('this one is removing'),
    });
  });
});

describe('a role that was adopted', () => {
  const made = ready(requestOf({ role: { name: 'AcmeLabelling', mode: 'adopt' } }));
  const { policy, role: adopted } = desiredState(integrationId, made.request, settings);
  const known = { state: 'created', origin: 'adopted', arn: adopted.arn, uniqueId: 'AROA1' } as const;
  const record: JournalRecord = { ...made, resources: { ...made.resources, role: known } };
  const underPath = policy.arn.replace(policy.name, 'dataloop-stolen');

  test.each([
    ['passes with policies of its own', 'arn:aws:iam::111111111111:policy/team', undefined],
    ['is said to have a policy under the path of the service that is not its', underPath, underPath],
  ])('%s', async (_what, other, said) => {
    const reads = {
      getRole: async () => ({ ...role, arn: adopted.arn }),
      listAttachedRolePolicies: async () => [policy.arn, other],
    };
    const { checks } = await tested(reads, record);
    const { status, detail = '' } = checks.find(({ name }) => name === 'PolicyAttached') ?? {};
    expect(status).toBe(said ? 'failed' : 'passed');
    expect(detail).toContain(said ?? "next to the role's own policies");
  });
});

test('no read goes without being given up in time', async () => {
  const bounded: string[] = [];
  const open = { getPublicAccessBlock: async () => undefined };
  const adopted = recordOf({
    ...withKey,
    request: { ...withKey.request, bucket: { ...withKey.request.bucket, mode: 'adopt' } },
  });
  for (const record of [withKey, adopted]) {
    const plan = desiredState(integrationId, record.request, settings);
    await testConnection(record, plan, readsOf(open, record), (what, work) => {
      bounded.push(what);
      return work;
    });
  }
  expect(new Set(bounded).size).toBe(Object.keys(readsOf()).length);
});
