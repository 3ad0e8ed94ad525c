/**
 * What was there before is adopted, and afterwards it is as it was, to the byte: a bucket with objects, a role that
 * another team made, an integration that waits at Dataloop.
 */
import { GetRoleCommand, UpdateAssumeRolePolicyCommand } from '@aws-sdk/client-iam';
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
import * as z from 'zod';
import type { IntegrationAnswer } from '../../../local/observe/api-client.ts';
import {
  adoptable,
  bucketName,
  closed,
  type Made,
  roleName,
  theirRules,
  theirTrust,
} from '../../adoptable.ts';
import { changes, type Snapshot, takeSnapshot } from '../../faults/snapshot.ts';
import {
  api,
  client,
  connect,
  control,
  dataloopCall,
  disconnect,
  environment,
  foreignClient,
  iam,
  read,
  requestFor,
  s3,
  settled,
  uniqueName,
} from '../deployment.ts';
import { faults, faultyName } from '../faulty.ts';

const { organizationId } = environment.sandbox;
const { setRules, makeBucket, dropBucket, makeRole, dropRole, makeWaiting, dropWaiting } = adoptable({
  s3,
  iam,
  dataloopCall,
  organizationId,
});
const consoleOrigin = 'https://console.dataloop.ai';

const adopting = (number: number, more: object = {}) => ({
  bucket: { name: bucketName(number), mode: 'adopt', ...more },
});

async function trustOf(RoleName: string): Promise<string> {
  const { Role } = await iam.send(new GetRoleCommand({ RoleName }));
  return decodeURIComponent(Role?.AssumeRolePolicyDocument ?? '');
}

const trustSchema = z.looseObject({ Statement: z.array(z.looseObject({ Sid: z.string().optional() })) });
const statementsOf = async (RoleName: string) =>
  trustSchema.parse(JSON.parse(await trustOf(RoleName))).Statement;
const ourSid = ({ integrationId }: IntegrationAnswer) => `Dataloop${integrationId.replace('_', '')}`;

/** Everything of these names, in AWS and at Dataloop. */
const snapshot = (...names: string[]): Promise<Snapshot> =>
  takeSnapshot(environment, (each) => names.some((name) => each.includes(name)));

async function connectReady(name: string, more: Record<string, unknown>): Promise<IntegrationAnswer> {
  const ready = await settled((await connect(name, more)).integrationId);
  expect(ready.error).toBeUndefined();
  expect(ready.status).toBe('ready');
  return ready;
}

const originsOf = ({ resources }: IntegrationAnswer) =>
  Object.fromEntries(resources.map(({ type, origin }) => [type.split('::').at(-1), origin]));

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

describe('a role', () => {
  const inRole = (number: number) => ({ role: { name: roleName(number), mode: 'adopt' } });

  test('gets one statement and one policy, and is afterwards as it was', async () => {
    const name = uniqueName('role');
    const RoleName = await makeRole(0);
    const before = await snapshot(RoleName, name);

    const ready = await connectReady(name, inRole(0));

    expect(originsOf(ready)).toMatchObject({ Bucket: 'created', ManagedPolicy: 'created', Role: 'adopted' });
    expect(await statementsOf(RoleName)).toMatchObject([
      { Sid: 'Team', Principal: { Service: 'ec2.amazonaws.com' } },
      {
        Sid: ourSid(ready),
        Effect: 'Allow',
        Principal: { AWS: expect.stringContaining(`:iam::${environment.sandbox.accountId}:user/`) },
        Action: 'sts:AssumeRole',
      },
    ]);
    const integration = ready.resources.find(({ type }) => type === 'Dataloop::Integration');
    const stranger = await control.assumeAsStranger(integration?.id ?? '');
    expect(stranger.assumed).toBe(false);

    const removed = await disconnect(ready.integrationId);

    expect(removed).toMatchObject({ status: 'removed', residue: [] });
    expect(removed.leftAlone).toBeUndefined();
    expect(changes(before, await snapshot(RoleName, name))).toEqual([]);
    expect(await trustOf(RoleName)).toBe(theirTrust);
    await dropRole(0);
  });

  test('to which somebody else gave a statement meanwhile keeps that one, and loses ours', async () => {
    const RoleName = await makeRole(1);
    const ready = await connectReady(uniqueName('more'), inRole(1));
    const [theirs, ours] = await statementsOf(RoleName);
    const another = { ...theirs, Sid: 'Another' };
    const document = { Version: '2012-10-17', Statement: [another, ours, theirs] };
    await iam.send(new UpdateAssumeRolePolicyCommand({ RoleName, PolicyDocument: JSON.stringify(document) }));

    const removed = await disconnect(ready.integrationId);

    expect(removed.status).toBe('removed');
    expect(removed.leftAlone).toBeUndefined();
    expect(await statementsOf(RoleName)).toEqual([another, theirs]);
    await dropRole(1);
  });

  test('whose statement of ours somebody changed keeps it, without our policy, and it is reported', async () => {
    const RoleName = await makeRole(2);
    const ready = await connectReady(uniqueName('ours'), inRole(2));
    const [theirs, ours] = await statementsOf(RoleName);
    const changed = { ...ours, Condition: { Bool: { 'aws:SecureTransport': 'true' } } };
    const document = JSON.stringify({ Version: '2012-10-17', Statement: [theirs, changed] });
    await iam.send(new UpdateAssumeRolePolicyCommand({ RoleName, PolicyDocument: document }));

    const removed = await disconnect(ready.integrationId);

    expect(removed).toMatchObject({
      status: 'removed',
      leftAlone: [{ type: 'AWS::IAM::Role', reason: expect.stringContaining(ourSid(ready)) }],
    });
    expect(await trustOf(RoleName)).toBe(document);
    await dropRole(2);
  });

  test('in which ours is the only statement by now is residue, until there is another', async () => {
    const RoleName = await makeRole(3);
    const ready = await connectReady(uniqueName('last'), inRole(3));
    const [theirs, ours] = await statementsOf(RoleName);
    const set = (Statement: unknown[]) =>
      iam.send(
        new UpdateAssumeRolePolicyCommand({
          RoleName,
          PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement }),
        }),
      );
    await set([ours]);

    const left = await disconnect(ready.integrationId);

    expect(left).toMatchObject({
      status: 'residue',
      residue: [
        { type: 'AWS::S3::Bucket', reason: expect.stringContaining(RoleName) },
        { type: 'AWS::IAM::Role', advice: expect.stringContaining('another statement') },
      ],
    });
    await set([ours, theirs]);
    expect((await disconnect(ready.integrationId)).status).toBe('removed');
    expect(await statementsOf(RoleName)).toEqual([theirs]);
    await dropRole(3);
  });

  test.each<[string, (number: number) => Promise<unknown>, string, string]>([
    ['that does not exist', async () => undefined, 'Preflight', 'does not exist'],
    [
      'without a permissions boundary',
      (number) => makeRole(number, theirTrust, 'none'),
      'Preflight',
      'aws iam put-role-permissions-boundary',
    ],
    [
      'that trusts a user who was deleted',
      (number) => makeRole(number, theirTrust.replace('"Service": "ec2.amazonaws.com"', '"AWS": "AIDA1"')),
      'Preflight',
      'AIDA1',
    ],
    [
      'whose trust policy is full',
      (number) => makeRole(number, theirTrust.replace('made-by-the-team', 'x'.repeat(1_800))),
      'CreateRole',
      'no room in its trust policy for one more statement',
    ],
  ])('%s is refused, and left as it was', async (_what, make, step, detail) => {
    const name = uniqueName('unfit');
    const isMade = (await make(4)) !== undefined;
    const before = await snapshot(roleName(4), name);
    const failed = await settled((await connect(name, inRole(4))).integrationId);
    expect(failed).toMatchObject({
      status: 'failed',
      residue: [],
      error: {
        type: 'urn:dataloop-cross-account:problem:role-not-adoptable',
        step,
        detail: expect.stringContaining(detail),
      },
    });
    expect(changes(before, await snapshot(roleName(4), name))).toEqual([]);
    if (isMade) await dropRole(4);
  });

  test('that the deployment does not name is refused at once, and one is in one integration at a time', async () => {
    const name = uniqueName('unnamed');
    const answer = await api.request('POST', '/integrations', {
      body: requestFor(name, { role: { name: `dataloop-${name}`, mode: 'adopt' } }),
    });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({
      errors: [{ pointer: '/role/name', detail: expect.stringContaining('adoptableRoleArns') }],
    });
    await makeRole(5);
    const { integrationId } = await connectReady(uniqueName('first'), inRole(5));
    const second = await api.request('POST', '/integrations', {
      body: requestFor(uniqueName('second'), inRole(5)),
    });
    expect(second.status).toBe(409);
    expect(second.body).toMatchObject({ detail: expect.stringContaining(`adopted role ${roleName(5)}`) });
    expect((await disconnect(integrationId)).status).toBe('removed');
    await dropRole(5);
  });
});

describe('an integration that waits at Dataloop', () => {
  const taking = (integrationId: string, more: object = {}) => ({
    dataloop: { projectId: environment.sandbox.projectId, integrationId, ...more },
  });

  test('is used with its own IAM user, and never deleted; its driver is', async () => {
    const name = uniqueName('waiting');
    const id = await makeWaiting(`theirs ${name}`);
    const before = await snapshot(name);
    const userArn = /userArn=([^"]+)/.exec(before.get(`integration ${id}`) ?? '')?.[1];

    const ready = await connectReady(name, taking(id));

    expect(ready.resources).toContainEqual({ type: 'Dataloop::Integration', id, origin: 'adopted' });
    expect(await trustOf(`dataloop-${name}`)).toContain(`"${userArn}"`);
    const second = await api.request('POST', '/integrations', {
      body: requestFor(uniqueName('second'), taking(id)),
    });
    expect(second.status).toBe(409);
    expect(second.body).toMatchObject({ detail: expect.stringContaining(id) });

    const removed = await disconnect(ready.integrationId);

    expect(removed).toMatchObject({
      status: 'removed',
      residue: [],
      leftAlone: [
        { type: 'Dataloop::Integration', id, reason: expect.stringContaining('cannot remove a role ARN') },
      ],
    });
    const left = await snapshot(name);
    expect([...left.keys()]).toEqual([`integration ${id}`]);

    const again = await settled((await connect(name, taking(id))).integrationId);
    expect(again.error).toMatchObject({
      type: 'urn:dataloop-cross-account:problem:integration-not-adoptable',
      step: 'Preflight',
      detail: expect.stringContaining('already has a role'),
    });
    expect(changes(left, await snapshot(name))).toEqual([]);
    await dropWaiting(id);
  });

  test.each<[string, (name: string) => Promise<string>, string, string?]>([
    ['that Dataloop does not know', async () => 'unknown', 'is not in organisation'],
    ['of another type', (name) => makeWaiting(name, 'aws-sts'), 'is of type "aws-sts"'],
    [
      'that has no IAM user yet',
      async (name) => {
        await control.set(name, { userArnDelaySeconds: 'never' });
        return makeWaiting(name);
      },
      'has no IAM user',
    ],
    [
      'with a driver of our name',
      async (name) => {
        const id = await makeWaiting(name);
        await dataloopCall('POST', '/drivers', {
          name,
          type: 's3',
          creator: environment.sandbox.username,
          integrationId: id,
          metadata: { system: { projectId: environment.sandbox.projectId } },
          payload: { bucketName: 'some-bucket' },
        });
        return id;
      },
      'has a driver',
      'driver-name-taken',
    ],
  ])(
    '%s is refused, and left as it was',
    async (_what, make, detail, problem = 'integration-not-adoptable') => {
      const name = uniqueName('unfit');
      const id = await make(name);
      const before = await snapshot(name);
      const failed = await settled((await connect(name, taking(id))).integrationId);
      expect(failed).toMatchObject({
        status: 'failed',
        error: {
          type: `urn:dataloop-cross-account:problem:${problem}`,
          step: 'Preflight',
          detail: expect.stringContaining(detail),
        },
      });
      expect(failed.leftAlone).toBeUndefined();
      expect(changes(before, await snapshot(name))).toEqual([]);
      for (const [key] of before) {
        const [kind, each = ''] = key.split(' ');
        await (kind === 'driver' ? dataloopCall('DELETE', `/drivers/${each}`) : dropWaiting(each));
      }
    },
  );
});

describe('all three', () => {
  const everything = (number: number, id: string) => ({
    ...adopting(number, { blockPublicAccess: true }),
    role: { name: roleName(number), mode: 'adopt' },
    dataloop: { projectId: environment.sandbox.projectId, integrationId: id },
  });
  const make = async (number: number, name: string) => {
    const names = [
      await makeBucket(number, { rules: theirRules, publicAccess: 'none' }),
      await makeRole(number),
      name,
    ];
    const id = await makeWaiting(name);
    return { id, before: await snapshot(...names), standing: () => snapshot(...names) };
  };
  const drop = async (number: number, id: string) => {
    await dropWaiting(id);
    await dropRole(number);
    await dropBucket(number);
  };
  /** What cannot be taken back: Dataloop keeps the ARN. */
  const onlyTrust = (before: Snapshot, after: Snapshot, id: string) => {
    const differences = changes(before, after);
    expect(differences).toHaveLength(1);
    expect(differences[0]).toContain(`~ integration ${id}`);
  };

  test('together, planned, to ready, tested, and back', async () => {
    const name = uniqueName('all');
    const { id, before, standing } = await make(8, name);
    const plan = await api.request('POST', '/plans', { body: requestFor(name, everything(8, id)) });
    expect(plan.body).toMatchObject({
      clear: true,
      findings: [],
      resources: expect.arrayContaining([
        expect.objectContaining({ action: 'change', arn: `arn:aws:s3:::${bucketName(8)}` }),
        expect.objectContaining({ action: 'change', type: 'AWS::IAM::Role', name: roleName(8) }),
        expect.objectContaining({ action: 'change', type: 'Dataloop::Integration', id }),
      ]),
    });
    expect(changes(before, await standing())).toEqual([]);

    const ready = await connectReady(name, everything(8, id));

    const tested = await api.request('POST', `/integrations/${ready.integrationId}/test`);
    expect(tested.body).toMatchObject({ status: 'passed' });
    expect(originsOf(ready)).toEqual({
      Bucket: 'adopted',
      ManagedPolicy: 'created',
      Role: 'adopted',
      Integration: 'adopted',
      Driver: 'created',
    });
    const removed = await disconnect(ready.integrationId);
    expect(removed).toMatchObject({ status: 'removed', leftAlone: [{ type: 'Dataloop::Integration' }] });
    onlyTrust(before, await standing(), id);
    await drop(8, id);
  });

  test('when Dataloop’s test fails at the end, all is put back', async () => {
    const name = uniqueName('back');
    const { id, before, standing } = await make(9, name);
    await control.set(name, { driverTest: 'fail' });

    const failed = await settled((await connect(name, everything(9, id))).integrationId);

    expect(failed).toMatchObject({
      status: 'failed',
      resources: [],
      residue: [],
      error: { step: 'TestDriver' },
      leftAlone: [{ type: 'Dataloop::Integration', id }],
    });
    onlyTrust(before, await standing(), id);
    await drop(9, id);
  });

  test('when trust cannot be established, nothing of it is left but the waiting integration', async () => {
    const name = uniqueName('notrust');
    const { id, before, standing } = await make(10, name);
    await control.set(name, { trustDelaySeconds: 'never' });
    const failed = await settled((await connect(name, everything(10, id))).integrationId);
    expect(failed).toMatchObject({ status: 'failed', error: { step: 'CompleteIntegration' } });
    expect(changes(before, await standing())).toEqual([]);
    await drop(10, id);
  });

  test('whatever answer is lost, on the way there and back', async () => {
    const name = await faultyName('lost');
    const { id, before, standing } = await make(11, name);
    const rules = await Promise.all(
      [
        ['createBucket', 's3:PutPublicAccessBlock'],
        ['createBucket', 's3:PutBucketCors'],
        ['createRole', 'iam:UpdateAssumeRolePolicy'],
        ['createRole', 'iam:AttachRolePolicy'],
        ['deleteBucket', 's3:DeletePublicAccessBlock'],
        ['deleteBucket', 's3:PutBucketCors'],
        ['deleteRole', 'iam:UpdateAssumeRolePolicy'],
        ['deleteRole', 'iam:DetachRolePolicy'],
      ].map(([caller = '', operation = '']) =>
        faults.addRule({
          scope: name,
          function: caller,
          operation,
          call: 1,
          fault: { kind: 'answer-lost' },
        }),
      ),
    );
    const ready = await connectReady(name, everything(11, id));
    const removed = await disconnect(ready.integrationId);
    expect(removed).toMatchObject({ status: 'removed', leftAlone: [{ type: 'Dataloop::Integration' }] });
    onlyTrust(before, await standing(), id);
    const struck = (await faults.calls(name)).flatMap(({ fault }) => (fault ? [fault] : []));
    expect(new Set(struck)).toEqual(new Set(rules));
    expect((await read(ready.integrationId)).residue).toEqual([]);
    await drop(11, id);
  });
});
