import {
  DeleteBucketCommand,
  DeleteObjectsCommand,
  GetBucketTaggingCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  NoSuchBucket,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { beforeEach, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { bucketData } from '../../../../local/rehearsal/bucket-data.ts';
import { rehearsalTag } from '../../../../local/rehearsal/service.ts';
import { ownerTag } from '../../../../src/domain/model/desired-state.ts';

const client = new S3Client({ region: 'eu-west-1' });
const s3 = mockClient(client);
const data = bucketData(client, 'acme-*');
const ours = 'acme-rehearsal-abc-1';

/** Buckets with their tags; each holds one object. */
function stands(buckets: Readonly<Record<string, Readonly<Record<string, string>>>>) {
  s3.on(ListBucketsCommand).resolves({ Buckets: Object.keys(buckets).map((Name) => ({ Name })) });
  for (const [Bucket, tags] of Object.entries(buckets)) {
    const TagSet = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    s3.on(GetBucketTaggingCommand, { Bucket }).resolves({ TagSet });
  }
}
const emptied = () => s3.commandCalls(DeleteObjectsCommand).map(({ args }) => args[0].input.Bucket);
const deleted = () => s3.commandCalls(DeleteBucketCommand).map(({ args }) => args[0].input.Bucket);

beforeEach(() => {
  s3.reset();
  s3.on(ListObjectsV2Command).resolves({ Contents: [{ Key: 'a', ETag: '1' }] });
  s3.on(DeleteObjectsCommand).resolves({});
});

test('objects are put, also into a folder, and told by key and ETag', async () => {
  await data.put(ours);
  const keys = s3.commandCalls(PutObjectCommand).map(({ args }) => args[0].input.Key);
  expect(keys).toEqual(['rehearsal.txt', 'folder/rehearsal.txt']);
  expect(await data.in(ours)).toEqual(new Map([['a', '1']]));
});

test('a kept bucket is emptied and deleted', async () => {
  stands({ [ours]: { [rehearsalTag]: 'abc', team: 'x' } });
  expect(await data.clear()).toEqual([ours]);
  expect([emptied(), deleted()]).toEqual([[ours], [ours]]);
});

test('one that is still the service’s is emptied, so that the service can delete it', async () => {
  stands({ [ours]: { [rehearsalTag]: 'abc', [ownerTag]: 'int_A' } });
  expect(await data.clear()).toEqual([]);
  expect([emptied(), deleted()]).toEqual([[ours], []]);
});

test.each([
  { why: 'has no tag of a rehearsal', bucket: ours, tags: { team: 'x' } },
  { why: 'has the tag of another run', bucket: ours, tags: { [rehearsalTag]: 'abd' } },
  { why: 'has another name', bucket: 'acme-data', tags: { [rehearsalTag]: 'abc' } },
  { why: 'begins otherwise', bucket: `x-${ours}`, tags: { [rehearsalTag]: 'abc' } },
])('a bucket that $why is left alone', async ({ bucket, tags }) => {
  stands({ [bucket]: tags });
  expect(await data.clear()).toEqual([]);
  expect([emptied(), deleted()]).toEqual([[], []]);
});

test('a bucket whose tags nobody may see is left alone, and one that is gone meanwhile is no problem', async () => {
  stands({ [ours]: { [rehearsalTag]: 'abc' }, 'acme-rehearsal-abc-2': {} });
  const denied = Object.assign(new Error('no'), { name: 'AccessDenied' });
  s3.on(GetBucketTaggingCommand, { Bucket: 'acme-rehearsal-abc-2' }).rejects(denied);
  s3.on(ListObjectsV2Command).rejects(new NoSuchBucket({ message: 'gone', $metadata: {} }));
  expect(await data.clear()).toEqual([]);
  expect(deleted()).toEqual([]);
});

test('an object that S3 does not delete is an error', async () => {
  stands({ [ours]: { [rehearsalTag]: 'abc' } });
  s3.on(DeleteObjectsCommand).resolves({ Errors: [{ Key: 'a', Message: 'Access Denied' }] });
  await expect(data.clear()).rejects.toThrow(`S3 did not delete a of ${ours}: Access Denied`);
});
