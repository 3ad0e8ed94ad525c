import { GetAccountAuthorizationDetailsCommand, IAMClient } from '@aws-sdk/client-iam';
import {
  GetBucketCorsCommand,
  GetBucketTaggingCommand,
  ListBucketsCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { changes, countsOf, takeStanding, versionsChanged } from '../../../../local/rehearsal/snapshot.ts';

const clients = { iam: new IAMClient({ region: 'eu-west-1' }), s3: new S3Client({ region: 'eu-west-1' }) };
const iam = mockClient(clients.iam);
const s3 = mockClient(clients.s3);
const role = { Arn: 'arn:role', RoleName: 'role', AssumeRolePolicyDocument: 'trust' };
const versions = (...documents: string[]) => ({
  DefaultVersionId: `v${documents.length}`,
  PolicyVersionList: documents.map((Document, index) => ({ VersionId: `v${index + 1}`, Document })),
});
const policy = { Arn: 'arn:policy', PolicyId: 'P1', ...versions('a') };
const named = (name: string) => Object.assign(new Error(name), { name });

beforeEach(() => {
  iam.reset();
  s3.reset();
  iam.on(GetAccountAuthorizationDetailsCommand).resolves({ RoleDetailList: [role], Policies: [policy] });
  s3.onAnyCommand().resolves({});
  s3.on(ListBucketsCommand).resolves({ Buckets: [{ Name: 'theirs' }] });
  s3.on(GetBucketTaggingCommand).resolves({ TagSet: [{ Key: 'team', Value: 'theirs' }] });
});

const take = () => takeStanding({ clients, dataloop: undefined, projectId: 'p' });

test('two looks at the same are the same, also where a role was used in between', async () => {
  const before = await take();
  iam.on(GetAccountAuthorizationDetailsCommand).resolves({
    RoleDetailList: [{ ...role, RoleLastUsed: { LastUsedDate: new Date() } }],
    Policies: [policy],
  });
  expect(changes(before, await take())).toEqual([]);
  expect(countsOf(before)).toBe('1 bucket, 1 policy, 1 role');
});

describe('is told', () => {
  test('what came and what went', async () => {
    const before = await take();
    s3.on(ListBucketsCommand).resolves({ Buckets: [{ Name: 'new' }] });
    expect(changes(before, await take())).toEqual(['+ buckets: new', '- buckets: theirs']);
  });

  test('a trust policy that says something else', async () => {
    const before = await take();
    iam.on(GetAccountAuthorizationDetailsCommand).resolves({
      RoleDetailList: [{ ...role, AssumeRolePolicyDocument: 'other' }],
      Policies: [policy],
    });
    expect(changes(before, await take())).toEqual(['~ roles: arn:role']);
  });

  test('a policy that was made anew under the same name', async () => {
    const before = await take();
    iam.on(GetAccountAuthorizationDetailsCommand).resolves({
      RoleDetailList: [role],
      Policies: [{ ...policy, PolicyId: 'P2' }],
    });
    expect(changes(before, await take())).toEqual(['~ policies: arn:policy']);
  });

  test.each([
    {
      what: 'says more',
      documents: ['a', 'a and b'],
      told: ['~ policies: arn:policy', versionsChanged('arn:policy')],
    },
    {
      what: 'was written, and written as it was before',
      documents: ['a', 'a and b', 'a'],
      told: [versionsChanged('arn:policy')],
    },
  ])('a policy that $what', async ({ documents, told }) => {
    const before = await take();
    iam.on(GetAccountAuthorizationDetailsCommand).resolves({
      RoleDetailList: [role],
      Policies: [{ ...policy, ...versions(...documents) }],
    });
    expect(changes(before, await take())).toEqual(told);
  });

  test('a policy that is attached to a role beside what it had', async () => {
    const before = await take();
    iam.on(GetAccountAuthorizationDetailsCommand).resolves({
      RoleDetailList: [{ ...role, AttachedManagedPolicies: [{ PolicyArn: 'arn:policy' }] }],
      Policies: [policy],
    });
    expect(changes(before, await take())).toEqual(['~ roles: arn:role']);
  });

  test('a bucket whose settings are others', async () => {
    s3.on(GetBucketCorsCommand).rejects(named('NoSuchCORSConfiguration'));
    const before = await take();
    s3.on(GetBucketCorsCommand).resolves({ CORSRules: [] });
    expect(changes(before, await take())).toEqual(['~ buckets: theirs']);
  });
});

test('a bucket that may not be looked into is compared as far as it may', async () => {
  s3.on(GetBucketTaggingCommand).rejects(named('AccessDenied'));
  expect(changes(await take(), await take())).toEqual([]);
});

test('an error that says nothing of the bucket is not taken for an answer', async () => {
  s3.on(GetBucketTaggingCommand).rejects(named('SlowDown'));
  await expect(take()).rejects.toThrow('SlowDown');
});

describe('at Dataloop', () => {
  const dataloop = { apiUrl: 'https://dataloop.test/api/v1', token: 't', orgId: 'o' };
  const integration = { id: 'i-1', name: 'theirs', type: 'aws-cross' };
  const said = (id: string, value: string) => ({ ...integration, metadata: [{ id, name: 'status', value }] });
  const original = globalThis.fetch;
  afterEach(() => {
    globalThis.fetch = original;
  });

  function answering(integrations: unknown, status = 200) {
    const datasets = { items: [{ id: 'd-1', name: 'images', driver: null }] };
    const fake = jest.fn<typeof fetch>(async (url) => {
      const [, kind] = /(drivers|datasets)/.exec(String(url)) ?? [];
      const answers = { drivers: [], datasets };
      return Response.json(kind === 'drivers' || kind === 'datasets' ? answers[kind] : integrations, {
        status,
      });
    });
    globalThis.fetch = fake;
    return fake;
  }
  const look = () => takeStanding({ clients, dataloop, projectId: 'p' });

  test('integrations, drivers and datasets are listed by name and id', async () => {
    const fake = answering([said('m-1', 'trust-established')]);
    const { listing } = await look();
    expect(listing).toMatchObject({
      integrations: ['theirs (i-1)'],
      drivers: [],
      datasets: ['images (d-1)'],
    });
    expect(fake.mock.calls.map(([url]) => String(url)).sort()).toEqual([
      'https://dataloop.test/api/v1/datasets/query',
      'https://dataloop.test/api/v1/drivers?projectId=p',
      'https://dataloop.test/api/v1/orgs/o/integrations',
    ]);
  });

  test('ids that are made anew for each answer are no change; what an integration says is', async () => {
    answering([said('m-1', 'trust-established')]);
    const before = await look();
    answering([said('m-2', 'trust-established')]);
    expect(changes(before, await look())).toEqual([]);
    answering([said('m-3', 'waiting-trust')]);
    expect(changes(before, await look())).toEqual(['~ integrations: theirs (i-1)']);
  });

  test('a refusal says whose token is needed, and not the token', async () => {
    answering({ message: 'no' }, 403);
    await expect(look()).rejects.toThrow(/403 to GET .*owner of the organisation/);
  });
});
