/** A bucket that was there before is adopted, and afterwards it is as it was, to the byte. */
import {
  type BucketLocationConstraint,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetBucketCorsCommand,
  GetPublicAccessBlockCommand,
  type PublicAccessBlockConfiguration,
  PutBucketTaggingCommand,
  PutPublicAccessBlockCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { describe, expect, test } from '@jest/globals';
import { bucketName, closed, type Made, theirRules } from '../../adoptable.ts';
import { changes } from '../../faults/snapshot.ts';
import {
  api,
  client,
  connect,
  control,
  disconnect,
  environment,
  foreignClient,
  requestFor,
  s3,
  settled,
  uniqueName,
} from '../deployment.ts';
import { adopting, connectReady, originsOf, snapshot, world } from './adopting.ts';

const { setRules, makeBucket, dropBucket } = world;
const consoleOrigin = 'https://console.dataloop.ai';

/** What a browser asks before it loads something from the bucket into a page of another origin. */
async function browserAsks(Bucket: string, origin: string, method = 'GET'): Promise<Response> {
  return fetch(`${environment.endpointUrl}/${Bucket}/raw/1.jpg`, {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': method },
  });
}

describe('a bucket', () => {
  test('with objects and CORS rules: only a rule is added, and afterwards all is as it was', async () => {
    const name = uniqueName('adopt');
    const Bucket = await makeBucket(0, { rules: theirRules });
    const before = await snapshot(Bucket, name);
    expect((await browserAsks(Bucket, consoleOrigin)).status).toBe(403);

    const ready = await connectReady(name, adopting(0));

    expect(originsOf(ready)).toEqual({
      Bucket: 'adopted',
      ManagedPolicy: 'created',
      Role: 'created',
      Integration: 'created',
      Driver: 'created',
    });
    const { CORSRules } = await s3.send(new GetBucketCorsCommand({ Bucket }));
    expect(CORSRules).toMatchObject([
      ...theirRules,
      { ID: `dataloop-cross-account-${ready.integrationId}`, AllowedOrigins: [consoleOrigin] },
    ]);
    // Nothing else has changed: with their rules put back, the bucket is the one of before.
    await setRules(0, theirRules);
    const during = await snapshot(Bucket);
    expect(during.get(`bucket ${Bucket}`)).toBe(before.get(`bucket ${Bucket}`));
    await setRules(0, CORSRules ?? []);

    for (const method of ['GET', 'PUT']) {
      const asked = await browserAsks(Bucket, consoleOrigin, method);
      expect(asked.status).toBe(200);
      expect(asked.headers.get('access-control-allow-origin')).toBe(consoleOrigin);
    }
    expect((await browserAsks(Bucket, 'https://elsewhere.example')).status).toBe(403);
    expect((await browserAsks(Bucket, 'https://example.com')).status).toBe(200);
    const driver = ready.resources.find(({ type }) => type === 'Dataloop::Driver');
    await control.writeObject(driver?.id ?? '', 'from-dataloop.txt', 'hello');
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'from-dataloop.txt' }));

    const removed = await disconnect(ready.integrationId);

    expect(removed).toMatchObject({ status: 'removed', residue: [] });
    expect(removed.leftAlone).toBeUndefined();
    expect(changes(before, await snapshot(Bucket, name))).toEqual([]);
    await dropBucket(0);
  });

  test.each<[string, Made, object, boolean]>([
    ['without any CORS rules', {}, {}, true],
    [
      'whose rules allow already what is needed',
      {
        rules: [
          {
            AllowedMethods: ['HEAD', 'GET', 'PUT', 'POST', 'DELETE'],
            AllowedOrigins: ['https://*.dataloop.ai'],
            AllowedHeaders: ['*'],
            ExposeHeaders: ['etag', 'x-other'],
          },
        ],
      },
      {},
      false,
    ],
    ['for which no CORS is asked', { rules: theirRules }, { cors: false }, false],
    ['that is empty', { objects: [] }, {}, true],
  ])('%s: it stays, and is as it was', async (_what, made, more, isChanged) => {
    const name = uniqueName('adopt');
    const Bucket = await makeBucket(1, made);
    const before = await snapshot(Bucket, name);
    const ready = await connectReady(name, adopting(1, more));
    const during = await snapshot(Bucket);
    expect(during.get(`bucket ${Bucket}`) !== before.get(`bucket ${Bucket}`)).toBe(isChanged);
    if (isChanged) expect((await browserAsks(Bucket, consoleOrigin)).status).toBe(200);
    expect((await disconnect(ready.integrationId)).status).toBe('removed');
    expect(changes(before, await snapshot(Bucket, name))).toEqual([]);
    await dropBucket(1, made.objects);
  });

  const half = { ...closed, RestrictPublicBuckets: false };
  test.each<[string, PublicAccessBlockConfiguration | 'none']>([
    ['without a public-access block', 'none'],
    ['with one that is half open', half],
  ])('%s: refused, unless the request asks to close it; then it is opened again', async (_what, made) => {
    const name = uniqueName('open');
    const Bucket = await makeBucket(2, { publicAccess: made });
    const before = await snapshot(Bucket, name);

    const failed = await settled((await connect(name, adopting(2))).integrationId);

    expect(failed).toMatchObject({
      status: 'failed',
      error: {
        type: 'urn:dataloop-cross-account:problem:bucket-not-adoptable',
        step: 'Preflight',
        detail: expect.stringContaining('bucket.blockPublicAccess: true'),
      },
    });
    expect(changes(before, await snapshot(Bucket, name))).toEqual([]);

    const ready = await connectReady(name, adopting(2, { blockPublicAccess: true }));
    const { PublicAccessBlockConfiguration } = await s3.send(new GetPublicAccessBlockCommand({ Bucket }));
    expect(PublicAccessBlockConfiguration).toEqual(closed);
    expect((await disconnect(ready.integrationId)).status).toBe('removed');
    expect(changes(before, await snapshot(Bucket, name))).toEqual([]);
    await dropBucket(2);
  });

  const fails = async (number: number, more: object, detail: string) => {
    const name = uniqueName('unfit');
    const failed = await settled((await connect(name, adopting(number, more))).integrationId);
    expect(failed).toMatchObject({
      status: 'failed',
      error: {
        type: 'urn:dataloop-cross-account:problem:bucket-not-adoptable',
        step: 'Preflight',
        detail: expect.stringContaining(detail),
      },
    });
    expect((await snapshot(name)).size).toBe(0);
  };

  test('that does not exist, or lies in another region, is refused before anything is made', async () => {
    await fails(3, {}, 'does not exist');
    const elsewhere = new S3Client({ ...client, region: 'us-east-1' });
    const bucket = { Bucket: bucketName(3) };
    await elsewhere.send(new CreateBucketCommand(bucket));
    await fails(3, {}, 'is in us-east-1');
    const ready = await connectReady(uniqueName('region'), adopting(3, { region: 'us-east-1' }));
    expect((await disconnect(ready.integrationId)).status).toBe('removed');
    await elsewhere.send(new DeleteBucketCommand(bucket));
  });

  test('of another account, or made for another integration, is refused before anything is made', async () => {
    const foreign = new S3Client(foreignClient);
    const bucket = { Bucket: bucketName(4) };
    const LocationConstraint: BucketLocationConstraint = 'eu-west-1';
    await foreign.send(
      new CreateBucketCommand({ ...bucket, CreateBucketConfiguration: { LocationConstraint } }),
    );
    await fails(4, {}, 'belongs to another AWS account');
    await foreign.send(new DeleteBucketCommand(bucket));
    await makeBucket(4);
    const TagSet = [{ Key: 'dataloop-cross-account:integration-id', Value: 'int_another' }];
    await s3.send(new PutBucketTaggingCommand({ ...bucket, Tagging: { TagSet } }));
    await fails(4, {}, 'belongs to the integration int_another');
    await dropBucket(4);
  });

  test('that the deployment does not name is refused at once, with the parameter', async () => {
    const name = uniqueName('unnamed');
    const answer = await api.request('POST', '/integrations', {
      body: requestFor(name, { bucket: { name: `dataloop-${name}`, mode: 'adopt' } }),
    });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({
      errors: [{ pointer: '/bucket/name', detail: expect.stringContaining('adoptableBucketArns') }],
    });
  });

  test('is in one integration at a time', async () => {
    await makeBucket(5);
    const { integrationId } = await connectReady(uniqueName('first'), adopting(5));
    const second = await api.request('POST', '/integrations', {
      body: requestFor(uniqueName('second'), adopting(5, { prefix: 'raw/' })),
    });
    expect(second.status).toBe(409);
    expect(second.body).toMatchObject({ detail: expect.stringContaining(integrationId) });
    expect((await disconnect(integrationId)).status).toBe('removed');
    const { integrationId: third } = await connectReady(uniqueName('third'), adopting(5));
    expect((await disconnect(third)).status).toBe('removed');
    await dropBucket(5);
  });

  test('changed by somebody since is left alone, and reported', async () => {
    const name = uniqueName('touched');
    const Bucket = await makeBucket(6, { rules: theirRules, publicAccess: half });
    const ready = await connectReady(name, adopting(6, { blockPublicAccess: true }));
    const { CORSRules = [] } = await s3.send(new GetBucketCorsCommand({ Bucket }));
    const newRule = { AllowedMethods: ['GET'], AllowedOrigins: ['https://new.example'] };
    await setRules(6, [...CORSRules, newRule]);
    const block = { ...closed, BlockPublicPolicy: false };
    await s3.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: block }));
    const changed = (await snapshot(Bucket)).get(`bucket ${Bucket}`);

    const removed = await disconnect(ready.integrationId);

    expect(removed).toMatchObject({
      status: 'removed',
      residue: [],
      leftAlone: [
        {
          type: 'AWS::S3::Bucket',
          arn: `arn:aws:s3:::${Bucket}`,
          reason: expect.stringMatching(/CORS rules .*public-access block/),
        },
      ],
    });
    expect([...(await snapshot(Bucket, name))]).toEqual([[`bucket ${Bucket}`, changed]]);
    await dropBucket(6);
  });

  test('that somebody has deleted since is no obstacle', async () => {
    await makeBucket(7);
    const { integrationId } = await connectReady(uniqueName('vanished'), adopting(7));
    await dropBucket(7);
    expect((await disconnect(integrationId)).status).toBe('removed');
  });
});
