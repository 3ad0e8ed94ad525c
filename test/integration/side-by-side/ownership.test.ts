/**
 * What is ours is what the journal and the tag both say; anything else is left alone and reported. Bucket, policy,
 * role and Dataloop's integration, each absent, foreign, ours by a lost answer, and replaced behind our back.
 */
import {
  CreatePolicyCommand,
  CreateRoleCommand,
  DeletePolicyCommand,
  DeleteRoleCommand,
  DetachRolePolicyCommand,
} from '@aws-sdk/client-iam';
import {
  type BucketLocationConstraint,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import type { IntegrationAnswer } from '../../../local/observe/api-client.ts';
import { changes, type Snapshot, takeSnapshot } from '../../faults/snapshot.ts';
import {
  client,
  connect,
  dataloopCall,
  deployment,
  disconnect,
  environment,
  iam,
  settled,
} from '../deployment.ts';
import { expectPromiseKept, faults, faultyName, untilHeld } from '../faulty.ts';

const accountId = '111111111111';
const path = `/dataloop-cross-account/${deployment.stage}/`;
const document = (statement: object) => JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
const theirTrust = document({
  Effect: 'Allow',
  Principal: { Service: 'ec2.amazonaws.com' },
  Action: 'sts:AssumeRole',
});

interface Place {
  /** What the integration is called. */
  readonly name: string;
  readonly region: string;
}

interface Subject {
  readonly type: string;
  /** The one call that creates ours. */
  readonly caller: string;
  readonly operation: string;
  /** Makes what is not ours, under our name. */
  readonly makeForeign: (place: Place) => Promise<void>;
  readonly deleteForeign: (place: Place) => Promise<void>;
  /** Deletes ours behind our back, so that the name is free. */
  readonly deleteOurs: (place: Place, integration: IntegrationAnswer) => Promise<void>;
  /** How a snapshot calls it. */
  readonly key: (place: Place) => RegExp;
  /** The error where its name is taken; undefined where names may repeat. */
  readonly taken?: string;
  /** How a removal ends that finds another one in its place. */
  readonly replaced: 'removed' | 'residue';
}

const s3In = (region: string) => new S3Client({ ...client, region });
const bucketOf = ({ name }: Place) => ({ Bucket: `dataloop-${name}` });
const policyArnOf = ({ name }: Place) => `arn:aws:iam::${accountId}:policy${path}dataloop-${name}`;
const roleOf = ({ name }: Place) => ({ RoleName: `dataloop-${name}` });
const integrations = `/orgs/${environment.sandbox.organizationId}/integrations`;

const bucket: Subject = {
  type: 'AWS::S3::Bucket',
  caller: 'createBucket',
  operation: 's3:CreateBucket',
  makeForeign: async (place) => {
    const s3 = s3In(place.region);
    const location: BucketLocationConstraint | undefined =
      place.region === 'us-east-1' ? undefined : 'eu-west-1';
    const Tags = [{ Key: 'team', Value: 'theirs' }];
    const CreateBucketConfiguration = location ? { LocationConstraint: location, Tags } : { Tags };
    await s3.send(new CreateBucketCommand({ ...bucketOf(place), CreateBucketConfiguration }));
    await s3.send(new PutObjectCommand({ ...bucketOf(place), Key: 'theirs.jpg', Body: 'x' }));
  },
  deleteForeign: async (place) => {
    await s3In(place.region).send(new DeleteObjectCommand({ ...bucketOf(place), Key: 'theirs.jpg' }));
    await s3In(place.region).send(new DeleteBucketCommand(bucketOf(place)));
  },
  deleteOurs: async (place) => {
    await s3In(place.region).send(new DeleteBucketCommand(bucketOf(place)));
  },
  key: ({ name }) => new RegExp(`^bucket dataloop-${name}$`),
  taken: 'bucket-name-taken',
  // A bucket has no id of its own: only its tag says whose it is.
  replaced: 'residue',
};

const policy: Subject = {
  type: 'AWS::IAM::ManagedPolicy',
  caller: 'createPolicy',
  operation: 'iam:CreatePolicy',
  makeForeign: async ({ name }) => {
    await iam.send(
      new CreatePolicyCommand({
        PolicyName: `dataloop-${name}`,
        Path: path,
        PolicyDocument: document({ Effect: 'Deny', Action: '*', Resource: '*' }),
      }),
    );
  },
  deleteForeign: async (place) => {
    await iam.send(new DeletePolicyCommand({ PolicyArn: policyArnOf(place) }));
  },
  deleteOurs: async (place) => {
    await iam.send(new DetachRolePolicyCommand({ ...roleOf(place), PolicyArn: policyArnOf(place) }));
    await iam.send(new DeletePolicyCommand({ PolicyArn: policyArnOf(place) }));
  },
  key: (place) => new RegExp(`^policy ${policyArnOf(place)}$`),
  taken: 'policy-name-taken',
  replaced: 'removed',
};

const role: Subject = {
  type: 'AWS::IAM::Role',
  caller: 'createRole',
  operation: 'iam:CreateRole',
  makeForeign: async (place) => {
    await iam.send(
      new CreateRoleCommand({ ...roleOf(place), Path: path, AssumeRolePolicyDocument: theirTrust }),
    );
  },
  deleteForeign: async (place) => {
    await iam.send(new DeleteRoleCommand(roleOf(place)));
  },
  deleteOurs: async (place) => {
    await iam.send(new DetachRolePolicyCommand({ ...roleOf(place), PolicyArn: policyArnOf(place) }));
    await iam.send(new DeleteRoleCommand(roleOf(place)));
  },
  key: ({ name }) => new RegExp(`^role dataloop-${name}$`),
  taken: 'role-name-taken',
  replaced: 'removed',
};

const listSchema = z.array(z.object({ id: z.string(), name: z.string() }));

const integration: Subject = {
  type: 'Dataloop::Integration',
  caller: 'requestIamUser',
  operation: 'dataloop:POST /orgs/{id}/integrations',
  makeForeign: async ({ name }) => {
    await dataloopCall('POST', integrations, { type: 'aws-cross', name, options: {} });
  },
  deleteForeign: async ({ name }) => {
    const all = listSchema.parse(await dataloopCall('GET', integrations));
    for (const { id } of all.filter((each) => each.name === name)) {
      await dataloopCall('DELETE', `${integrations}/${id}`);
    }
  },
  deleteOurs: async (_place, { resources }) => {
    const id = resources.find(({ type }) => type === 'Dataloop::Integration')?.id;
    await dataloopCall('DELETE', `${integrations}/${id}`);
  },
  key: () => /^integration /,
  replaced: 'removed',
};

const subjects = { bucket, policy, role, integration };

/** What stands of this test's name. */
const standing = ({ name, region }: Place): Promise<Snapshot> =>
  takeSnapshot({ ...environment, region }, (each) => each.includes(name));

const only = (snapshot: Snapshot, key: RegExp): Snapshot =>
  new Map([...snapshot].filter(([each]) => key.test(each)));

const requestIn = ({ name, region }: Place) =>
  region === environment.region ? {} : { bucket: { name: `dataloop-${name}`, region } };

async function connectReady(place: Place): Promise<IntegrationAnswer> {
  const ready = await settled((await connect(place.name, requestIn(place))).integrationId);
  expect(ready.error).toBeUndefined();
  expect(ready.status).toBe('ready');
  return ready;
}

/** Everything of this name, ours and theirs, is as it was. */
async function expectOnly(place: Place, before: Snapshot): Promise<void> {
  expect(changes(before, await standing(place))).toEqual([]);
}

describe.each(Object.entries(subjects))('%s', (what, subject) => {
  const regions = what === 'bucket' ? ['eu-west-1', 'us-east-1'] : ['eu-west-1'];
  const place = async (kind: string, region: string): Promise<Place> => ({
    name: await faultyName(`${what}-${kind}`),
    region,
  });

  test.each(regions)('absent: made, and gone after DELETE (%s)', async (region) => {
    const here = await place('absent', region);
    const ready = await connectReady(here);
    expect(only(await standing(here), subject.key(here)).size).toBe(1);
    expect(ready.resources.map(({ type }) => type)).toContain(subject.type);
    expect((await disconnect(ready.integrationId)).status).toBe('removed');
    await expectOnly(here, new Map());
  });

  test.each(regions)(
    'foreign, made between our look and our call: left as it is, and reported (%s)',
    async (region) => {
      const here = await place('foreign', region);
      await faults.addRule({
        scope: here.name,
        function: subject.caller,
        operation: subject.operation,
        times: 1,
        fault: { kind: 'hold', name: here.name },
      });
      const { integrationId } = await connect(here.name, requestIn(here));
      await untilHeld(here.name);
      await subject.makeForeign(here);
      const theirs = only(await standing(here), subject.key(here));
      expect(theirs.size).toBe(1);
      await faults.release(here.name);

      const ended = await settled(integrationId);

      if (subject.taken) {
        expect(ended).toMatchObject({
          status: 'failed',
          residue: [],
          error: { type: `urn:dataloop-cross-account:problem:${subject.taken}` },
          leftAlone: [
            { type: subject.type, reason: expect.stringContaining('does not belong to this integration') },
          ],
        });
      } else {
        expect(ended.status).toBe('ready');
        expect((await disconnect(integrationId)).status).toBe('removed');
      }
      await expectOnly(here, theirs);
      await subject.deleteForeign(here);
    },
  );

  test.each(regions)('foreign before us: left as it is, to the last byte (%s)', async (region) => {
    const here = await place('before', region);
    await subject.makeForeign(here);
    const theirs = await standing(here);
    const ended = await settled((await connect(here.name, requestIn(here))).integrationId);
    if (subject.taken) {
      expect(ended).toMatchObject({
        status: 'failed',
        error: { type: `urn:dataloop-cross-account:problem:${subject.taken}`, step: 'Preflight' },
      });
    } else {
      expect((await disconnect(ended.integrationId)).status).toBe('removed');
    }
    await expectOnly(here, theirs);
    await subject.deleteForeign(here);
  });

  test.each(regions)(
    'ours, although the answer was lost: taken on, and gone after DELETE (%s)',
    async (region) => {
      const here = await place('lost', region);
      const rule = await faults.addRule({
        scope: here.name,
        function: subject.caller,
        operation: subject.operation,
        call: 1,
        fault: { kind: 'answer-lost' },
      });
      const ready = await connectReady(here);
      const lost = (await faults.calls(here.name)).filter(({ fault }) => fault === rule);
      expect(lost.map(({ outcome }) => outcome)).toContain('lost');
      expect(only(await standing(here), subject.key(here)).size).toBe(1);
      await expectPromiseKept(ready);
      expect((await disconnect(ready.integrationId)).status).toBe('removed');
      await expectOnly(here, new Map());
    },
  );

  test.each(regions)('replaced before our undo: theirs stays, and is reported (%s)', async (region) => {
    const here = await place('replaced', region);
    const ready = await connectReady(here);
    await subject.deleteOurs(here, ready);
    await subject.makeForeign(here);
    const theirs = only(await standing(here), subject.key(here));
    expect(theirs.size).toBe(1);

    const ended = await disconnect(ready.integrationId);

    expect(ended.status).toBe(subject.replaced);
    await expectOnly(here, theirs);
    if (subject.taken) {
      const told = subject.replaced === 'residue' ? ended.residue : ended.leftAlone;
      expect(told).toMatchObject([{ type: subject.type }]);
    }
    await subject.deleteForeign(here);
    if (subject.replaced === 'residue') {
      expect((await disconnect(ready.integrationId)).status).toBe('removed');
    }
  });
});
