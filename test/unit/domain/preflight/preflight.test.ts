import { describe, expect, test } from '@jest/globals';
import { parseRequest } from '../../../../src/domain/model/allowed.ts';
import { type PreflightReads, preflight } from '../../../../src/domain/preflight/preflight.ts';
import type { S3 } from '../../../../src/domain/resources/bucket/s3.ts';
import { type ErrorName, ServiceError } from '../../../../src/errors.ts';
import {
  account,
  asUsual,
  body,
  journalOf,
  ours,
  recordOf,
  requestOf,
  stepOf,
  theirs,
  thrownBy,
  userArn,
} from '../fakes.ts';
import { nothingInTheWay } from '../healthy-reads.ts';

/** What S3 says of a bucket's name. */
const held = (holder: Awaited<ReturnType<S3['headBucket']>>['holder']) => async () => ({
  holder,
  region: undefined,
});

const checksOf = (more: Partial<PreflightReads> = {}): PreflightReads => ({ ...nothingInTheWay, ...more });
const project = (organizationId: string | undefined): Partial<PreflightReads> => ({
  getProject: async (id) => ({ id, organizationId }),
});
const naming = (organizationId: string) =>
  recordOf({ request: requestOf({ dataloop: { projectId: 'project-1', organizationId } }) });

describe('the organisation', () => {
  test.each([
    ['is the project’s', recordOf(), 'org-1', undefined, 'org-1'],
    [
      'is the project’s where request and deployment name the same',
      naming('org-1'),
      'org-1',
      'org-1',
      'org-1',
    ],
    ['is the requested one where Dataloop does not say', naming('org-2'), undefined, undefined, 'org-2'],
    [
      'is the deployment’s one where neither Dataloop nor the request says',
      recordOf(),
      undefined,
      'org-3',
      'org-3',
    ],
  ])('%s', async (_which, record, ofProject, onlyOrganizationId, organizationId) => {
    const found = await preflight(stepOf(record), checksOf(project(ofProject)), onlyOrganizationId);
    expect(found).toEqual({ organizationId });
  });

  test.each([
    [
      'nobody names one',
      recordOf(),
      undefined,
      undefined,
      'DataloopNotFoundError',
      'dataloop.organizationId',
    ],
    [
      'the request names another than the project’s',
      naming('org-2'),
      'org-1',
      undefined,
      'DataloopForbiddenError',
      'org-2',
    ],
    [
      'the deployment serves another than the project’s',
      recordOf(),
      'org-1',
      'org-3',
      'DataloopForbiddenError',
      'org-3',
    ],
    [
      'the deployment serves another than the requested one',
      naming('org-2'),
      undefined,
      'org-3',
      'DataloopForbiddenError',
      'org-3',
    ],
  ])('is refused where %s', async (_why, record, ofProject, onlyOrganizationId, name, named) => {
    const thrown = await thrownBy(
      preflight(stepOf(record), checksOf(project(ofProject)), onlyOrganizationId),
    );
    expect(thrown).toMatchObject({ name, message: expect.stringContaining(named) });
  });
});

describe('what stands in the way is refused', () => {
  const role = (tags: Readonly<Record<string, string>>): Partial<PreflightReads> => ({
    getRole: async (name) => ({
      arn: `arn:aws:iam::111111111111:role/${name}`,
      uniqueId: 'AROA1',
      tags,
      trustPolicy: '{}',
      permissionsBoundaryArn: undefined,
    }),
  });
  const policy = (tags: Readonly<Record<string, string>>): Partial<PreflightReads> => ({
    getPolicy: async () => ({ tags, uniqueId: 'ANPA1' }),
  });
  test.each<[string, Partial<PreflightReads>, string]>([
    [
      'credentials of another account',
      { getCallerAccountId: async () => '999999999999' },
      'WrongAccountError',
    ],
    ['a bucket in this account', { headBucket: held('account') }, 'BucketNameTakenError'],
    ['a bucket in another account', { headBucket: held('another-account') }, 'BucketNameTakenError'],
    ['somebody else’s role', role(theirs), 'RoleNameTakenError'],
    ['an untagged role', role({}), 'RoleNameTakenError'],
    ['somebody else’s policy', policy(theirs), 'PolicyNameTakenError'],
    ['an untagged policy', policy({}), 'PolicyNameTakenError'],
  ])('%s', async (_what, more, name) => {
    expect((await thrownBy(preflight(stepOf(recordOf()), checksOf(more), undefined))).name).toBe(name);
  });

  test('with nothing but the account, where that is the wrong one: no other finding is true there', async () => {
    const checks = checksOf({
      getCallerAccountId: async () => '999999999999',
      getProject: () => Promise.reject(new ServiceError('DataloopNotFoundError', 'No such project.')),
    });
    expect(await thrownBy(preflight(stepOf(recordOf()), checks, undefined))).toMatchObject({
      name: 'WrongAccountError',
      message: expect.stringMatching(/^The service runs with credentials of AWS account 999999999999 /),
    });
  });

  test('by the very names that would be used', async () => {
    const looked: unknown[] = [];
    const request = requestOf({
      bucket: { name: 'dataloop-pictures', region: 'us-west-2' },
      role: { name: 'dataloop-reader' },
      dataloop: { projectId: 'project-2' },
    });
    const checks = checksOf({
      getProject: async (id) => {
        looked.push(id);
        return { id, organizationId: 'org-1' };
      },
      headBucket: async ({ name, region }) => {
        looked.push(`${name} in ${region}`);
        return { holder: 'nobody', region: undefined };
      },
      getRole: async (name) => void looked.push(name),
      getPolicy: async (arn) => void looked.push(arn),
    });
    await preflight(stepOf(recordOf({ request })), checks, undefined);
    expect(looked).toEqual([
      'project-2',
      'dataloop-reader',
      'dataloop-pictures in us-west-2',
      'arn:aws:iam::111111111111:policy/dataloop-cross-account/test/dataloop-reader',
      'arn:aws:iam::111111111111:policy/dataloop-reader',
    ]);
  });

  test('but not a role and a policy that are this integration’s own', async () => {
    const own = checksOf({ ...role(ours), ...policy(ours) });
    await expect(preflight(stepOf(recordOf()), own, undefined)).resolves.toEqual({ organizationId: 'org-1' });
  });
});

describe.each(['AwsUnavailableError', 'DataloopRateLimitError'] as const)('a crowd waits at %s:', (name) => {
  const looked: string[] = [];
  const throttled = async () => Promise.reject(new ServiceError(name, 'Rate exceeded.'));
  const checks = checksOf({
    ...(name === 'AwsUnavailableError' ? { getRole: throttled } : { getProject: throttled }),
    headBucket: async () => {
      looked.push('bucket');
      return { holder: 'nobody', region: undefined };
    },
    listDrivers: async () => {
      looked.push('drivers');
      return [];
    },
  });
  const attempt = async (number: number) => {
    looked.length = 0;
    const step = journalOf(recordOf()).step(['provisioning'], { step: 'Preflight', attempt: number });
    await expect(preflight(step, checks, undefined)).rejects.toMatchObject({ name });
    return looked;
  };

  test('a first attempt makes no more calls of AWS where its first is throttled, and each of Dataloop', async () => {
    expect((await attempt(1)).toSorted()).toEqual(
      name === 'AwsUnavailableError' ? ['drivers'] : ['bucket', 'drivers'],
    );
  });

  test('a later one makes no more than its first two', async () => {
    expect(await attempt(2)).toEqual([]);
  });
});

describe('what is to be adopted', () => {
  const everything = recordOf({
    request: requestOf({
      bucket: { name: 'acme-photos', mode: 'adopt' },
      role: { name: 'AcmeLabelling', mode: 'adopt' },
      dataloop: { projectId: 'project-1', integrationId: 'waiting-1' },
    }),
  });
  const closed = {
    BlockPublicAcls: true,
    IgnorePublicAcls: true,
    BlockPublicPolicy: true,
    RestrictPublicBuckets: true,
  };
  /** Everything is there and can be adopted, but for what is given. */
  const adoptable = (more: Partial<PreflightReads> = {}) =>
    checksOf({
      countIntegrations: () => Promise.reject(new Error('counted')),
      headBucket: async () => ({ holder: 'account', region: 'eu-west-1' }),
      ...asUsual,
      getBucketTagging: async () => ({}),
      getPublicAccessBlock: async () => closed,
      getRole: async (name) => ({
        arn: `arn:aws:iam::111111111111:role/team/${name}`,
        uniqueId: 'AROA1',
        tags: {},
        trustPolicy: '{"Statement":[]}',
        permissionsBoundaryArn: 'arn:aws:iam::111111111111:policy/team-boundary',
      }),
      getIntegration: async (_organizationId, id) => ({
        id,
        name: 'made by hand',
        type: 'aws-cross',
        userArn,
        trustStatus: 'waiting-trust',
      }),
      listIntegrations: async () => [],
      countDrivers: async () => 0,
      ...more,
    });

  test('may be there: its names are no names that are taken, and no integration more is made', async () => {
    await expect(preflight(stepOf(everything), adoptable(), undefined)).resolves.toEqual({
      organizationId: 'org-1',
    });
  });

  test.each<[string, Partial<PreflightReads>, string]>([
    ['bucket', { headBucket: held('nobody') }, 'BucketNotAdoptableError'],
    ['role', { getRole: async () => undefined }, 'RoleNotAdoptableError'],
    ['integration', { getIntegration: async () => undefined }, 'IntegrationNotAdoptableError'],
    [
      'integration, with a driver of our name,',
      { listDrivers: async () => [{ id: 'd', name: 'acme', dataloopIntegrationId: 'waiting-1' }] },
      'DriverNameTakenError',
    ],
  ])('is refused where the %s is not as it must be', async (_what, more, name) => {
    const events: string[] = [];
    const checking = preflight(stepOf(everything, events), adoptable(more), undefined);
    expect([(await thrownBy(checking)).name, events]).toEqual([name, []]);
  });

  test('offers the way of an operator to whom Dataloop does not let look', async () => {
    const forbidden = new ServiceError('DataloopForbiddenError', 'You must be owner.');
    const checking = preflight(
      stepOf(everything),
      adoptable({ getIntegration: () => Promise.reject(forbidden) }),
      undefined,
    );
    expect(await thrownBy(checking)).toMatchObject({
      name: 'DataloopForbiddenError',
      message: expect.stringMatching(/^You must be owner\. A bot .* send "createdBy": "operator"\.$/),
    });
  });

  describe('names the integrations that could be adopted instead', () => {
    const other = { name: 'other', type: 'aws-cross', userArn, trustStatus: 'waiting-trust' };
    const all = [
      { ...other, id: 'free' },
      { ...other, id: 'used' },
      { ...other, id: 'broken', trustStatus: 'untrusted' },
      { ...other, id: 'other-type', type: 'aws-sts' },
    ];
    const refusedWith = async (more: Partial<PreflightReads>) =>
      (
        await thrownBy(
          preflight(
            stepOf(everything),
            adoptable({
              getIntegration: async () => undefined,
              listIntegrations: async () => all,
              countDrivers: async (id) => (id === 'used' ? 1 : 0),
              ...more,
            }),
            undefined,
          ),
        )
      ).message;

    test('that wait for a role and have no driver', async () => {
      expect(await refusedWith({})).toMatch(
        /waiting-1 is not in organisation .* These wait for a role: "other" \(free\)\.$/,
      );
    });

    test('or that there is none', async () => {
      const message = await refusedWith({ listIntegrations: async () => all.slice(2) });
      expect(message).toMatch(/No other integration waits for a role\.$/);
    });

    test('and says no more where Dataloop does not tell', async () => {
      const failing = new ServiceError('DataloopUnavailableError', 'busy');
      const message = await refusedWith({ listIntegrations: () => Promise.reject(failing) });
      expect(message).toMatch(/Check dataloop\.integrationId\.$/);
    });
  });

  test('is told of at once, all that is not as it must be', async () => {
    const error = await thrownBy(
      preflight(
        stepOf(everything),
        adoptable({
          headBucket: held('nobody'),
          getRole: async () => undefined,
          getIntegration: async () => undefined,
        }),
        undefined,
      ),
    );
    expect(error.message).toMatch(/^3 blocking issues: .*waiting-1.*acme-photos.*AcmeLabelling/);
  });
});

test('hands on what Dataloop says of the project', async () => {
  const missing = new ServiceError('DataloopNotFoundError', 'no such project');
  const checks = checksOf({ getProject: () => Promise.reject(missing) });
  expect(await thrownBy(preflight(stepOf(recordOf()), checks, undefined))).toBe(missing);
});

test('journals no resource: nothing is made before everything is known to be free', async () => {
  const events: string[] = [];
  await preflight(stepOf(recordOf(), events), checksOf(), undefined);
  expect(events).toEqual([]);
});

const kmsKeyArn = 'arn:aws:kms:eu-west-1:111111111111:key/1';
const withKey = parseRequest(
  { ...body, bucket: { name: 'dataloop-acme', kmsKeyArn } },
  { ...account, kmsKeyArns: [kmsKeyArn] },
);
const inTheWayOf = (request: ReturnType<typeof requestOf>, more: Partial<PreflightReads>) =>
  thrownBy(preflight(stepOf(recordOf({ request })), checksOf(more), undefined));

describe('a KMS key', () => {
  test.each([
    ['does not exist', undefined, 'does not exist'],
    ['is disabled', { state: 'Disabled', encryptsSymmetrically: true }, 'Enable it'],
    ['is to be deleted', { state: 'PendingDeletion', encryptsSymmetrically: true }, 'Cancel its deletion'],
    ['has no material yet', { state: 'PendingImport', encryptsSymmetrically: true }, 'Choose another key'],
    ['signs', { state: 'Enabled', encryptsSymmetrically: false }, 'symmetric'],
  ])('that %s is in the way, with what to do', async (_which, key, said) => {
    expect(await inTheWayOf(withKey, { describeKey: async () => key })).toMatchObject({
      name: 'KmsKeyNotUsableError',
      message: expect.stringMatching(new RegExp(`${kmsKeyArn}.*${said}`)),
    });
  });

  test('is looked at by its ARN, and where there is none nothing is looked at', async () => {
    const looked: string[] = [];
    const checks = checksOf({
      describeKey: async (arn) => {
        looked.push(arn);
        return { state: 'Enabled', encryptsSymmetrically: true };
      },
    });
    await preflight(stepOf(recordOf()), checks, undefined);
    await preflight(stepOf(recordOf({ request: withKey })), checks, undefined);
    expect(looked).toEqual([kmsKeyArn]);
  });

  test('that hides from the service may still be usable for Dataloop', async () => {
    const describeKey = () => Promise.reject(new ServiceError('AwsAccessDeniedError', 'Hidden.'));
    const step = stepOf(recordOf({ request: withKey }));
    expect(await preflight(step, checksOf({ describeKey }), undefined)).toEqual({
      organizationId: 'org-1',
      warnings: ['Hidden.'],
    });
  });
});

describe('quotas', () => {
  const summary = { roles: 999, rolesQuota: 1000, policies: 1499, policiesQuota: 1500 };

  test.each([
    ['roles', { ...summary, roles: 1000 }, '1000 roles'],
    ['policies', { ...summary, policies: 1500 }, '1500 customer managed policies'],
  ])('of %s that are used up are in the way', async (_which, used, said) => {
    expect(await inTheWayOf(requestOf(), { getAccountSummary: async () => used })).toMatchObject({
      name: 'AwsQuotaExceededError',
      message: expect.stringContaining(said),
    });
  });

  test('of integrations at Dataloop may be higher than the default: a warning', async () => {
    const { warnings } = await preflight(
      stepOf(recordOf()),
      checksOf({ countIntegrations: async () => 15 }),
      undefined,
    );
    expect(warnings).toEqual([expect.stringContaining('org-1 has 15 cross-account integrations')]);
  });

  test.each<ErrorName>(['AwsAccessDeniedError', 'AwsUnavailableError'])(
    'of IAM that cannot be read hold nothing up: %s',
    async (name) => {
      const getAccountSummary = () => Promise.reject(new ServiceError(name, 'No.'));
      expect(await preflight(stepOf(recordOf()), checksOf({ getAccountSummary }), undefined)).toEqual({
        organizationId: 'org-1',
        warnings: ['No.'],
      });
    },
  );
});

describe('a role that is missing at Dataloop is in the way', () => {
  const forbidden = () => Promise.reject(new ServiceError('DataloopForbiddenError', 'No.'));
  test.each<[string, Partial<PreflightReads>]>([
    ['of the organisation', { countIntegrations: forbidden }],
    ['of the project', { listDrivers: forbidden }],
  ])('%s', async (_which, more) => {
    expect((await inTheWayOf(requestOf(), more)).name).toBe('DataloopForbiddenError');
  });

  test('and asked for in the organisation that the request names, where the project is not known', async () => {
    const asked: string[] = [];
    const missing = new ServiceError('DataloopNotFoundError', 'No project.');
    const checks = checksOf({
      getProject: () => Promise.reject(missing),
      countIntegrations: async (id) => asked.push(id),
    });
    expect(await thrownBy(preflight(stepOf(naming('org-2')), checks, undefined))).toBe(missing);
    expect(await thrownBy(preflight(stepOf(recordOf()), checks, undefined))).toBe(missing);
    expect(asked).toEqual(['org-2']);
  });

  test('of the deployment is asked for its integrations beside the project', async () => {
    const asked: string[] = [];
    const { promise: counted, resolve } = Promise.withResolvers<void>();
    const checks = checksOf({
      getProject: async (id) => {
        await counted;
        return { id, organizationId: 'org-1' };
      },
      countIntegrations: async (id) => {
        resolve();
        return asked.push(id);
      },
    });
    await preflight(stepOf(recordOf()), checks, 'org-1');
    expect(asked).toEqual(['org-1']);
  });
});

describe('everything that is in the way', () => {
  const failing = (name: ErrorName, message: string) => () => Promise.reject(new ServiceError(name, message));

  test('is told at once, under the name of the first', async () => {
    const thrown = await inTheWayOf(withKey, {
      headBucket: held('another-account'),
      getRole: async (name) => ({
        arn: `arn:aws:iam::111111111111:role/${name}`,
        uniqueId: 'AROA1',
        tags: {},
        trustPolicy: '{}',
        permissionsBoundaryArn: undefined,
      }),
      getPolicy: async () => ({ tags: {} }),
      describeKey: async () => undefined,
      getAccountSummary: async () => ({ roles: 1, rolesQuota: 1, policies: 1, policiesQuota: 1 }),
      getProject: failing('DataloopNotFoundError', 'No project.'),
      listDrivers: failing('DataloopForbiddenError', 'No role.'),
    });
    expect(thrown.name).toBe('DataloopNotFoundError');
    expect(thrown.message).toMatch(
      /^8 blocking issues: 1\. No project\. 2\. No role\. 3\. The bucket .* 8\. /,
    );
    for (const said of ['role named', 'policy named', 'KMS key', '1 roles', '1 customer managed policies']) {
      expect(thrown.message).toContain(said);
    }
  });

  test('goes before what may pass: the step is not tried again in vain', async () => {
    const thrown = await inTheWayOf(requestOf(), {
      getProject: failing('DataloopUnavailableError', 'Busy.'),
      headBucket: held('account'),
    });
    expect(thrown).toMatchObject({ name: 'BucketNameTakenError', message: expect.stringContaining('Busy.') });
  });

  test('but may pass is tried again', async () => {
    const thrown = await inTheWayOf(requestOf(), {
      getProject: failing('DataloopUnavailableError', 'Busy.'),
      getRole: failing('AwsUnavailableError', 'Slow.'),
    });
    expect(thrown).toMatchObject({ name: 'DataloopUnavailableError', retryable: true });
    expect(thrown.message).toContain('Slow.');
  });

  test('is looked for to the end, also where one look fails at once', async () => {
    let hasEnded = false;
    await inTheWayOf(requestOf(), {
      headBucket: held('account'),
      getPolicy: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        hasEnded = true;
        return undefined;
      },
    });
    expect(hasEnded).toBe(true);
  });
});

test('a mistake of ours is no finding', async () => {
  const mistake = new TypeError('x is not a function');
  expect(await inTheWayOf(requestOf(), { getRole: () => Promise.reject(mistake) })).toBe(mistake);
});
