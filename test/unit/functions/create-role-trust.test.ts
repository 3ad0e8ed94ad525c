/** CreateRole as deployed, with a Dataloop that names whatever it likes: one IAM user of its account is trusted, or nobody. */

import {
  AttachRolePolicyCommand,
  CreateRoleCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  IAMClient,
} from '@aws-sdk/client-iam';
import { GetBucketTaggingCommand, S3Client } from '@aws-sdk/client-s3';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import fc from 'fast-check';
import { ownerTag } from '../../../src/domain/model/desired-state.ts';
import { toStored } from '../../../src/domain/model/stored-record.ts';
import { ServiceError } from '../../../src/errors.ts';
import { anyText, hostileText } from '../../security/bad-requests.ts';
import { anyJson, isFitToTell } from '../arbitraries.ts';
import { dataloopAnswers, json, sent, token } from '../clients/dataloop/fake-dataloop.ts';
import { integrationId, knowing, stepOf, thrownBy, userArn } from '../domain/fakes.ts';
import { dataloopAccountId } from '../environment.ts';
import { runs } from '../runs.ts';
import { lambdaContext } from '../runtime/lambda-context.ts';

const dynamo = mockClient(DynamoDBDocumentClient);
const iam = mockClient(IAMClient);
const s3 = mockClient(S3Client);
const secrets = mockClient(SecretsManagerClient);
const { handler } = await import('../../../functions/provision/create-role.ts');

const record = knowing({ dataloopIntegration: { state: 'created', id: 'dataloop-1' } });
beforeEach(() => {
  for (const client of [dynamo, iam, s3, secrets]) client.reset();
  dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
  s3.on(GetBucketTaggingCommand).resolves({ TagSet: [{ Key: ownerTag, Value: integrationId }] });
  iam.on(CreateRoleCommand).resolves({
    Role: { RoleId: 'AROA1', RoleName: 'x', Path: '/', Arn: 'arn:role', CreateDate: new Date() },
  });
  iam.on(AttachRolePolicyCommand).resolves({});
  const { policy, permissionPolicy } = stepOf(record).desired;
  iam.on(GetPolicyCommand).resolves({
    Policy: {
      Arn: policy.arn,
      PolicyId: 'ANPA1',
      DefaultVersionId: 'v1',
      Tags: [{ Key: ownerTag, Value: integrationId }],
    },
  });
  iam.on(GetPolicyVersionCommand).resolves({
    PolicyVersion: { Document: encodeURIComponent(JSON.stringify(permissionPolicy)), VersionId: 'v1' },
  });
  secrets.on(GetSecretValueCommand).resolves({
    SecretString: JSON.stringify({ apiKey: token(Date.now() + 3_600_000) }),
  });
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** What wakes it, with an ARN of somebody's own in every place. */
const input = {
  integrationId,
  executionArn: record.executionArn,
  enteredAt: '2026-11-23T00:00:00.000Z',
  attempt: 1,
  userArn: 'arn:aws:iam::666666666666:user/attacker',
  Payload: { userArn: 'arn:aws:iam::666666666666:user/attacker' },
  principal: '*',
};
const create = () => handler(input, lambdaContext);
const project = (org = 'org-1') => json({ id: 'project-1', org });
const named = (metadata: unknown) =>
  dataloopAnswers(project(), json({ id: 'dataloop-1', name: `acme ${integrationId}`, metadata }));
const trusts = (): unknown[] =>
  iam
    .commandCalls(CreateRoleCommand)
    .map(({ args: [{ input: role }] }) => JSON.parse(role.AssumeRolePolicyDocument ?? ''));
const trustOf = (AWS: string) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { AWS }, Action: 'sts:AssumeRole' }],
});

test('the role trusts the user whom Dataloop names when it is asked, not the one of the task’s output', async () => {
  named([{ name: 'userArn', value: userArn }]);
  await create();
  expect(trusts()).toEqual([trustOf(userArn)]);
  expect(sent.map(({ method, url }) => `${method} ${new URL(url).pathname}`)).toEqual([
    'GET /api/v1/projects/project-1',
    'GET /api/v1/orgs/org-1/integrations/dataloop-1',
  ]);
});

test('an integration of another name is not asked, although the journal has its id', async () => {
  dataloopAnswers(
    project(),
    json({ id: 'dataloop-1', name: 'theirs', metadata: [{ name: 'userArn', value: userArn }] }),
  );
  expect(await thrownBy(create())).toMatchObject({ name: 'DataloopNotOursError', retryable: false });
  expect(iam.calls()).toEqual([]);
});

test('an organisation that only the record names is not asked, unless the project is of it', async () => {
  dataloopAnswers(project('org-2'));
  expect(await thrownBy(create())).toMatchObject({
    name: 'RecordDamagedError',
    message: expect.stringContaining('(dataloop.organizationId)'),
  });
  expect(iam.calls()).toEqual([]);
});

test('a bucket that was not made for this integration gets no role', async () => {
  s3.on(GetBucketTaggingCommand).resolves({ TagSet: [{ Key: ownerTag, Value: 'int_OTHER' }] });
  named([{ name: 'userArn', value: userArn }]);
  expect(await thrownBy(create())).toMatchObject({ name: 'BucketChangedError' });
  expect(iam.calls()).toEqual([]);
});

test('a record that asks for what the deployment does not allow is not obeyed', async () => {
  const request = { ...record.request, role: { name: 'somebody-elses', mode: 'create' as const } };
  dynamo.on(UpdateCommand).resolves({ Attributes: toStored({ ...record, request }) });
  named([{ name: 'userArn', value: userArn }]);
  expect(await thrownBy(create())).toMatchObject({
    name: 'OutsideDeploymentError',
    message: expect.stringContaining('(/role/name)'),
  });
  expect(iam.calls()).toEqual([]);
});

test.each<[string, unknown]>([
  ['a whole account', `arn:aws:iam::${dataloopAccountId}:root`],
  ['an account id', dataloopAccountId],
  ['everybody', '*'],
  ['a role', `arn:aws:iam::${dataloopAccountId}:role/dataloop`],
  ['a session', `arn:aws:sts::${dataloopAccountId}:assumed-role/dataloop/x`],
  ['a group', `arn:aws:iam::${dataloopAccountId}:group/dataloop`],
  ['all its users', `arn:aws:iam::${dataloopAccountId}:user/*`],
  ['a user of another account', 'arn:aws:iam::666666666666:user/attacker'],
  ['a user of another partition', `arn:aws-cn:iam::${dataloopAccountId}:user/dataloop`],
  ['a service', 'lambda.amazonaws.com'],
  ['a user and a line break', `${userArn}\n`],
  ['a user and a NUL', `${userArn}\0`],
  ['two users', `${userArn},${userArn}`],
  ['a user who looks like another', `arn:aws:iam::${dataloopAccountId}:user/dаtaloop`],
  ['a user whose account is written in other digits', 'arn:aws:iam::２２２２２２２２２２２２:user/dataloop'],
  ['a user with percent signs', encodeURIComponent(userArn)],
  ['what is cut into a user', `${userArn}${'x'.repeat(5_000)}`],
])('Dataloop names %s: refused, and no role is made', async (_what, value) => {
  named([{ name: 'userArn', value }]);
  const error = await thrownBy(create());
  expect(error).toMatchObject({
    name: 'InvalidIamUserArnError',
    retryable: false,
    message: expect.stringContaining('No trust was granted'),
  });
  expect([error.message, isFitToTell(error.message, 1_500)]).toEqual([error.message, true]);
  expect(iam.calls()).toEqual([]);
});

test.each<[string, unknown]>([
  ['nothing', null],
  ['an empty text', ''],
])('Dataloop names %s: as good as nobody, and no role is made', async (_what, value) => {
  named([{ name: 'userArn', value }]);
  expect(await thrownBy(create())).toMatchObject({ name: 'IamUserNotIssuedError' });
  expect(iam.calls()).toEqual([]);
});

test.each<[string, unknown]>([
  ['a list of users', [userArn]],
  ['a user in an object', { arn: userArn }],
  ['an object that passes for a text', { toString: userArn, length: 10 }],
  ['a number', 222_222_222_222],
  ['true', true],
])('Dataloop names %s: an answer that cannot be read, and no role is made', async (_what, value) => {
  named([{ name: 'userArn', value }]);
  expect(await thrownBy(create())).toMatchObject({ name: 'DataloopAnswerError', retryable: false });
  expect(iam.calls()).toEqual([]);
});

test('whatever Dataloop answers, a role trusts one user of its account, the one that was named, or there is no role', async () => {
  const name = fc.oneof(
    { weight: 3, arbitrary: fc.stringMatching(/^[\w+=,.@-]{1,20}$/) },
    { weight: 2, arbitrary: hostileText },
    { weight: 1, arbitrary: anyText({ maxLength: 10 }) },
  );
  const account = fc.constantFrom(dataloopAccountId, dataloopAccountId, '333333333333', '*', '');
  const kind = fc.constantFrom('user', 'user', 'role', 'root', 'group', '');
  const arn = fc.tuple(account, kind, name).map(([id, what, who]) => `arn:aws:iam::${id}:${what}/${who}`);
  const metadata = fc.oneof(
    fc.array(
      fc.record({ name: fc.constantFrom('userArn', 'status', 'other'), value: fc.oneof(arn, anyJson) }),
      { maxLength: 3 },
    ),
    { weight: 4, arbitrary: arn.map((value) => [{ name: 'userArn', value }]) },
    // Enough of them are users whom a role may trust.
    {
      weight: 3,
      arbitrary: name.map((who) => [
        { name: 'userArn', value: `arn:aws:iam::${dataloopAccountId}:user/${who}` },
      ]),
    },
    anyJson,
  );
  let made = 0;
  await fc.assert(
    fc.asyncProperty(metadata, async (answer) => {
      iam.resetHistory();
      named(answer);
      try {
        await create();
      } catch (error) {
        expect(error).toBeInstanceOf(ServiceError);
        expect(iam.calls()).toEqual([]);
        return;
      }
      made += 1;
      const [trust] = trusts();
      const [, who = ''] = JSON.stringify(trust).split(`arn:aws:iam::${dataloopAccountId}:user/`);
      const user = who.slice(0, who.indexOf('"'));
      expect(trust).toEqual(trustOf(`arn:aws:iam::${dataloopAccountId}:user/${user}`));
      expect(user).toMatch(/^(?:[A-Za-z0-9_+=,.@-]+\/)*[A-Za-z0-9_+=,.@-]{1,64}$/);
      expect(JSON.stringify(answer)).toContain(`arn:aws:iam::${dataloopAccountId}:user/${user}"`);
    }),
    { numRuns: runs(500) },
  );
  expect(made).toBeGreaterThan(10);
});
