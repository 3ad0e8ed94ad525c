import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketCorsCommand,
  DeleteBucketTaggingCommand,
  DeletePublicAccessBlockCommand,
  GetBucketCorsCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketTaggingCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketEncryptionCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutPublicAccessBlockCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import {
  createBucket,
  deleteBucket,
  getBucketCors,
  getBucketOwnershipControls,
  getBucketTagging,
  getPublicAccessBlock,
  hasObjects,
  headBucket,
  listObjectVersions,
  putBucketCors,
  putBucketEncryption,
  putBucketOwnershipControls,
  putBucketPolicy,
  putBucketTagging,
  putPublicAccessBlock,
  s3Clients,
} from '../../../../src/clients/aws/s3.ts';
import { holderOf } from '../../../../src/domain/resources/bucket/bucket.ts';
import { closed } from '../../../../src/domain/resources/bucket/public-access.ts';
import { answering, sdkError } from './sdk-answers.ts';

const bucket = { name: 'dataloop-acme', region: 'eu-west-1', ownerAccountId: '111111111111' };
const ofBucket = { Bucket: 'dataloop-acme', ExpectedBucketOwner: '111111111111' };

describe('holderOf, on S3 answers without a body', () => {
  const headers = { 'x-amz-bucket-region': 'us-east-1' };
  const whenAnswered = (status: number) =>
    holderOf(bucket, { headBucket: headBucket(() => new S3Client(answering(status, '', headers))) });

  test.each([
    [200, 'account'],
    [403, 'another-account'],
    [404, 'nobody'],
  ])('status %i means %s', async (status, holder) => {
    await expect(whenAnswered(status)).resolves.toBe(holder);
  });

  test.each([301, 400])('status %i means a bucket in another region', async (status) => {
    await expect(whenAnswered(status)).rejects.toMatchObject({
      name: 'BucketNameTakenError',
      message: expect.stringMatching(/dataloop-acme.*another region than eu-west-1/),
    });
  });

  test('status 503 means nothing: it is tried again', async () => {
    await expect(whenAnswered(503)).rejects.toMatchObject({ name: 'AwsUnavailableError' });
  });
});

describe('where a bucket lies, on S3 answers without a body', () => {
  const whenAnswered = (status: number, region?: string) => {
    const headers: Record<string, string> = region ? { 'x-amz-bucket-region': region } : {};
    return headBucket(() => new S3Client(answering(status, '', headers)))(bucket);
  };

  test.each([
    [200, 'account', 'eu-west-1'],
    [200, 'account', undefined],
    [301, 'another-region', 'us-east-1'],
    [400, 'another-region', 'us-east-1'],
    [403, 'another-account', 'eu-west-1'],
  ])('status %i means %s, in %s', async (status, holder, region) => {
    await expect(whenAnswered(status, region)).resolves.toEqual({ holder, region });
  });

  // A region that is not enabled, or a policy: where the bucket is, S3 would say.
  test.each([
    [400, 'AwsRequestRefusedError'],
    [403, 'AwsAccessDeniedError'],
  ])('status %i without a region says nothing of the bucket', async (status, name) => {
    await expect(whenAnswered(status)).rejects.toMatchObject({
      name,
      message: expect.stringMatching(/S3 in eu-west-1 refused .*dataloop-acme.*enabled for this account/),
    });
  });

  test('status 404 means nobody', async () => {
    await expect(whenAnswered(404)).resolves.toEqual({ holder: 'nobody', region: undefined });
  });

  test('status 503 means nothing: it is tried again', async () => {
    await expect(whenAnswered(503)).rejects.toMatchObject({ name: 'AwsUnavailableError' });
  });
});

describe('calls on a bucket', () => {
  const client = new S3Client({ region: bucket.region });
  const s3 = mockClient(client);
  const regions: string[] = [];
  const clientFor = (region: string) => {
    regions.push(region);
    return client;
  };
  beforeEach(() => {
    s3.reset();
    regions.length = 0;
  });
  afterEach(() => {
    // S3 answers a call in another region with a redirect.
    expect(new Set(regions)).toEqual(new Set([bucket.region]));
  });

  const sent = () => s3.calls().map((call) => call.args[0].input);

  test('HeadBucket names the account that must own the bucket', async () => {
    s3.on(HeadBucketCommand).resolves({});
    await headBucket(clientFor)(bucket);
    expect(sent()).toEqual([ofBucket]);
  });

  test.each([
    [1, true],
    [0, false],
  ])('a bucket of which S3 lists %d keys has objects: %s', async (KeyCount, expected) => {
    s3.on(ListObjectsV2Command, { ...ofBucket, MaxKeys: 1 }).resolves({ KeyCount });
    expect(await hasObjects(clientFor)(bucket)).toBe(expected);
  });

  test('a bucket that is gone has no objects; an answer without a number says nothing', async () => {
    s3.on(ListObjectsV2Command).rejectsOnce(sdkError('NoSuchBucket', 404)).resolves({});
    expect(await hasObjects(clientFor)(bucket)).toBe(false);
    await expect(hasObjects(clientFor)(bucket)).rejects.toMatchObject({ name: 'AwsUnavailableError' });
  });

  test('tags are read as a record', async () => {
    s3.on(GetBucketTaggingCommand, ofBucket).resolves({ TagSet: [{ Key: 'team', Value: 'labelling' }] });
    await expect(getBucketTagging(clientFor)(bucket)).resolves.toEqual({ team: 'labelling' });
  });

  test('a bucket without tags has none', async () => {
    s3.on(GetBucketTaggingCommand).rejects(sdkError('NoSuchTagSet', 404));
    await expect(getBucketTagging(clientFor)(bucket)).resolves.toEqual({});
  });

  test('an answer without tags is no bucket without tags: it is tried again', async () => {
    s3.on(GetBucketTaggingCommand).resolves({});
    await expect(getBucketTagging(clientFor)(bucket)).rejects.toMatchObject({
      name: 'AwsUnavailableError',
      message: expect.stringContaining('lacks the tags'),
    });
  });

  test('a bucket whose tags cannot be seen yet is tried again', async () => {
    s3.on(GetBucketTaggingCommand).rejects(sdkError('NoSuchBucket', 404));
    await expect(getBucketTagging(clientFor)(bucket)).rejects.toMatchObject({
      name: 'AwsNotYetConsistentError',
    });
  });

  test('CreateBucket carries region and tags in one call, and asks for nothing that needs another right', async () => {
    s3.on(CreateBucketCommand).resolves({});
    const outcome = await createBucket(clientFor)(bucket, { team: 'labelling', 'cost-center': '42' });
    expect(outcome).toBe('created');
    expect(sent()).toEqual([
      {
        Bucket: 'dataloop-acme',
        CreateBucketConfiguration: {
          LocationConstraint: 'eu-west-1',
          Tags: [
            { Key: 'team', Value: 'labelling' },
            { Key: 'cost-center', Value: '42' },
          ],
        },
      },
    ]);
  });

  test('a bucket of our own is found, not created', async () => {
    s3.on(CreateBucketCommand).rejects(sdkError('BucketAlreadyOwnedByYou', 409));
    await expect(createBucket(clientFor)(bucket, {})).resolves.toBe('exists-in-account');
  });

  test("another account's bucket is a name that is taken", async () => {
    s3.on(CreateBucketCommand).rejects(sdkError('BucketAlreadyExists', 409));
    await expect(createBucket(clientFor)(bucket, {})).resolves.toBe('exists-in-another-account');
  });

  test('a name that S3 keeps busy: how long that lasts, and what to do', async () => {
    s3.on(CreateBucketCommand).rejects(sdkError('OperationAborted', 409));
    await expect(createBucket(clientFor)(bucket, {})).rejects.toMatchObject({
      name: 'AwsConflictError',
      message: expect.stringMatching(/bucket name dataloop-acme.*up to an hour.*choose another bucket name/),
    });
  });

  test('all four public-access blocks are set', async () => {
    s3.on(PutPublicAccessBlockCommand).resolves({});
    await putPublicAccessBlock(clientFor)(bucket, closed);
    expect(sent()).toEqual([
      {
        ...ofBucket,
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          IgnorePublicAcls: true,
          BlockPublicPolicy: true,
          RestrictPublicBuckets: true,
        },
      },
    ]);
  });

  test('the ownership of objects is read, also where the bucket has none', async () => {
    s3.on(GetBucketOwnershipControlsCommand).resolvesOnce({
      OwnershipControls: { Rules: [{ ObjectOwnership: 'ObjectWriter' }] },
    });
    await expect(getBucketOwnershipControls(clientFor)(bucket)).resolves.toBe('ObjectWriter');
    s3.on(GetBucketOwnershipControlsCommand).rejects(sdkError('OwnershipControlsNotFoundError', 404));
    await expect(getBucketOwnershipControls(clientFor)(bucket)).resolves.toBeUndefined();
  });

  test('all tags are replaced, and none are left where there are none', async () => {
    s3.on(PutBucketTaggingCommand).resolves({});
    s3.on(DeleteBucketTaggingCommand).resolves({});
    await putBucketTagging(clientFor)(bucket, { team: 'labelling' });
    await putBucketTagging(clientFor)(bucket, {});
    expect(sent()).toEqual([
      { ...ofBucket, Tagging: { TagSet: [{ Key: 'team', Value: 'labelling' }] } },
      ofBucket,
    ]);
  });

  test('what is in a bucket is listed with its versions and delete markers', async () => {
    s3.on(ListObjectVersionsCommand).resolves({
      Versions: [{ Key: '1.jpg', IsLatest: false }],
      DeleteMarkers: [{ Key: '1.jpg' }],
    });
    await expect(listObjectVersions(clientFor)(bucket)).resolves.toEqual({
      versions: [{ key: '1.jpg', isLatest: false }],
      deleteMarkers: 1,
    });
  });

  test('ownership is enforced', async () => {
    s3.on(PutBucketOwnershipControlsCommand).resolves({});
    await putBucketOwnershipControls(clientFor)(bucket);
    expect(sent()).toEqual([
      { ...ofBucket, OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] } },
    ]);
  });

  test('objects are encrypted with S3 keys', async () => {
    s3.on(PutBucketEncryptionCommand).resolves({});
    await putBucketEncryption(clientFor)(bucket, undefined);
    expect(sent()).toMatchObject([
      {
        ...ofBucket,
        ServerSideEncryptionConfiguration: {
          Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        },
      },
    ]);
  });

  test('objects are encrypted with the key that the request names', async () => {
    s3.on(PutBucketEncryptionCommand).resolves({});
    const KMSMasterKeyID = 'arn:aws:kms:eu-west-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab';
    await putBucketEncryption(clientFor)(bucket, KMSMasterKeyID);
    const ApplyServerSideEncryptionByDefault = { SSEAlgorithm: 'aws:kms', KMSMasterKeyID };
    expect(sent()).toEqual([
      {
        ...ofBucket,
        ServerSideEncryptionConfiguration: {
          Rules: [{ ApplyServerSideEncryptionByDefault, BucketKeyEnabled: true }],
        },
      },
    ]);
  });

  test('the policy is sent as JSON', async () => {
    s3.on(PutBucketPolicyCommand).resolves({});
    await putBucketPolicy(clientFor)(bucket, {
      Version: '2012-10-17',
      Statement: [{ Sid: 'DenyPlainHttp' }],
    });
    expect(sent()).toEqual([
      { ...ofBucket, Policy: '{"Version":"2012-10-17","Statement":[{"Sid":"DenyPlainHttp"}]}' },
    ]);
  });

  test('a change of a bucket that was created a moment ago is tried again', async () => {
    s3.on(PutBucketPolicyCommand).rejects(sdkError('NoSuchBucket', 404));
    const change = putBucketPolicy(clientFor)(bucket, { Version: '2012-10-17', Statement: [] });
    await expect(change).rejects.toMatchObject({
      name: 'AwsNotYetConsistentError',
      message: expect.stringContaining('set the policy of bucket dataloop-acme'),
    });
  });

  describe('that is adopted', () => {
    const rules = [
      {
        ID: 'theirs',
        AllowedMethods: ['GET'],
        AllowedOrigins: ['https://example.com'],
        AllowedHeaders: ['*'],
        ExposeHeaders: ['ETag'],
        MaxAgeSeconds: 5,
      },
    ];
    const block = {
      BlockPublicAcls: true,
      IgnorePublicAcls: false,
      BlockPublicPolicy: true,
      RestrictPublicBuckets: false,
    };

    test('its CORS rules and its public-access block are read as S3 has them', async () => {
      s3.on(GetBucketCorsCommand, ofBucket).resolves({ CORSRules: rules });
      s3.on(GetPublicAccessBlockCommand, ofBucket).resolves({ PublicAccessBlockConfiguration: block });
      await expect(getBucketCors(clientFor)(bucket)).resolves.toEqual(rules);
      await expect(getPublicAccessBlock(clientFor)(bucket)).resolves.toEqual(block);
    });

    test('it may have neither', async () => {
      s3.on(GetBucketCorsCommand).rejects(sdkError('NoSuchCORSConfiguration', 404));
      s3.on(GetPublicAccessBlockCommand).rejects(sdkError('NoSuchPublicAccessBlockConfiguration', 404));
      await expect(getBucketCors(clientFor)(bucket)).resolves.toBeUndefined();
      await expect(getPublicAccessBlock(clientFor)(bucket)).resolves.toBeUndefined();
    });

    test('an answer that lacks them is no bucket without them: it is tried again', async () => {
      s3.on(GetBucketCorsCommand).resolves({});
      s3.on(GetPublicAccessBlockCommand).resolves({});
      const unavailable = { name: 'AwsUnavailableError' };
      await expect(getBucketCors(clientFor)(bucket)).rejects.toMatchObject(unavailable);
      await expect(getPublicAccessBlock(clientFor)(bucket)).rejects.toMatchObject(unavailable);
    });

    test('a read that is refused is no bucket without them', async () => {
      s3.on(GetBucketCorsCommand).rejects(sdkError('AccessDenied', 403));
      await expect(getBucketCors(clientFor)(bucket)).rejects.toMatchObject({
        name: 'AwsAccessDeniedError',
        message: expect.stringContaining('read the CORS rules of bucket dataloop-acme'),
      });
    });

    test('they are written as given, and taken away where there are to be none', async () => {
      s3.onAnyCommand().resolves({});
      await putBucketCors(clientFor)(bucket, rules);
      await putPublicAccessBlock(clientFor)(bucket, block);
      expect(sent()).toEqual([
        { ...ofBucket, CORSConfiguration: { CORSRules: rules } },
        { ...ofBucket, PublicAccessBlockConfiguration: block },
      ]);
      s3.resetHistory();
      await putBucketCors(clientFor)(bucket, undefined);
      await putPublicAccessBlock(clientFor)(bucket, undefined);
      expect(s3.calls().map((call) => call.args[0].constructor)).toEqual([
        DeleteBucketCorsCommand,
        DeletePublicAccessBlockCommand,
      ]);
      expect(sent()).toEqual([ofBucket, ofBucket]);
    });
  });

  test("DeleteBucket deletes only the expected owner's bucket", async () => {
    s3.on(DeleteBucketCommand).resolves({});
    await expect(deleteBucket(clientFor)(bucket)).resolves.toBe('removed');
    expect(sent()).toEqual([ofBucket]);
  });

  test('a bucket that is gone is told from one that was deleted', async () => {
    s3.on(DeleteBucketCommand).rejects(sdkError('NoSuchBucket', 404));
    await expect(deleteBucket(clientFor)(bucket)).resolves.toBe('absent');
  });

  test('a bucket with objects is reported and nothing in it is touched', async () => {
    s3.on(DeleteBucketCommand).rejects(sdkError('BucketNotEmpty', 409));
    await expect(deleteBucket(clientFor)(bucket)).resolves.toBe('not-empty');
    expect(s3.calls()).toHaveLength(1);
  });
});

test('us-east-1 gets no location constraint, which S3 would refuse there', async () => {
  const client = new S3Client({ region: 'us-east-1' });
  const s3 = mockClient(client);
  s3.on(CreateBucketCommand).resolves({});
  await createBucket(() => client)({ ...bucket, region: 'us-east-1' }, { team: 'labelling' });
  const { input } = s3.call(0).args[0];
  expect(input).toHaveProperty('CreateBucketConfiguration.Tags', [{ Key: 'team', Value: 'labelling' }]);
  expect(input).not.toHaveProperty('CreateBucketConfiguration.LocationConstraint');
});

test('each region has one client of its own', async () => {
  const clientFor = s3Clients();
  expect(clientFor('eu-west-1')).toBe(clientFor('eu-west-1'));
  expect(clientFor('us-east-1')).not.toBe(clientFor('eu-west-1'));
  await expect(clientFor('us-east-1').config.region()).resolves.toBe('us-east-1');
});
