/**
 * What was there before is adopted, and afterwards it is as it was, to the byte: a role that another team made, an
 * integration that waits at Dataloop, and those together with a bucket.
 */
import { GetRoleCommand, UpdateAssumeRolePolicyCommand } from '@aws-sdk/client-iam';
import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import type { IntegrationAnswer } from '../../../local/observe/api-client.ts';
import { bucketName, roleName, theirRules, theirTrust } from '../../adoptable.ts';
import { changes, type Snapshot } from '../../faults/snapshot.ts';
import {
  api,
  connect,
  control,
  dataloopCall,
  disconnect,
  environment,
  iam,
  read,
  requestFor,
  settled,
  uniqueName,
} from '../deployment.ts';
import { faults, faultyName } from '../faulty.ts';
import { adopting, connectReady, originsOf, snapshot, world } from './adopting.ts';

const { makeBucket, dropBucket, makeRole, dropRole, makeWaiting, dropWaiting } = world;

async function trustOf(RoleName: string): Promise<string> {
  const { Role } = await iam.send(new GetRoleCommand({ RoleName }));
  return decodeURIComponent(Role?.AssumeRolePolicyDocument ?? '');
}

const trustSchema = z.looseObject({ Statement: z.array(z.looseObject({ Sid: z.string().optional() })) });
const statementsOf = async (RoleName: string) =>
  trustSchema.parse(JSON.parse(await trustOf(RoleName))).Statement;
const ourSid = ({ integrationId }: IntegrationAnswer) => `Dataloop${integrationId.replace('_', '')}`;

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
      (number) => makeRole(number, theirTrust.replace('made-by-the-team', 'x'.repeat(4_000))),
      'Preflight',
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

  test.each<[string, (name: string) => Promise<string>, string]>([
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
      'with a driver',
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
      'already has drivers (1)',
    ],
  ])('%s is refused, and left as it was', async (_what, make, detail) => {
    const name = uniqueName('unfit');
    const id = await make(name);
    const before = await snapshot(name);
    const failed = await settled((await connect(name, taking(id))).integrationId);
    expect(failed).toMatchObject({
      status: 'failed',
      error: {
        type: 'urn:dataloop-cross-account:problem:integration-not-adoptable',
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
  });
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
