/**
 * A record is forged, as nobody of the stack may do it (rewrites.ts), and then the service does what it always does: nobody
 * outside gets more than before, and what belongs to others stays.
 */
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  DeleteUserCommand,
  DeleteUserPolicyCommand,
  GetRoleCommand,
  IAMClient,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import {
  DeleteObjectCommand,
  GetBucketCorsCommand,
  GetObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, test } from '@jest/globals';
import type { IntegrationAnswer } from '../../local/observe/api-client.ts';
import { addedDriverViewSchema, connectionTestSchema } from '../../src/domain/api/responses.ts';
import { adoptable, bucketName, roleName, theirRules, theirTrust } from '../adoptable.ts';
import { clientsAt } from '../faults/clients.ts';
import { recordItem } from '../faults/journal.ts';
import { dataloopSession } from '../integration/dataloop-session.ts';
import {
  api,
  connect,
  control,
  dataloopCall,
  deployment,
  disconnect,
  environment,
  foreignClient,
  iam,
  s3,
  settled,
  stepStatus,
  uniqueName,
  until,
} from '../integration/deployment.ts';
import { policyOf } from '../integration/policy-documents.ts';
import { until as untilSo } from '../until.ts';
import { liveChains, writes } from './live-chains.ts';
import { bystanders, playLive } from './live-world.ts';
import { expectRefused } from './refusal.ts';
import { borrowSessions, sessionWith } from './sessions.ts';

const { organizationId, projectId, accountId: dataloopAccountId } = environment.sandbox;
const { makeBucket, dropBucket, makeRole, dropRole } = adoptable({ s3, iam, dataloopCall, organizationId });
const { table } = clientsAt(environment);
const TableName = deployment.outputs.TableName;
const strangersTrust = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::333333333333:root' }, Action: 'sts:AssumeRole' },
  ],
});
const keyOf = (id: string) => ({ pk: `integration#${id}` });

/** Writes into a record with all the rights that there are. @returns what puts it back */
async function forge(id: string, path: readonly string[], value: unknown): Promise<() => Promise<unknown>> {
  const names = Object.fromEntries(path.map((part, index) => [`#p${index}`, part]));
  const at = Object.keys(names).join('.');
  const { Item } = await table.send(
    new GetCommand({ TableName, Key: keyOf(id), ProjectionExpression: at, ExpressionAttributeNames: names }),
  );
  const before = path.reduce<unknown>(
    (found, part) => (typeof found === 'object' && found !== null ? Reflect.get(found, part) : undefined),
    Item,
  );
  const write = (to: unknown) =>
    table.send(
      new UpdateCommand({
        TableName,
        Key: keyOf(id),
        UpdateExpression: to === undefined ? `REMOVE ${at}` : `SET ${at} = :to`,
        ExpressionAttributeNames: names,
        ...(to === undefined ? {} : { ExpressionAttributeValues: { ':to': to } }),
      }),
    );
  await write(value);
  return () => write(before);
}

/** An IAM user of another account, who may assume whatever lets them in. */
async function asStranger(work: (sts: STSClient) => Promise<void>): Promise<void> {
  const theirs = new IAMClient(foreignClient);
  const UserName = uniqueName('stranger');
  const policy = { UserName, PolicyName: 'assume' };
  await theirs.send(new CreateUserCommand({ UserName }));
  const Statement = [{ Effect: 'Allow', Action: 'sts:AssumeRole', Resource: '*' }];
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
  await theirs.send(new PutUserPolicyCommand({ ...policy, PolicyDocument }));
  const { AccessKey } = await theirs.send(new CreateAccessKeyCommand({ UserName }));
  const { AccessKeyId: accessKeyId = '', SecretAccessKey: secretAccessKey = '' } = AccessKey ?? {};
  await work(new STSClient({ ...foreignClient, credentials: { accessKeyId, secretAccessKey } }));
  await theirs.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId: accessKeyId }));
  await theirs.send(new DeleteUserPolicyCommand(policy));
  await theirs.send(new DeleteUserCommand({ UserName }));
}

async function ready(name: string, more?: Record<string, unknown>): Promise<IntegrationAnswer> {
  const integration = await settled((await connect(name, more)).integrationId);
  expect(integration.error).toBeUndefined();
  return integration;
}

async function addDriver({ integrationId }: IntegrationAnswer, bucket: string) {
  const { status, body } = await api.request('POST', `/integrations/${integrationId}/drivers`, {
    body: { bucket: { name: bucket }, dataloop: { projectId } },
  });
  expect(status).toBe(202);
  const { driverId, links } = addedDriverViewSchema.parse(body);
  await untilSo(`${driverId} has ended`, async () =>
    ['ready', 'failed', 'residue'].includes(
      (await recordItem({ environment, deployment }, driverId))?.status ?? '',
    ),
  );
  return addedDriverViewSchema.parse((await api.request('GET', links.self)).body);
}

const testOf = async ({ integrationId }: IntegrationAnswer) =>
  connectionTestSchema.parse((await api.request('POST', `/integrations/${integrationId}/test`)).body);

describe('an added bucket that nobody has added', () => {
  const forgedEntry = (name: string) => ({
    bucket: { name },
    dataloop: { projectId, driverName: name, allowDelete: true },
    placedIn: 'policy',
  });

  test('is granted by no next step, and Dataloop cannot read it', async () => {
    const name = uniqueName('chain');
    const integration = await ready(name);
    const others = uniqueName('chain-others');
    const victim = await ready(others);
    await s3.send(new PutObjectCommand({ Bucket: `dataloop-${others}`, Key: 'theirs', Body: 'x' }));
    const restore = await forge(integration.integrationId, ['drivers'], {
      drv_00000000000000000000000000: forgedEntry(`dataloop-${others}`),
    });

    const added = await addDriver(integration, `dataloop-${name}-2`);

    expect(added.status).toBe('failed');
    expect(added.error?.type).toBe('urn:dataloop-cross-account:problem:record-damaged');
    expect(added.error?.detail).toContain('drivers.drv_00000000000000000000000000');
    expect(JSON.stringify(await policyOf(integration))).not.toContain(others);
    const session = sessionWith(await dataloopSession(integration));
    await expectRefused(
      session.s3.send(new GetObjectCommand({ Bucket: `dataloop-${others}`, Key: 'theirs' })),
    );
    const own = await session.s3.send(
      new PutObjectCommand({ Bucket: `dataloop-${name}`, Key: 'ours', Body: 'x' }),
    );
    expect(own.$metadata.httpStatusCode).toBe(200);
    // Nor is it what a test expects to be granted.
    expect((await testOf(integration)).status).toBe('passed');

    await restore();
    await s3.send(new DeleteObjectCommand({ Bucket: `dataloop-${others}`, Key: 'theirs' }));
    await s3.send(new DeleteObjectCommand({ Bucket: `dataloop-${name}`, Key: 'ours' }));
    expect((await disconnect(victim.integrationId)).status).toBe('removed');
    expect((await disconnect(integration.integrationId)).status).toBe('removed');
  });
});

describe('a forged original', () => {
  test('of an adopted role’s trust policy lets no stranger in', async () => {
    await makeRole(13);
    const integration = await ready(uniqueName('chain-role'), {
      role: { name: roleName(13), mode: 'adopt' },
    });
    await forge(
      integration.integrationId,
      ['resource_role', 'changes', 'trustPolicy', 'before'],
      strangersTrust,
    );

    expect((await disconnect(integration.integrationId)).status).toBe('removed');

    const { Role } = await iam.send(new GetRoleCommand({ RoleName: roleName(13) }));
    const trust = decodeURIComponent(Role?.AssumeRolePolicyDocument ?? '');
    expect(JSON.parse(trust)).toMatchObject({
      Statement: [JSON.parse(theirTrust).Statement],
    });
    await asStranger((sts) =>
      expectRefused(sts.send(new AssumeRoleCommand({ RoleArn: Role?.Arn, RoleSessionName: 'stranger' }))),
    );
    await dropRole(13);
  });

  test('of an adopted bucket’s CORS rules lets no other website in', async () => {
    await makeBucket(13, { rules: theirRules });
    const integration = await ready(uniqueName('chain-cors'), {
      bucket: { name: bucketName(13), mode: 'adopt' },
    });
    await forge(
      integration.integrationId,
      ['resource_bucket', 'changes', 'cors', 'before'],
      [{ AllowedMethods: ['GET'], AllowedOrigins: ['*'] }],
    );

    expect((await disconnect(integration.integrationId)).status).toBe('removed');

    const { CORSRules } = await s3.send(new GetBucketCorsCommand({ Bucket: bucketName(13) }));
    expect(CORSRules).toEqual(theirRules);
    await dropBucket(13);
  });
});

test('forged ids at Dataloop remove nothing of somebody else’s', async () => {
  const mine = await ready(uniqueName('chain-mine'));
  const theirs = await ready(uniqueName('chain-theirs'));
  const idOf = ({ resources }: IntegrationAnswer, type: string) =>
    resources.find((resource) => resource.type === type)?.id ?? '';
  const [integrationType, driverType] = ['Dataloop::Integration', 'Dataloop::Driver'];
  const restore = [
    await forge(mine.integrationId, ['resource_dataloopIntegration', 'id'], idOf(theirs, integrationType)),
    await forge(mine.integrationId, ['resource_driver', 'id'], idOf(theirs, driverType)),
  ];

  const removed = await disconnect(mine.integrationId, '?force=true');

  const standing = await control.standing();
  expect(standing.integrations.map(({ id }) => id)).toContain(idOf(theirs, integrationType));
  expect(standing.drivers.map(({ id }) => id)).toContain(idOf(theirs, driverType));
  expect((await testOf(theirs)).status).toBe('passed');
  expect(removed.status).toBe('residue');
  for (const put of restore) await put();
  expect((await disconnect(mine.integrationId)).status).toBe('removed');
  expect((await disconnect(theirs.integrationId)).status).toBe('removed');
});

test('an operator’s forged word, and a forged organisation, make nobody trusted', async () => {
  const name = uniqueName('chain-operator');
  const { integrationId } = await connect(name, { dataloop: { projectId, createdBy: 'operator' } });
  await until(integrationId, (now) => stepStatus(now, 'RequestIamUser') === 'waiting');
  const userArn = `arn:aws:iam::${dataloopAccountId}:user/another-tenant`;
  const said = { by: 'somebody', at: new Date().toISOString() };
  await forge(integrationId, ['operator'], { userArn, named: said });
  await forge(integrationId, ['dataloop'], { organizationId: 'another-organization' });

  // Wakes the workflow, as a forged event would.
  await api.request('POST', `/integrations/${integrationId}/iam-user`, { body: { userArn } });

  const asking = await until(integrationId, (now) => stepStatus(now, 'CreateRole') === 'retrying');
  const { reason } = asking.steps.find((step) => step.name === 'CreateRole') ?? {};
  expect(reason).toContain('No trust was granted');
  expect(asking.resources.map(({ type }) => type)).not.toContain('AWS::IAM::Role');
  expect((await disconnect(integrationId)).status).toBe('failed');
});

describe('two stolen sessions, of which one forges a record and the other writes in AWS', () => {
  const lanes = 3;
  /** `npm run faults` plays all. */
  const sample = ['one that nobody added', 'another tenant’s'];

  test(
    'give nobody more once the service does what it always does',
    async () => {
      const all = await liveChains();
      expect(all.length).toBeGreaterThan(30);
      expect(new Set(all.map(({ write }) => write.what)).size).toBe(writes.length);
      const chosen = all.filter(
        ({ forgery: { attribute, value } }) =>
          process.env['THOROUGH'] || (sample.includes(value) && attribute !== 'dataloop'),
      );
      expect(chosen.length).toBeGreaterThan(1);
      const sessions = await borrowSessions([
        ...new Set(chosen.flatMap(({ forger, writer }) => [forger, writer])),
      ]);
      const sessionOf = (roleId: string) => {
        const session = sessions.get(roleId);
        if (!session) throw new Error(`There is no session of ${roleId}.`);
        return session;
      };
      const left = chosen.values();
      const found: string[] = [];
      const work = async () => {
        const others = await bystanders();
        for (const chain of left) {
          const text = `${chain.forger}: ${chain.forgery.attribute} is ${chain.forgery.value}; ${chain.writer}: ${chain.write.what}`;
          for (const breach of await playLive(chain, sessionOf, others)) found.push(`${text}. ${breach}`);
        }
        await others.remove();
      };
      await Promise.all(Array.from({ length: Math.min(lanes, chosen.length) }, work));
      expect(found).toEqual([]);
      // Each chain waits for a condition, which says what hangs; all of them take long.
    },
    12 * 3_600_000,
  );
});
