/** The test of a live connection: healthy, and after each part of it was changed from outside. */
import {
  AttachRolePolicyCommand,
  CreatePolicyVersionCommand,
  DeleteRoleCommand,
  DeleteRolePermissionsBoundaryCommand,
  DeleteRolePolicyCommand,
  DetachRolePolicyCommand,
  GetPolicyVersionCommand,
  PutRolePermissionsBoundaryCommand,
  PutRolePolicyCommand,
  paginateListRoles,
  TagRoleCommand,
  UntagRoleCommand,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam';
import {
  DeleteBucketCommand,
  DeleteBucketCorsCommand,
  DeleteBucketTaggingCommand,
  DeletePublicAccessBlockCommand,
  GetBucketCorsCommand,
  GetBucketTaggingCommand,
  PutBucketCorsCommand,
  PutBucketEncryptionCommand,
  PutBucketTaggingCommand,
  PutPublicAccessBlockCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import type { IntegrationAnswer } from '../../../local/observe/api-client.ts';
import { changes, takeSnapshot } from '../../faults/snapshot.ts';
import { roleArnOf, trustedBy } from '../dataloop-session.ts';
import {
  api,
  connect,
  dataloopCall,
  deployment,
  disconnect,
  environment,
  iam,
  params,
  s3,
  settled,
  uniqueName,
} from '../deployment.ts';
import { faults, faultyName } from '../faulty.ts';

const testSchema = z.strictObject({
  integrationId: z.string(),
  status: z.enum(['passed', 'failed']),
  checks: z.array(
    z.strictObject({
      name: z.string(),
      status: z.enum(['passed', 'failed', 'skipped']),
      detail: z.string().min(1),
    }),
  ),
});
type TestAnswer = z.infer<typeof testSchema>;

async function testOf(integrationId: string): Promise<TestAnswer> {
  const answer = await api.request('POST', `/integrations/${integrationId}/test`);
  expect([answer.status, answer.body]).toEqual([200, expect.anything()]);
  return testSchema.parse(answer.body);
}

const namesOf = ({ checks }: TestAnswer, wanted: string) =>
  checks.filter(({ status }) => status === wanted).map(({ name }) => name);
const detailOf = ({ checks }: TestAnswer, wanted: string) =>
  checks.find(({ name }) => name === wanted)?.detail;

const kmsKeyArn = String(params['kmsKeyArns']);
const name = uniqueName('livetest');
const RoleName = `dataloop-${name}`;
const ofBucket = { Bucket: `dataloop-${name}` };
let ready: IntegrationAnswer;
let PolicyArn: string;
beforeAll(async () => {
  ready = await settled((await connect(name)).integrationId);
  expect(ready.status).toBe('ready');
  PolicyArn = ready.resources.find(({ type }) => type === 'AWS::IAM::ManagedPolicy')?.arn ?? '';
});
afterAll(async () => {
  const removed = await disconnect(ready.integrationId);
  expect(removed.status).toBe('removed');
});

const trusting = (userArn: string) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { AWS: userArn }, Action: 'sts:AssumeRole' }],
  });

const putTrust = async (userArn: string) => {
  await iam.send(new UpdateAssumeRolePolicyCommand({ RoleName, PolicyDocument: trusting(userArn) }));
};

test('a connection that is as it was made passes every check, and nothing of it is changed', async () => {
  const standing = () => takeSnapshot(environment, (each) => each.includes(name));
  const before = await standing();
  const answer = await testOf(ready.integrationId);
  expect(answer).toMatchObject({ integrationId: ready.integrationId, status: 'passed' });
  expect(answer.checks.map(({ name: check, status }) => `${check} ${status}`)).toEqual([
    'DataloopTrust passed',
    'DriverTest passed',
    'Role passed',
    'TrustPolicy passed',
    'PermissionsBoundary passed',
    'PolicyAttached passed',
    'PermissionPolicy passed',
    'PublicAccessBlock passed',
    'Cors passed',
    'Encryption passed',
    'KmsKey skipped',
    'OwnerTags passed',
  ]);
  expect(detailOf(answer, 'TrustPolicy')).toContain(await trustedBy(roleArnOf(ready)));
  expect(changes(before, await standing())).toEqual([]);
});

interface Breakage {
  readonly what: string;
  readonly failing: readonly string[];
  readonly check: string;
  readonly said: RegExp;
  /** Breaks it. @returns what mends it again */
  readonly break: () => Promise<() => Promise<unknown>>;
}

const breakages: readonly Breakage[] = [
  {
    what: 'trust in somebody else',
    failing: ['DriverTest', 'TrustPolicy'],
    check: 'TrustPolicy',
    said: /names arn:aws:iam::333333333333:root.*CloudTrail/,
    break: async () => {
      const userArn = await trustedBy(roleArnOf(ready));
      await putTrust('arn:aws:iam::333333333333:root');
      return () => putTrust(userArn);
    },
  },
  {
    what: 'an IAM user that was deleted and made again',
    failing: ['DriverTest', 'TrustPolicy'],
    check: 'TrustPolicy',
    said: /AIDAQ3EGTEXAMPLE12345.*new user of the same name has another id/,
    break: async () => {
      const userArn = await trustedBy(roleArnOf(ready));
      // As AWS shows a principal whose ARN leads nowhere any more.
      await putTrust('AIDAQ3EGTEXAMPLE12345');
      return () => putTrust(userArn);
    },
  },
  {
    what: 'another version of the policy',
    failing: ['DriverTest', 'PermissionPolicy'],
    check: 'PermissionPolicy',
    said: /default version v2 of .*AllowListBucket/,
    break: async () => {
      const PolicyDocument = JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          { Effect: 'Allow', Action: 's3:ListBucket', Resource: `arn:aws:s3:::${ofBucket.Bucket}` },
        ],
      });
      const { PolicyVersion } = await iam.send(new GetPolicyVersionCommand({ PolicyArn, VersionId: 'v1' }));
      const asItWas = decodeURIComponent(PolicyVersion?.Document ?? '');
      const makeDefault = (document: string) =>
        iam.send(new CreatePolicyVersionCommand({ PolicyArn, PolicyDocument: document, SetAsDefault: true }));
      await makeDefault(PolicyDocument);
      return () => makeDefault(asItWas);
    },
  },
  {
    what: 'a policy that is detached',
    failing: ['DriverTest', 'PolicyAttached'],
    check: 'PolicyAttached',
    said: /Attach it again/,
    break: async () => {
      await iam.send(new DetachRolePolicyCommand({ RoleName, PolicyArn }));
      return () => iam.send(new AttachRolePolicyCommand({ RoleName, PolicyArn }));
    },
  },
  {
    what: 'a policy more',
    failing: ['PolicyAttached'],
    check: 'PolicyAttached',
    said: /AmazonS3FullAccess/,
    break: async () => {
      const more = { RoleName, PolicyArn: 'arn:aws:iam::aws:policy/AmazonS3FullAccess' };
      await iam.send(new AttachRolePolicyCommand(more));
      return () => iam.send(new DetachRolePolicyCommand(more));
    },
  },
  {
    what: 'a boundary that is removed',
    failing: ['PermissionsBoundary'],
    check: 'PermissionsBoundary',
    said: /has no permissions boundary/,
    break: async () => {
      await iam.send(new DeleteRolePermissionsBoundaryCommand({ RoleName }));
      const PermissionsBoundary = deployment.outputs.PermissionsBoundaryArn;
      return () => iam.send(new PutRolePermissionsBoundaryCommand({ RoleName, PermissionsBoundary }));
    },
  },
  {
    what: 'public access that is opened',
    failing: ['PublicAccessBlock'],
    check: 'PublicAccessBlock',
    said: /is not blocked\./,
    break: async () => {
      await s3.send(new DeletePublicAccessBlockCommand(ofBucket));
      return () =>
        s3.send(
          new PutPublicAccessBlockCommand({
            ...ofBucket,
            PublicAccessBlockConfiguration: {
              BlockPublicAcls: true,
              IgnorePublicAcls: true,
              BlockPublicPolicy: true,
              RestrictPublicBuckets: true,
            },
          }),
        );
    },
  },
  {
    what: 'CORS that is deleted',
    failing: ['Cors'],
    check: 'Cors',
    said: /https:\/\/console\.dataloop\.ai/,
    break: async () => {
      const { CORSRules } = await s3.send(new GetBucketCorsCommand(ofBucket));
      await s3.send(new DeleteBucketCorsCommand(ofBucket));
      return () => s3.send(new PutBucketCorsCommand({ ...ofBucket, CORSConfiguration: { CORSRules } }));
    },
  },
  {
    what: 'another default encryption',
    failing: ['Encryption'],
    check: 'Encryption',
    said: /is aws:kms with .* should be keys of S3/,
    break: async () => {
      const encrypt = (more: { SSEAlgorithm: 'AES256' | 'aws:kms'; KMSMasterKeyID?: string }) =>
        s3.send(
          new PutBucketEncryptionCommand({
            ...ofBucket,
            ServerSideEncryptionConfiguration: { Rules: [{ ApplyServerSideEncryptionByDefault: more }] },
          }),
        );
      await encrypt({ SSEAlgorithm: 'aws:kms', KMSMasterKeyID: kmsKeyArn });
      return () => encrypt({ SSEAlgorithm: 'AES256' });
    },
  },
  {
    what: 'a bucket without its tag',
    failing: ['OwnerTags'],
    check: 'OwnerTags',
    said: /no longer carry the tag .*: bucket dataloop-/,
    break: async () => {
      const { TagSet } = await s3.send(new GetBucketTaggingCommand(ofBucket));
      await s3.send(new DeleteBucketTaggingCommand(ofBucket));
      return () => s3.send(new PutBucketTaggingCommand({ ...ofBucket, Tagging: { TagSet } }));
    },
  },
  {
    what: 'a role without its tag',
    failing: ['OwnerTags'],
    check: 'OwnerTags',
    said: /no longer carry the tag .*: role dataloop-/,
    break: async () => {
      const Key = 'dataloop-cross-account:integration-id';
      await iam.send(new UntagRoleCommand({ RoleName, TagKeys: [Key] }));
      return () => iam.send(new TagRoleCommand({ RoleName, Tags: [{ Key, Value: ready.integrationId }] }));
    },
  },
];

test.each(breakages)(
  '$what is told, and nothing else is',
  async ({ failing, check, said, break: breakIt }) => {
    const mend = await breakIt();
    try {
      const answer = await testOf(ready.integrationId);
      expect(answer.status).toBe('failed');
      expect(namesOf(answer, 'failed')).toEqual(failing);
      expect(detailOf(answer, check)).toMatch(said);
      expect(namesOf(answer, 'skipped')).toEqual(['KmsKey']);
    } finally {
      await mend();
    }
    expect((await testOf(ready.integrationId)).status).toBe('passed');
  },
);

test('a function that may not look at the role says so, and makes the other checks', async () => {
  const roles: string[] = [];
  for await (const page of paginateListRoles({ client: iam }, {})) {
    roles.push(...(page.Roles ?? []).map((role) => role.RoleName ?? ''));
  }
  const deny = {
    RoleName: roles.find((role) => role.includes('-test-TestIntegrationRole-')),
    PolicyName: `deny-${name}`,
  };
  const Resource = roleArnOf(ready);
  const PolicyDocument = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Deny', Action: 'iam:GetRole', Resource }],
  });
  await iam.send(new PutRolePolicyCommand({ ...deny, PolicyDocument }));
  try {
    const answer = await testOf(ready.integrationId);
    expect(namesOf(answer, 'failed')).toEqual(['Role']);
    expect(detailOf(answer, 'Role')).toMatch(/AccessDenied/);
    expect(namesOf(answer, 'skipped')).toEqual([
      'TrustPolicy',
      'PermissionsBoundary',
      'PolicyAttached',
      'KmsKey',
    ]);
  } finally {
    await iam.send(new DeleteRolePolicyCommand(deny));
  }
});

describe('what is gone for good', () => {
  /** An integration of its own, removed again at the end, whatever is left of it. */
  async function onItsOwn(what: string, work: (own: IntegrationAnswer, itsName: string) => Promise<void>) {
    const itsName = await faultyName(what);
    const own = await settled((await connect(itsName)).integrationId);
    expect(own.status).toBe('ready');
    await work(own, itsName);
    await faults.clearRules(itsName);
    await disconnect(own.integrationId);
  }
  const idOf = (own: IntegrationAnswer, type: string) =>
    own.resources.find((resource) => resource.type === type)?.id;

  test('a driver that was deleted at Dataloop', () =>
    onItsOwn('nodriver', async (own) => {
      await dataloopCall('DELETE', `/drivers/${idOf(own, 'Dataloop::Driver')}`);
      const answer = await testOf(own.integrationId);
      expect(namesOf(answer, 'failed')).toEqual(['DriverTest']);
      expect(detailOf(answer, 'DriverTest')).toMatch(/Somebody deleted the driver/);
    }));

  test('an integration that was deleted at Dataloop', () =>
    onItsOwn('nointegration', async (own) => {
      const id = idOf(own, 'Dataloop::Integration');
      await dataloopCall('DELETE', `/orgs/${environment.sandbox.organizationId}/integrations/${id}`);
      const answer = await testOf(own.integrationId);
      expect(namesOf(answer, 'failed')).toEqual(['DataloopTrust', 'DriverTest']);
      expect(namesOf(answer, 'skipped')).toContain('TrustPolicy');
    }));

  test('a role that was deleted', () =>
    onItsOwn('norole', async (own, itsName) => {
      const role = { RoleName: `dataloop-${itsName}` };
      const attached = own.resources.find(({ type }) => type === 'AWS::IAM::ManagedPolicy')?.arn;
      await iam.send(new DetachRolePolicyCommand({ ...role, PolicyArn: attached }));
      await iam.send(new DeleteRoleCommand(role));
      const answer = await testOf(own.integrationId);
      expect(namesOf(answer, 'failed')).toEqual(['DriverTest', 'Role']);
      expect(detailOf(answer, 'Role')).toMatch(/Somebody deleted the role/);
    }));

  test('a bucket that was deleted', () =>
    onItsOwn('nobucket', async (own, itsName) => {
      await s3.send(new DeleteBucketCommand({ Bucket: `dataloop-${itsName}` }));
      const answer = await testOf(own.integrationId);
      expect(namesOf(answer, 'failed')).toEqual([
        'DriverTest',
        'PublicAccessBlock',
        'Cors',
        'Encryption',
        'OwnerTags',
      ]);
      expect(detailOf(answer, 'Cors')).toMatch(/Somebody deleted the bucket/);
    }));

  test.each([
    ['hangs', { kind: 'hang' } as const],
    ['is down', { kind: 'unavailable' } as const],
  ])('not Dataloop that %s: its checks have failed, the others are made', (_how, fault) =>
    onItsOwn('nodataloop', async (own, itsName) => {
      await faults.addRule({ scope: itsName, function: 'testIntegration', operation: 'dataloop:*', fault });
      const answer = await testOf(own.integrationId);
      expect(namesOf(answer, 'failed')).toEqual(['DataloopTrust', 'DriverTest']);
      expect(namesOf(answer, 'skipped')).toEqual(['TrustPolicy', 'KmsKey']);
      // Which of two limits comes first, the call's or the function's, depends on the machine.
      expect(detailOf(answer, 'DataloopTrust')).toMatch(/(Try again in a moment|Send the request again)\.$/);
    }),
  );

  test('a connection that is removed is not ready, and one that never was is not there', () =>
    onItsOwn('notready', async (own) => {
      expect((await disconnect(own.integrationId)).status).toBe('removed');
      const removed = await api.request('POST', `/integrations/${own.integrationId}/test`);
      expect(removed).toMatchObject({
        status: 409,
        body: { type: 'urn:dataloop-cross-account:problem:integration-not-ready' },
      });
      const unknown = await api.request('POST', '/integrations/int_00000000000000000000000000/test');
      expect(unknown.status).toBe(404);
    }));
});

test('a test makes reads alone, the driver test of Dataloop apart', async () => {
  const itsName = await faultyName('readsonly');
  const kms = { bucket: { name: `dataloop-${itsName}`, kmsKeyArn } };
  const own = await settled((await connect(itsName, kms)).integrationId);
  const answer = await testOf(own.integrationId);
  expect([answer.status, namesOf(answer, 'skipped')]).toEqual(['passed', []]);
  const calls = await faults.calls(itsName);
  const made = calls.filter((call) => call.function === 'testIntegration').map(({ operation }) => operation);
  const reading =
    /^(iam:(Get|List)\w+|s3:Get\w+|kms:DescribeKey|dynamodb:GetItem|secretsmanager:GetSecretValue|dataloop:GET .*|dataloop:POST \/token)$/;
  expect(made.filter((operation) => !reading.test(operation))).toEqual([]);
  expect(made).toEqual(
    expect.arrayContaining(['iam:GetPolicyVersion', 's3:GetBucketCors', 'kms:DescribeKey']),
  );
  await disconnect(own.integrationId);
});
