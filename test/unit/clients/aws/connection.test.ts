/** What the test of a connection reads from IAM and S3. */
import {
  GetPolicyCommand,
  GetPolicyVersionCommand,
  IAMClient,
  ListAttachedRolePoliciesCommand,
} from '@aws-sdk/client-iam';
import { GetBucketEncryptionCommand, S3Client } from '@aws-sdk/client-s3';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { getDefaultPolicyVersion, listAttachedRolePolicies } from '../../../../src/clients/aws/iam.ts';
import { getBucketEncryption } from '../../../../src/clients/aws/s3.ts';
import { sdkError } from './sdk-answers.ts';

const iamClient = new IAMClient({ region: 'eu-west-1' });
const iam = mockClient(iamClient);
const s3Client = new S3Client({ region: 'eu-west-1' });
const s3 = mockClient(s3Client);
beforeEach(() => {
  iam.reset();
  s3.reset();
});

const policyArn = 'arn:aws:iam::111111111111:policy/dataloop-cross-account/dev/dataloop-acme';
const bucket = { name: 'dataloop-acme', region: 'eu-west-1', ownerAccountId: '111111111111' };
const ofBucket = { Bucket: 'dataloop-acme', ExpectedBucketOwner: '111111111111' };

describe('a policy', () => {
  const read = (arn: string) => getDefaultPolicyVersion(iamClient)(arn);
  const Policy = { PolicyId: 'ANPA1', DefaultVersionId: 'v3', Tags: [{ Key: 'a', Value: 'b' }] };

  test('is read with the document of its default version', async () => {
    const document = { Version: '2012-10-17', Statement: [{ Sid: '100 %' }] };
    iam.on(GetPolicyCommand).resolves({ Policy });
    iam.on(GetPolicyVersionCommand).resolves({
      PolicyVersion: { Document: encodeURIComponent(JSON.stringify(document)) },
    });
    await expect(read(policyArn)).resolves.toEqual({
      uniqueId: 'ANPA1',
      tags: { a: 'b' },
      versionId: 'v3',
      document,
    });
    expect(iam.call(1).args[0].input).toEqual({ PolicyArn: policyArn, VersionId: 'v3' });
  });

  test('is asked for each time, and for the document of a version once', async () => {
    const again = getDefaultPolicyVersion(iamClient);
    const answers = [
      { ...Policy, UpdateDate: new Date(1_000) },
      { ...Policy, UpdateDate: new Date(1_000), Tags: [] },
      // Another version, another policy of this name, and a version that came back under its name.
      { ...Policy, UpdateDate: new Date(1_000), DefaultVersionId: 'v4' },
      { ...Policy, UpdateDate: new Date(1_000), DefaultVersionId: 'v4', PolicyId: 'ANPA2' },
      { ...Policy, UpdateDate: new Date(2_000), DefaultVersionId: 'v4', PolicyId: 'ANPA2' },
    ];
    const found = [];
    for (const [index, answer] of answers.entries()) {
      iam.on(GetPolicyCommand).resolves({ Policy: answer });
      iam.on(GetPolicyVersionCommand).resolves({ PolicyVersion: { Document: `{"at":${index}}` } });
      found.push(await again(policyArn));
    }
    expect(found.map((each) => [each?.document, each?.tags])).toEqual([
      [{ at: 0 }, { a: 'b' }],
      [{ at: 0 }, {}],
      [{ at: 2 }, { a: 'b' }],
      [{ at: 3 }, { a: 'b' }],
      [{ at: 4 }, { a: 'b' }],
    ]);
  });

  test('that is gone is not there', async () => {
    iam.on(GetPolicyCommand).rejects(sdkError('NoSuchEntityException', 404, { Code: 'NoSuchEntity' }));
    await expect(read(policyArn)).resolves.toBeUndefined();
  });

  test('whose version may not be read is an error', async () => {
    iam.on(GetPolicyCommand).resolves({ Policy });
    iam.on(GetPolicyVersionCommand).rejects(sdkError('AccessDenied', 403));
    await expect(read(policyArn)).rejects.toMatchObject({ name: 'AwsAccessDeniedError' });
  });

  test.each([{}, { PolicyVersion: {} }])('of which %j is answered has not no document', async (answer) => {
    iam.on(GetPolicyCommand).resolves({ Policy });
    iam.on(GetPolicyVersionCommand).resolves(answer);
    await expect(read(policyArn)).rejects.toMatchObject({
      name: 'AwsUnavailableError',
      message: expect.stringContaining('lacks the document.'),
    });
  });

  test('of which an answer names no default version is not known', async () => {
    iam.on(GetPolicyCommand).resolves({ Policy: { PolicyId: 'ANPA1' } });
    await expect(read(policyArn)).rejects.toMatchObject({ name: 'AwsUnavailableError' });
  });
});

test('the policies of a role are listed to the last page', async () => {
  iam
    .on(ListAttachedRolePoliciesCommand)
    .resolvesOnce({ AttachedPolicies: [{ PolicyArn: 'arn:1' }], IsTruncated: true, Marker: 'next' })
    .resolves({ AttachedPolicies: [{ PolicyArn: 'arn:2' }], IsTruncated: false });
  await expect(listAttachedRolePolicies(iamClient)('dataloop-acme')).resolves.toEqual(['arn:1', 'arn:2']);
  expect(iam.calls().map((call) => call.args[0].input)).toEqual([
    { RoleName: 'dataloop-acme' },
    { RoleName: 'dataloop-acme', Marker: 'next' },
  ]);
});

test('the default encryption of a bucket is with a key, with S3’s own, or there is none', async () => {
  const read = getBucketEncryption(() => s3Client);
  const rule = (SSEAlgorithm: 'AES256' | 'aws:kms', KMSMasterKeyID?: string) => ({
    ServerSideEncryptionConfiguration: {
      Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm, KMSMasterKeyID } }],
    },
  });
  s3.on(GetBucketEncryptionCommand).resolves(rule('aws:kms', 'arn:key'));
  await expect(read(bucket)).resolves.toEqual({ algorithm: 'aws:kms', kmsKeyId: 'arn:key' });
  expect(s3.call(0).args[0].input).toEqual(ofBucket);
  s3.on(GetBucketEncryptionCommand).resolves(rule('AES256'));
  await expect(read(bucket)).resolves.toEqual({ algorithm: 'AES256', kmsKeyId: undefined });
  s3.on(GetBucketEncryptionCommand).rejects(sdkError('ServerSideEncryptionConfigurationNotFoundError', 404));
  await expect(read(bucket)).resolves.toBeUndefined();
});
