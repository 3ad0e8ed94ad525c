/** Each leftover names why it stayed and the one thing to do; DELETE again after that finishes the job. */
import {
  AttachRolePolicyCommand,
  CreatePolicyVersionCommand,
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  DetachRolePolicyCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRoleCommand,
  ListAttachedRolePoliciesCommand,
  PutRolePolicyCommand,
  TagRoleCommand,
  UntagRoleCommand,
} from '@aws-sdk/client-iam';
import {
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetBucketTaggingCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { expect, test } from '@jest/globals';
import { connect, control, deployment, disconnect, iam, s3, settled } from '../deployment.ts';
import { expectPromiseKept, faults, faultyName } from '../faulty.ts';

const document = (statement: object) => JSON.stringify({ Version: '2012-10-17', Statement: [statement] });

async function ready(what: string): Promise<{ name: string; integrationId: string; RoleName: string }> {
  const name = await faultyName(what);
  const integration = await settled((await connect(name)).integrationId);
  expect(integration.status).toBe('ready');
  return { name, integrationId: integration.integrationId, RoleName: `dataloop-${name}` };
}

/** The bucket is kept as long as something names it: whoever took its name would get what Dataloop writes. */
const keptBucket = (arn: string) => ({
  type: 'AWS::S3::Bucket',
  reason: expect.stringContaining(arn),
  advice: expect.stringContaining('other entries of residue'),
});

/** The role stays, but gives nothing to anybody, whatever is attached to it and whatever lets it in. */
async function expectWithoutAccess(RoleName: string) {
  const { Role } = await iam.send(new GetRoleCommand({ RoleName }));
  const { PermissionsBoundaryArn = '' } = Role?.PermissionsBoundary ?? {};
  expect(PermissionsBoundaryArn).toMatch(/-no-access$/);
  const { Policy } = await iam.send(new GetPolicyCommand({ PolicyArn: PermissionsBoundaryArn }));
  const version = { PolicyArn: PermissionsBoundaryArn, VersionId: Policy?.DefaultVersionId };
  const { PolicyVersion } = await iam.send(new GetPolicyVersionCommand(version));
  expect(JSON.parse(decodeURIComponent(PolicyVersion?.Document ?? ''))).toMatchObject({
    Statement: [{ Effect: 'Deny', Action: '*', Resource: '*' }],
  });
}

async function expectFinished(integrationId: string) {
  const removed = await disconnect(integrationId);
  expect(removed.status).toBe('removed');
  await expectPromiseKept(removed);
}

test('a policy that somebody gave a new version and attached to a role of theirs', async () => {
  const { name, integrationId } = await ready('attached');
  const PolicyArn = `arn:aws:iam::111111111111:policy/dataloop-cross-account/${deployment.stage}/dataloop-${name}`;
  const theirs = { RoleName: `their-role-${name}` };
  const trust = document({
    Effect: 'Allow',
    Principal: { Service: 'ec2.amazonaws.com' },
    Action: 'sts:AssumeRole',
  });
  await iam.send(new CreateRoleCommand({ ...theirs, AssumeRolePolicyDocument: trust }));
  await iam.send(new AttachRolePolicyCommand({ ...theirs, PolicyArn }));
  await iam.send(
    new CreatePolicyVersionCommand({
      PolicyArn,
      PolicyDocument: document({ Effect: 'Deny', Action: '*', Resource: '*' }),
      SetAsDefault: true,
    }),
  );

  const left = await disconnect(integrationId);

  expect(left.residue).toMatchObject([
    keptBucket(PolicyArn),
    {
      type: 'AWS::IAM::ManagedPolicy',
      arn: PolicyArn,
      advice: expect.stringContaining('Detach the policy'),
    },
  ]);
  await iam.send(new DetachRolePolicyCommand({ ...theirs, PolicyArn }));
  await iam.send(new DeleteRoleCommand(theirs));
  await expectFinished(integrationId);
});

test('a role that somebody gave an inline policy', async () => {
  const { integrationId, RoleName } = await ready('inline');
  const inline = { RoleName, PolicyName: 'theirs' };
  const PolicyDocument = document({ Effect: 'Allow', Action: 's3:GetObject', Resource: '*' });
  await iam.send(new PutRolePolicyCommand({ ...inline, PolicyDocument }));
  const left = await disconnect(integrationId);
  expect(left.residue).toMatchObject([
    keptBucket(RoleName),
    {
      type: 'AWS::IAM::Role',
      reason: expect.stringContaining('The permissions boundary of the role now denies everything.'),
      advice: expect.stringMatching(
        /Delete the inline policy theirs.*send DELETE for this integration again/,
      ),
    },
  ]);
  await expectWithoutAccess(RoleName);
  await expectPromiseKept(left);
  await iam.send(new DeleteRolePolicyCommand(inline));
  await expectFinished(integrationId);
});

test('a role that somebody took our tag from', async () => {
  const { integrationId, RoleName } = await ready('untagged');
  const Key = 'dataloop-cross-account:integration-id';
  await iam.send(new UntagRoleCommand({ RoleName, TagKeys: [Key] }));
  const left = await disconnect(integrationId);
  expect(left.residue).toMatchObject([
    keptBucket(RoleName),
    {
      type: 'AWS::IAM::Role',
      advice: expect.stringMatching(/restore the tag.*Until then Dataloop can still assume it/),
    },
  ]);
  // By its id it is ours: what it allowed has ended, and its policy could go.
  const { AttachedPolicies } = await iam.send(new ListAttachedRolePoliciesCommand({ RoleName }));
  expect(AttachedPolicies).toEqual([]);
  await expectWithoutAccess(RoleName);
  await expectPromiseKept(left);
  await iam.send(new TagRoleCommand({ RoleName, Tags: [{ Key, Value: integrationId }] }));
  await expectFinished(integrationId);
});

test('everything but the role: one stuck step never keeps access open', async () => {
  const { name, integrationId, RoleName } = await ready('stuck');
  const object = { Bucket: `dataloop-${name}`, Key: 'kept.jpg' };
  await s3.send(new PutObjectCommand({ ...object, Body: 'x' }));
  for (const [caller, operation] of [
    ['deleteDriver', 'dataloop:DELETE /drivers/{id}'],
    ['deleteIntegration', 'dataloop:DELETE /orgs/{id}/integrations/{id}'],
    ['deletePolicy', 'iam:DeletePolicy'],
  ] as const) {
    await faults.addRule({ scope: name, function: caller, operation, fault: { kind: 'refuse' } });
  }

  const left = await disconnect(integrationId);

  expect(left.status).toBe('residue');
  expect(left.residue.map(({ type }) => type)).toEqual([
    'AWS::S3::Bucket',
    'AWS::IAM::ManagedPolicy',
    'Dataloop::Integration',
    'Dataloop::Driver',
  ]);
  for (const { advice } of left.residue) expect(advice).toMatch(/.{20}.*DELETE for this integration again/);
  await expectPromiseKept(left);
  const { integrations } = await control.state();
  expect(integrations.some((each) => each.name.includes(name))).toBe(true);
  await expect(iam.send(new DeleteRoleCommand({ RoleName }))).rejects.toMatchObject({
    name: 'NoSuchEntityException',
  });

  await faults.clearRules(name);
  await s3.send(new DeleteObjectCommand(object));
  await expectFinished(integrationId);
});

test('a bucket with objects: its owner keeps it', async () => {
  const name = await faultyName('kept');
  const { integrationId } = await connect(name, { tags: { team: 'labelling' } });
  expect((await settled(integrationId)).status).toBe('ready');
  const Bucket = `dataloop-${name}`;
  const objects = ['1.jpg', '.dataloop/thumbnails/1.webp'].map((Key) => ({ Bucket, Key }));
  for (const object of objects) await s3.send(new PutObjectCommand({ ...object, Body: 'x' }));

  const left = await disconnect(integrationId);
  expect(left.residue).toMatchObject([
    {
      type: 'AWS::S3::Bucket',
      reason: expect.stringContaining('1 object and 1 object in Dataloop'),
      advice: expect.stringContaining('?keepBucket=true'),
    },
  ]);

  const removed = await disconnect(integrationId, '?keepBucket=true');
  expect(removed).toMatchObject({
    status: 'removed',
    released: [{ type: 'AWS::S3::Bucket', arn: `arn:aws:s3:::${Bucket}` }],
  });
  const { TagSet } = await s3.send(new GetBucketTaggingCommand({ Bucket }));
  expect(TagSet).toEqual([{ Key: 'team', Value: 'labelling' }]);
  for (const object of objects) await s3.send(new DeleteObjectCommand(object));
  await s3.send(new DeleteBucketCommand({ Bucket }));
});
