import { describe, expect, test } from '@jest/globals';
import { requestHashOf } from '../../../../src/domain/lifecycle/start.ts';
import { parseBody } from '../../../../src/domain/model/request.ts';
import {
  iamUserPlaceholder,
  type PlanReads,
  planIntegration,
} from '../../../../src/domain/preflight/dry-run.ts';
import { ServiceError } from '../../../../src/errors.ts';
import { account, asUsual, body, integrationId, recordOf, requestOf, thrownBy } from '../fakes.ts';
import { nothingInTheWay } from '../healthy-reads.ts';
import { stack } from '../stacks.ts';

const kmsKeyArn = 'arn:aws:kms:eu-west-1:111111111111:key/1';

const planOf = (
  request: object,
  reads: Partial<PlanReads> = {},
  onlyOrganizationId?: string,
  settings = account,
) =>
  planIntegration(parseBody(request), { ...settings, kmsKeyArns: [kmsKeyArn] }, onlyOrganizationId, {
    ...nothingInTheWay,
    ...reads,
  });

/** Holds all that a request for a created bucket needs. */
const heldBy = (id: string) => async (lock: string) => (lock.startsWith('adopted-bucket#') ? undefined : id);

describe('a plan that is clear', () => {
  test('names what would be created and what is used as it is', async () => {
    const plan = await planOf({ ...body, bucket: { name: 'dataloop-acme', kmsKeyArn } });
    expect(plan).toMatchObject({ name: 'acme', clear: true, findings: [] });
    expect(plan.resources).toEqual([
      {
        action: 'create',
        type: 'AWS::S3::Bucket',
        arn: 'arn:aws:s3:::dataloop-acme',
        name: 'dataloop-acme',
        region: 'eu-west-1',
      },
      {
        action: 'create',
        type: 'AWS::IAM::ManagedPolicy',
        arn: 'arn:aws:iam::111111111111:policy/dataloop-cross-account/test/dataloop-acme',
        name: 'dataloop-acme',
      },
      {
        action: 'create',
        type: 'AWS::IAM::Role',
        arn: 'arn:aws:iam::111111111111:role/dataloop-cross-account/test/dataloop-acme',
        name: 'dataloop-acme',
      },
      { action: 'create', type: 'Dataloop::Integration', name: 'acme <id of the integration>' },
      { action: 'create', type: 'Dataloop::Driver', name: 'acme' },
      { action: 'leave', type: 'AWS::KMS::Key', arn: kmsKeyArn },
      { action: 'leave', type: 'AWS::IAM::ManagedPolicy', arn: 'arn:aws:iam::111111111111:policy/boundary' },
      { action: 'leave', type: 'Dataloop::Project', id: 'project-1' },
    ]);
  });

  test('holds the documents in full, with a placeholder that is no ARN for the user', async () => {
    const plan = await planOf(body);
    expect(plan.trustPolicy).toEqual({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { AWS: iamUserPlaceholder }, Action: 'sts:AssumeRole' }],
    });
    expect(iamUserPlaceholder).not.toMatch(/arn:|^\w+$/);
    expect(plan.permissionPolicy.Statement).toEqual([expect.objectContaining({ Sid: 'AllowListBucket' })]);
    expect(plan.permissionsBoundaryArn).toBe(account.permissionsBoundaryArn);
  });

  test('has a bucket policy, and the right to write it, only where the deployment denies plain HTTP', async () => {
    const written = async (denyPlainHttp: boolean) => {
      const { bucketPolicy, actions } = await planOf(body, {}, undefined, { ...account, denyPlainHttp });
      return [
        bucketPolicy?.Statement,
        actions.filter(({ action }) => action === 's3:PutBucketPolicy').length,
      ];
    };
    expect(await written(false)).toEqual([undefined, 0]);
    expect(await written(true)).toEqual([[expect.objectContaining({ Sid: 'DenyPlainHttp' })], 1]);
  });

  test('names the actions of what was asked for alone', async () => {
    const actionsOf = async (bucket: object) => {
      const { actions } = await planOf({ ...body, bucket: { name: 'dataloop-acme', ...bucket } });
      return actions.map(({ action }) => action);
    };
    const [most, least] = [await actionsOf({ kmsKeyArn }), await actionsOf({ cors: false })];
    expect(most.filter((action) => !least.includes(action)).sort()).toEqual([
      'kms:DescribeKey',
      's3:GetBucketCORS',
      's3:PutBucketCORS',
    ]);
  });

  test('stays clear where there is something that people should know', async () => {
    const plan = await planOf(body, { countIntegrations: async () => 15 });
    expect(plan.clear).toBe(true);
    expect(plan.findings).toEqual([
      {
        severity: 'warning',
        type: 'urn:dataloop-cross-account:problem:dataloop-integration-limit',
        title: "Dataloop's integration limit is reached",
        resource: { type: 'Dataloop::Integration' },
        detail: expect.stringContaining('Unless your limit is higher, delete one'),
      },
    ]);
  });
});

describe('what is outside of the deployment’s parameters', () => {
  test('is a finding for each field, and nothing of it is looked at', async () => {
    const looked: string[] = [];
    const look = (what: string) => async () => {
      looked.push(what);
      return undefined;
    };
    const plan = await planOf(
      {
        name: 'acme',
        bucket: {
          name: 'theirs',
          kmsKeyArn: 'arn:aws:kms:eu-west-1:111111111111:key/other',
          region: 'sa-east-1',
        },
        role: { name: 'admin' },
        dataloop: { projectId: 'project-1', organizationId: 'org-2' },
        tags: { team: 'payroll' },
      },
      {
        headBucket: async () => {
          looked.push('bucket');
          return { holder: 'nobody', region: undefined };
        },
        getRole: look('role'),
        getPolicy: look('policy'),
        describeKey: look('key'),
      },
      'org-1',
      { ...account, tagKeys: [] },
    );
    expect(plan.clear).toBe(false);
    const outside = plan.findings.filter(({ type }) => type.endsWith(':invalid-request'));
    expect(outside.map(({ pointer, severity }) => [pointer, severity])).toEqual([
      ['/bucket/name', 'error'],
      ['/bucket/region', 'error'],
      ['/bucket/kmsKeyArn', 'error'],
      ['/tags/team', 'error'],
      ['/role/name', 'error'],
      ['/dataloop/organizationId', 'error'],
    ]);
    expect(outside[0]?.detail).toContain('bucketNamePattern');
    expect(looked).toEqual([]);
  });
});

describe('a name or bucket that another integration holds', () => {
  const other = recordOf({
    id: 'int_other',
    name: 'other',
    status: 'ready',
    request: requestOf({ name: 'other', bucket: { name: 'dataloop-acme' } }),
  });

  test.each([
    ['name#acme', '/name'],
    ['bucket#dataloop-acme#acme', '/bucket/name'],
    ['created-bucket#dataloop-acme', '/bucket/name'],
  ])('%s is told with the holder', async (held, pointer) => {
    const plan = await planOf(body, {
      lockHolder: async (lock) => (lock === held ? 'int_other' : undefined),
      read: async (id) => (id === 'int_other' ? other : undefined),
    });
    expect(plan.clear).toBe(false);
    expect(plan.findings).toEqual([
      expect.objectContaining({
        severity: 'error',
        type: 'urn:dataloop-cross-account:problem:name-or-bucket-taken',
        resource: { type: 'Integration', id: 'int_other', name: 'other' },
        pointer,
        detail: expect.stringContaining('DELETE /integrations/int_other'),
      }),
    ]);
  });

  test('is told once where it holds both', async () => {
    const plan = await planOf(body, { lockHolder: heldBy('int_other'), read: async () => other });
    expect(plan.findings).toHaveLength(1);
  });

  test.each([
    ['ready', `Already connected as ${integrationId}; sending this again changes nothing.`],
    [
      'residue',
      `You sent this request before: ${integrationId} is in residue. Sending it again changes nothing. See GET /integrations/${integrationId}.`,
    ],
  ] as const)(
    'is told once, and is not in the way, where the very same request is %s',
    async (status, detail) => {
      const same = recordOf({ status, requestHash: requestHashOf(requestOf()) });
      // Its own bucket, role and policy are there.
      const taken = () => Promise.reject(new Error('looked'));
      const plan = await planOf(body, {
        lockHolder: async () => same.id,
        read: async () => same,
        headBucket: taken,
        getRole: taken,
        getPolicy: taken,
      });
      expect(plan.clear).toBe(true);
      expect(plan.findings).toEqual([
        expect.objectContaining({
          severity: 'warning',
          type: 'urn:dataloop-cross-account:problem:already-connected',
          detail,
        }),
      ]);
      expect(new Set(plan.resources.map(({ action }) => action))).toEqual(new Set(['leave']));
      expect(plan.actions).toEqual([]);
      expect(Object.values(plan.tags)).toContain(same.id);
    },
  );

  test('is told as in the way where a stack sent the same request: the API would not answer with that one', async () => {
    const requestHash = requestHashOf(requestOf(), { stack });
    const same = recordOf({ status: 'ready', stack, requestHash });
    const plan = await planOf(body, { lockHolder: heldBy(same.id), read: async () => same });
    expect(plan.clear).toBe(false);
    expect(plan.findings).toEqual([
      expect.objectContaining({ detail: expect.stringContaining(`are used by ${same.id}, which is ready`) }),
    ]);
  });

  test('is free where nothing stands of the one that a lock names', async () => {
    const gone = { ...other, status: 'removed' as const };
    const plan = await planOf(body, { lockHolder: async () => 'int_other', read: async () => gone });
    expect(plan.findings).toEqual([]);
  });

  test('but not of one that is just being removed', async () => {
    const same = recordOf({ status: 'removing', requestHash: requestHashOf(requestOf()) });
    const plan = await planOf(body, { lockHolder: heldBy(same.id), read: async () => same });
    expect(plan.findings).toEqual([
      expect.objectContaining({ detail: expect.stringContaining('send the request again when it is gone') }),
    ]);
  });
});

describe('another integration on the same bucket', () => {
  const other = (prefix?: string, name = 'dataloop-acme') =>
    recordOf({
      id: 'int_other',
      name: 'other',
      status: 'ready',
      request: requestOf({ bucket: { name, ...(prefix ? { prefix } : {}) } }),
    });
  const found = async (prefix: string | undefined, standing: ReturnType<typeof recordOf>) => {
    const bucket = { name: 'dataloop-acme', ...(prefix ? { prefix } : {}) };
    const asked: string[] = [];
    const plan = await planOf(
      { ...body, bucket },
      {
        lockHolder: async (lock) => {
          asked.push(lock);
          return lock === 'adopted-bucket#dataloop-acme' ? standing.id : undefined;
        },
        read: async (id) => (id === standing.id ? standing : undefined),
      },
    );
    // However many integrations stand.
    expect(asked.length).toBeLessThanOrEqual(5);
    expect(plan.clear).toBe(true);
    return plan.findings.map(({ severity, detail }) => `${severity}: ${detail}`);
  };

  test.each([
    ['the whole of it', undefined, undefined, 'whole bucket dataloop-acme'],
    ['a folder of it', undefined, 'raw/', 'folder raw/ of bucket dataloop-acme'],
    ['the whole of it, this one a folder', 'raw/', undefined, 'whole bucket dataloop-acme'],
    ['the same folder', 'raw/', 'raw/', 'folder raw/'],
    ['a folder in its folder', 'raw/', 'raw/a/', 'folder raw/a/'],
    ['a folder around its folder', 'raw/a/', 'raw/', 'folder raw/'],
  ])('that reaches %s is a warning that names it', async (_which, prefix, others, said) => {
    expect(await found(prefix, other(others))).toEqual([
      expect.stringMatching(new RegExp(`^warning: .*int_other .*${said}`)),
    ]);
  });

  test.each([
    ['a folder beside it', 'raw/', other('ready/')],
    ['a folder whose name begins like it', 'raw/', other('raw2/')],
    ['another bucket', undefined, other(undefined, 'dataloop-other')],
    ['nothing any more', undefined, { ...other(), status: 'removed' as const }],
  ])('is none where it reaches %s', async (_which, prefix, standing) => {
    expect(await found(prefix, standing)).toEqual([]);
  });
});

describe('what cannot be looked at', () => {
  test.each<[string, Partial<PlanReads>]>([
    [
      'the number of buckets',
      { countBuckets: () => Promise.reject(new ServiceError('AwsAccessDeniedError', 'No.')) },
    ],
    [
      'other integrations',
      {
        lockHolder: (lock) =>
          lock === 'adopted-bucket#dataloop-acme'
            ? Promise.reject(new ServiceError('AwsUnavailableError', 'No.'))
            : Promise.resolve(undefined),
      },
    ],
  ])('is a warning where it would be no more: %s', async (_what, more) => {
    const plan = await planOf(body, more);
    expect(plan.clear).toBe(true);
    expect(plan.findings).toEqual([expect.objectContaining({ severity: 'warning', detail: 'No.' })]);
  });

  test('is unknown where that may pass, and then the plan is not clear', async () => {
    const busy = new ServiceError('AwsUnavailableError', 'AWS did not read role x (Throttling).', {
      mayPass: true,
    });
    const plan = await planOf(body, { getRole: () => Promise.reject(busy) });
    expect(plan.clear).toBe(false);
    expect(plan.findings).toEqual([
      expect.objectContaining({
        severity: 'unknown',
        detail: 'AWS did not read role x (Throttling). Try again in a moment.',
      }),
    ]);
  });

  test('is in the way where it does not pass', async () => {
    const denied = new ServiceError('AwsAccessDeniedError', 'No.');
    const plan = await planOf(body, { getRole: () => Promise.reject(denied) });
    expect(plan.findings).toEqual([expect.objectContaining({ severity: 'error', detail: 'No.' })]);
  });

  test('is given up in time, the locks included', async () => {
    const bounded: string[] = [];
    await planIntegration(parseBody(body), account, undefined, nothingInTheWay, (what, work) => {
      bounded.push(what);
      return work;
    });
    expect(bounded).toContain(
      'AWS::IAM::Role arn:aws:iam::111111111111:role/dataloop-cross-account/test/dataloop-acme',
    );
    expect(bounded.filter((what) => what === 'Integration acme')).toHaveLength(3);
    expect(bounded).toHaveLength(16);
  });
});

test('everything that is in the way is told at once, each finding with its field', async () => {
  const forbidden = () => Promise.reject(new ServiceError('DataloopForbiddenError', 'No role.'));
  const other = recordOf({ id: 'int_other', name: 'other', status: 'ready' });
  const plan = await planOf(
    { ...body, bucket: { name: 'dataloop-acme', kmsKeyArn }, role: { name: 'admin' } },
    {
      getProject: () => Promise.reject(new ServiceError('DataloopNotFoundError', 'No project.')),
      listDrivers: forbidden,
      headBucket: async () => ({ holder: 'account', region: undefined }),
      describeKey: async () => ({ state: 'Disabled', encryptsSymmetrically: true }),
      getAccountSummary: async () => ({ roles: 2, rolesQuota: 2, policies: 3, policiesQuota: 3 }),
      countBuckets: async () => 10_000,
      lockHolder: async () => 'int_other',
      read: async () => other,
    },
  );
  expect(
    plan.findings.map(({ severity, type, pointer }) => [severity, type.split(':').at(-1), pointer]),
  ).toEqual([
    ['error', 'invalid-request', '/role/name'],
    ['error', 'name-or-bucket-taken', '/name'],
    ['error', 'dataloop-not-found', '/dataloop/projectId'],
    ['error', 'dataloop-forbidden', '/dataloop/projectId'],
    ['error', 'bucket-name-taken', '/bucket/name'],
    ['error', 'kms-key-not-usable', '/bucket/kmsKeyArn'],
    ['error', 'aws-quota-exceeded', undefined],
    ['error', 'aws-quota-exceeded', undefined],
    ['warning', 'aws-quota-exceeded', undefined],
    ['warning', 'prefix-overlap', '/bucket/prefix'],
  ]);
  expect(plan.clear).toBe(false);
});

test('a driver that reaches the same objects is told as one', async () => {
  const driver = recordOf({
    id: 'drv_other',
    parent: { integrationId: 'int_other', dataloopIntegrationId: 'dl-1' },
    status: 'ready',
    request: { ...recordOf().request, dataloop: { projectId: 'p', driverName: 'Videos', allowDelete: true } },
  });
  const plan = await planOf(body, {
    lockHolder: async (lock) => (lock === 'adopted-bucket#dataloop-acme' ? driver.id : undefined),
    read: async () => driver,
  });
  expect(plan.findings.map(({ detail }) => detail)).toEqual([
    expect.stringContaining('The driver drv_other ("Videos", ready) uses the whole bucket'),
  ]);
});

test('a mistake of ours is no finding', async () => {
  const mistake = new TypeError('x is not a function');
  expect(await thrownBy(planOf(body, { countBuckets: () => Promise.reject(mistake) }))).toBe(mistake);
});

describe('a plan of what is adopted', () => {
  const closed = {
    BlockPublicAcls: true,
    IgnorePublicAcls: true,
    BlockPublicPolicy: true,
    RestrictPublicBuckets: true,
  };
  const request = {
    ...body,
    bucket: { name: 'acme-photos', mode: 'adopt' },
    role: { name: 'AcmeLabelling', mode: 'adopt' },
    dataloop: { ...body.dataloop, integrationId: 'waiting-1' },
  };
  const standing: Partial<PlanReads> = {
    headBucket: async () => ({ holder: 'account', region: 'eu-west-1' }),
    ...asUsual,
    getBucketTagging: async () => ({}),
    getPublicAccessBlock: async () => closed,
    getAccountPublicAccessBlock: async () => undefined,
    getRole: async (name) => ({
      arn: `arn:aws:iam::111111111111:role/team/${name}`,
      uniqueId: 'AROA1',
      tags: {},
      trustPolicy: '{"Statement":[]}',
      permissionsBoundaryArn: 'arn:aws:iam::111111111111:policy/team-boundary',
    }),
    listIntegrations: async () => [],
    countDrivers: async () => 0,
    getIntegration: async (_organizationId, id) => ({
      id,
      name: 'by hand',
      type: 'aws-cross',
      userArn: 'arn:aws:iam::222222222222:user/dataloop-1',
      trustStatus: 'waiting-trust',
    }),
  };

  test('says what is changed and what is left, and shows what is written alone', async () => {
    const plan = await planOf(request, standing);
    expect(plan).toMatchObject({ clear: true, findings: [] });
    expect(plan.resources).toMatchObject([
      { action: 'change', type: 'AWS::S3::Bucket', name: 'acme-photos' },
      { action: 'create', type: 'AWS::IAM::ManagedPolicy', name: 'dataloop-acme' },
      { action: 'change', type: 'AWS::IAM::Role', arn: 'arn:aws:iam::111111111111:role/team/AcmeLabelling' },
      { action: 'change', type: 'Dataloop::Integration', id: 'waiting-1' },
      { action: 'create', type: 'Dataloop::Driver' },
      { action: 'leave', type: 'Dataloop::Project' },
    ]);
    expect(plan.trustPolicy.Statement).toEqual([
      {
        Sid: 'Dataloop<id of the integration>',
        Effect: 'Allow',
        Principal: { AWS: iamUserPlaceholder },
        Action: 'sts:AssumeRole',
      },
    ]);
    expect([plan.bucketPolicy, plan.permissionsBoundaryArn]).toEqual([undefined, undefined]);
  });

  test('leaves a bucket as it is for which nothing is asked', async () => {
    const bucket = { ...request.bucket, cors: false };
    const plan = await planOf({ ...request, bucket }, standing);
    expect(plan.resources[0]).toMatchObject({ action: 'leave', name: 'acme-photos' });
    expect(plan.actions.filter(({ action }) => action.startsWith('s3:Put'))).toEqual([]);
  });

  test('names just the actions on what is adopted that are needed', async () => {
    const { actions } = await planOf(request, standing);
    const of = (service: string) => [
      ...new Set(
        actions
          .filter(({ action }) => action.startsWith(service))
          .map(({ action }) => action.slice(service.length)),
      ),
    ];
    expect(of('s3:').sort()).toEqual([
      'GetAccountPublicAccessBlock',
      'GetBucketCORS',
      'GetBucketObjectLockConfiguration',
      'GetBucketPolicy',
      'GetBucketPublicAccessBlock',
      'GetBucketRequestPayment',
      'GetBucketTagging',
      'GetBucketVersioning',
      'GetEncryptionConfiguration',
      'ListBucket',
      'PutBucketCORS',
    ]);
    expect(of('iam:')).not.toContain('CreateRole');
    expect(of('iam:')).not.toContain('DeleteRole');
    expect(of('iam:')).toContain('UpdateAssumeRolePolicy');
  });

  test('finds all that is not as it must be, by field', async () => {
    const plan = await planOf(request, {
      ...standing,
      getPublicAccessBlock: async () => undefined,
      getRole: async () => undefined,
      getIntegration: async () => undefined,
    });
    expect(plan.clear).toBe(false);
    expect(plan.findings.map(({ type, pointer }) => [type.split(':').at(-1), pointer]).sort()).toEqual([
      ['bucket-not-adoptable', '/bucket/name'],
      ['integration-not-adoptable', '/dataloop/integrationId'],
      ['role-not-adoptable', '/role/name'],
    ]);
  });

  test('looks at nothing that the deployment does not name', async () => {
    const names = { bucket: { name: 'others', mode: 'adopt' }, role: { name: 'Others', mode: 'adopt' } };
    const never = () => Promise.reject(new Error('looked'));
    const plan = await planOf(
      { ...body, ...names },
      { headBucket: never, getBucketTagging: never, getPublicAccessBlock: never, getRole: never },
    );
    expect(plan.findings.map(({ pointer }) => pointer)).toEqual(['/bucket/name', '/role/name']);
  });

  test.each([
    ['adopted-bucket#acme-photos', '/bucket/name'],
    ['adopted-role#AcmeLabelling', '/role/name'],
    ['adopted-integration#waiting-1', '/dataloop/integrationId'],
  ])('says by the field where another integration holds %s', async (held, pointer) => {
    const holder = recordOf({ id: 'int_1', status: 'ready' });
    const plan = await planOf(request, {
      ...standing,
      lockHolder: async (lock) => (lock === held ? 'int_1' : undefined),
      read: async () => holder,
    });
    expect(plan.findings).toMatchObject([{ pointer, detail: expect.stringContaining('int_1') }]);
  });

  test('names the integrations that wait where another one of ours holds the one that is named', async () => {
    const waiting = { name: 'other', type: 'aws-cross', userArn: 'arn:user', trustStatus: 'waiting-trust' };
    const ids = ['waiting-1', 'free', 'held'];
    const plan = await planOf(request, {
      ...standing,
      listIntegrations: async () => [
        ...ids.map((id) => ({ ...waiting, id })),
        { ...waiting, id: 'ours', name: `acme ${integrationId}` },
      ],
      lockHolder: async (lock) => (/#(waiting-1|held)$/.test(lock) ? 'int_1' : undefined),
      read: async () => recordOf({ id: 'int_1', status: 'ready' }),
    });
    expect(plan.findings).toMatchObject([
      {
        pointer: '/dataloop/integrationId',
        detail: expect.stringMatching(/int_1, which is ready.* These wait for a role: "other" \(free\)\.$/),
      },
    ]);
  });
});

describe('the API key', () => {
  const now = nothingInTheWay.now();
  const findingsFor = async (expiresAt: number | undefined) =>
    (await planOf(body, { apiKeyEnd: async () => expiresAt })).findings;
  const day = 86_400_000;

  test.each([
    [29.5, 'expires on 2027-01-05, in 29 days. Then'],
    [1.5, 'expires on 2026-12-08, in 1 day. Then'],
    [0.5, 'expires on 2026-12-07, within a day. Then'],
  ])('of which %d days are left is warned of', async (left, said) => {
    expect(await findingsFor(now + left * day)).toMatchObject([
      { severity: 'warning', resource: { type: 'Dataloop::ApiKey' }, detail: expect.stringContaining(said) },
    ]);
  });

  test('that lasts, or a log-in, is not', async () => {
    expect(await findingsFor(now + 31 * day)).toEqual([]);
    expect(await findingsFor(undefined)).toEqual([]);
  });

  test('that cannot be read is left to the other checks', async () => {
    const failing = new ServiceError('DataloopCredentialsError', 'wrong');
    expect((await planOf(body, { apiKeyEnd: () => Promise.reject(failing) })).findings).toEqual([]);
  });
});

describe('the integrations at Dataloop that wait for a role', () => {
  const waiting = { type: 'aws-cross', userArn: 'arn:user', trustStatus: 'waiting-trust' };
  const named = (id: string) => ({ ...waiting, id, name: `name of ${id}` });
  const waitingIn = async (reads: Partial<PlanReads>, request: object = body) =>
    (await planOf(request, reads)).waitingIntegrations;

  test('are listed where the request names none, if nobody uses them', async () => {
    const listIntegrations = async () => [
      ...['free', 'used', 'held'].map(named),
      { ...named('broken'), trustStatus: 'untrusted' },
      { ...named('ours'), name: `acme ${integrationId}` },
    ];
    const reads: Partial<PlanReads> = {
      listIntegrations,
      countDrivers: async (id) => (id === 'used' ? 1 : 0),
      lockHolder: async (lock) => (lock.endsWith('#held') ? 'int_1' : undefined),
      read: async () => recordOf({ id: 'int_1', status: 'ready' }),
    };
    expect(await waitingIn(reads)).toEqual([{ id: 'free', name: 'name of free' }]);
  });

  test('are ten at most, however many before them are used', async () => {
    const ids = Array.from({ length: 35 }, (_each, index) => `i-${index}`);
    const found = await waitingIn({
      listIntegrations: async () => ids.map(named),
      countDrivers: async (id) => (ids.indexOf(id) < 12 ? 1 : 0),
    });
    expect(found?.map(({ id }) => id)).toEqual(ids.slice(12, 22));
  });

  test('are left out where there is none, an operator makes one, or Dataloop does not tell', async () => {
    expect(await waitingIn({})).toBeUndefined();
    const asked = { ...body, dataloop: { ...body.dataloop, createdBy: 'operator' } };
    const listIntegrations = async () => [named('free')];
    const reads = { listIntegrations, countDrivers: async () => 0 };
    expect([await waitingIn(reads, asked), await waitingIn(reads)]).toMatchObject([
      undefined,
      [{ id: 'free' }],
    ]);
    const failing = new ServiceError('DataloopUnavailableError', 'busy');
    expect(await waitingIn({ listIntegrations: () => Promise.reject(failing) })).toBeUndefined();
  });
});
