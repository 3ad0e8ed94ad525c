/** `POST /plans`: what it says is what is made, everything in the way is in it at once, and it writes nothing. */
import {
  CreatePolicyCommand,
  CreateRoleCommand,
  DeletePolicyCommand,
  DeleteRoleCommand,
  GetRoleCommand,
} from '@aws-sdk/client-iam';
import { DisableKeyCommand, EnableKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { CreateBucketCommand, DeleteBucketCommand, PutPublicAccessBlockCommand } from '@aws-sdk/client-s3';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { accountIds } from '../../local/environment/root-keys.ts';
import { closed } from '../adoptable.ts';
import { clientsAt } from '../faults/clients.ts';
import { changes, takeSnapshot } from '../faults/snapshot.ts';
import { documentSchema } from '../policy-document.ts';
import { trustedBy } from './dataloop-session.ts';
import {
  api,
  client,
  connect,
  control,
  deployment,
  disconnect,
  environment,
  iam,
  params,
  requestFor,
  s3,
  settled,
} from './deployment.ts';
import { faults, faultyName } from './faulty.ts';
import { documentOf, policyOf } from './policy-documents.ts';
import { adopting, connectReady, snapshot, world } from './side-by-side/adopting.ts';

const planSchema = z.strictObject({
  name: z.string(),
  clear: z.boolean(),
  resources: z.array(
    z.strictObject({
      action: z.enum(['create', 'change', 'leave']),
      type: z.string(),
      arn: z.string().optional(),
      id: z.string().optional(),
      name: z.string().optional(),
      region: z.string().optional(),
    }),
  ),
  tags: z.record(z.string(), z.string()),
  trustPolicy: documentSchema,
  permissionPolicy: documentSchema,
  permissionsBoundaryArn: z.string(),
  actions: z.array(z.strictObject({ step: z.string(), action: z.string(), resource: z.string() })),
  findings: z.array(
    z.strictObject({
      severity: z.enum(['error', 'warning', 'unknown']),
      type: z.string().startsWith('urn:dataloop-cross-account:problem:'),
      title: z.string(),
      resource: z.looseObject({ type: z.string() }),
      pointer: z.string().optional(),
      detail: z.string(),
    }),
  ),
  // Those that other tests made meanwhile, too.
  waitingIntegrations: z.array(z.strictObject({ id: z.string(), name: z.string() })).optional(),
});
type PlanAnswer = z.infer<typeof planSchema>;

async function planFor(body: unknown): Promise<PlanAnswer> {
  const answer = await api.request('POST', '/plans', { body });
  expect([answer.status, answer.body]).toEqual([200, expect.anything()]);
  return planSchema.parse(answer.body);
}

const errorsOf = ({ findings }: PlanAnswer) =>
  findings
    .filter(({ severity }) => severity === 'error')
    .map(({ type, pointer }) => `${type.split(':').at(-1)} ${pointer ?? ''}`.trim());

/** Everything that stands, in AWS, at Dataloop and in the journal. */
async function everything() {
  const { Items = [] } = await clientsAt(environment).table.send(
    new ScanCommand({ TableName: deployment.outputs.TableName, ConsistentRead: true }),
  );
  const journal = Items.map((item): [string, string] => [`item ${item['pk']}`, JSON.stringify(item)]);
  return new Map([...(await takeSnapshot(environment, () => true)), ...journal]);
}

/** Calls of the plan's function, those included that name nobody. */
const callsOfPlans = async (name: string) =>
  [...(await faults.calls(name)), ...(await faults.calls())].filter(
    (call) => call.function === 'planIntegration',
  );

/** Operations that change nothing. A log-in makes a token. */
const reading =
  /^(iam:Get\w+|s3:(Head|Get|List)\w+|sts:GetCallerIdentity|kms:DescribeKey|dynamodb:(GetItem|Query)|secretsmanager:GetSecretValue|dataloop:GET .*|dataloop:POST \/token)$/;

const kmsKeyArn = String(params['kmsKeyArns']);

test('a plan that is clear writes nothing, and what is provisioned after it is what it said', async () => {
  const name = await faultyName('planned');
  const more = {
    bucket: { name: `dataloop-${name}`, prefix: 'raw/', kmsKeyArn },
  };
  const before = await everything();

  const plan = await planFor(requestFor(name, more));

  expect(changes(before, await everything())).toEqual([]);
  const calls = await callsOfPlans(name);
  expect(calls.map(({ operation }) => operation).filter((operation) => !reading.test(operation))).toEqual([]);
  // Not just few of them: every kind of read that a plan is made of.
  const operations = new Set(calls.map(({ operation }) => operation));
  for (const operation of [
    'iam:GetRole',
    'iam:GetPolicy',
    'iam:GetAccountSummary',
    's3:HeadBucket',
    's3:ListBuckets',
    'kms:DescribeKey',
    'sts:GetCallerIdentity',
    'dynamodb:GetItem',
    'dataloop:GET /projects/{id}',
    'dataloop:GET /orgs/{id}/integrations',
    'dataloop:GET /drivers',
  ]) {
    expect(operations).toContain(operation);
  }
  expect(plan).toMatchObject({ name, clear: true, findings: [] });

  const ready = await settled((await connect(name, more)).integrationId);
  expect(ready.status).toBe('ready');
  const arnOf = (type: string) => ready.resources.find((resource) => resource.type === type)?.arn;
  for (const type of ['AWS::S3::Bucket', 'AWS::IAM::ManagedPolicy', 'AWS::IAM::Role']) {
    expect(plan.resources).toContainEqual(
      expect.objectContaining({ action: 'create', type, arn: arnOf(type) }),
    );
  }
  expect(
    plan.resources
      .filter(({ action }) => action === 'create')
      .map(({ type }) => type)
      .sort(),
  ).toEqual(ready.resources.map(({ type }) => type).sort());
  expect(await policyOf(ready)).toEqual(plan.permissionPolicy);
  const { Role } = await iam.send(new GetRoleCommand({ RoleName: `dataloop-${name}` }));
  const userArn = await trustedBy(arnOf('AWS::IAM::Role') ?? '');
  const trust = JSON.stringify(plan.trustPolicy).replace(
    '<ARN of the IAM user that Dataloop issues>',
    userArn,
  );
  expect(documentOf(Role?.AssumeRolePolicyDocument)).toEqual(JSON.parse(trust));
  expect(Role?.PermissionsBoundary?.PermissionsBoundaryArn).toBe(plan.permissionsBoundaryArn);

  const again = await planFor(requestFor(name, more));
  expect(again.findings.map(({ detail }) => detail)).toContainEqual(
    expect.stringMatching(new RegExp(`^Already connected as ${ready.integrationId}; `)),
  );
  const nested = await planFor(
    requestFor(`${name}-2`, { bucket: { name: `dataloop-${name}`, prefix: 'raw/more/' } }),
  );
  expect(nested.findings).toContainEqual(
    expect.objectContaining({
      severity: 'error',
      pointer: '/bucket/name',
      detail: expect.stringContaining(ready.integrationId),
    }),
  );
  expect((await disconnect(ready.integrationId)).status).toBe('removed');
});

describe('with many things in the way', () => {
  const statement = (more: object) =>
    JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...more }] });
  const full = ['Roles', 'RolesQuota', 'Policies', 'PoliciesQuota']
    .map((key) => `<entry><key>${key}</key><value>7</value></entry>`)
    .join('');

  test('all of them are told at once, by a plan and by the preflight of a real request', async () => {
    const name = await faultyName('obstacles');
    const kms = new KMSClient(client);
    const RoleName = `dataloop-${name}`;
    const Bucket = `dataloop-${name}`;
    await s3.send(
      new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' } }),
    );
    // As people make them by hand: under no path.
    await iam.send(
      new CreateRoleCommand({
        RoleName,
        AssumeRolePolicyDocument: statement({
          Principal: { Service: 'ec2.amazonaws.com' },
          Action: 'sts:AssumeRole',
        }),
      }),
    );
    const { Policy } = await iam.send(
      new CreatePolicyCommand({
        PolicyName: RoleName,
        PolicyDocument: statement({ Action: 's3:ListAllMyBuckets', Resource: '*' }),
      }),
    );
    await kms.send(new DisableKeyCommand({ KeyId: kmsKeyArn }));
    await control.fail({ method: 'GET', path: '^/orgs/[^/]+/integrations$', status: 403 });
    await control.fail({ method: 'GET', path: '^/drivers\\?', status: 403 });
    await faults.addRule({
      scope: name,
      operation: 'iam:GetAccountSummary',
      fault: {
        kind: 'rewrite',
        body: `<GetAccountSummaryResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><GetAccountSummaryResult><SummaryMap>${full}</SummaryMap></GetAccountSummaryResult></GetAccountSummaryResponse>`,
      },
    });
    const request = requestFor(name, {
      bucket: { name: Bucket, kmsKeyArn },
      dataloop: { projectId: 'elsewhere', organizationId: environment.sandbox.organizationId },
    });
    const expected = [
      'dataloop-not-found /dataloop/projectId',
      'dataloop-forbidden',
      'dataloop-forbidden /dataloop/projectId',
      'bucket-name-taken /bucket/name',
      'role-name-taken /role/name',
      'policy-name-taken /role/name',
      'kms-key-not-usable /bucket/kmsKeyArn',
      'aws-quota-exceeded',
      'aws-quota-exceeded',
    ];
    try {
      const before = await everything();
      const plan = await planFor(request);
      expect(errorsOf(plan)).toEqual(expected);
      expect(plan.clear).toBe(false);
      for (const { detail } of plan.findings) expect(detail).toMatch(/\. [A-Z].*\.$/);
      expect(changes(before, await everything())).toEqual([]);

      const failed = await settled((await connect(name, request)).integrationId);
      expect(failed).toMatchObject({
        status: 'failed',
        resources: [],
        error: { type: 'urn:dataloop-cross-account:problem:dataloop-not-found', step: 'Preflight' },
      });
      for (const { detail } of plan.findings) expect(failed.error?.detail).toContain(detail);
    } finally {
      await control.clearFaults();
      await kms.send(new EnableKeyCommand({ KeyId: kmsKeyArn }));
      await s3.send(new DeleteBucketCommand({ Bucket }));
      await iam.send(new DeleteRoleCommand({ RoleName }));
      await iam.send(new DeletePolicyCommand({ PolicyArn: Policy?.Arn }));
    }
    // Nothing of it is in the way any more.
    await faults.clearRules(name);
    expect(await planFor(requestFor(name))).toMatchObject({ clear: true, findings: [] });
  });

  test('what is outside of the parameters is told by field; what the schema refuses stays a 400', async () => {
    const plan = await planFor({
      name: 'acme',
      bucket: { name: 'theirs', kmsKeyArn: kmsKeyArn.replace(/[^/]+$/, 'other') },
      role: { name: 'admin' },
      dataloop: { projectId: environment.sandbox.projectId },
    });
    expect(errorsOf(plan)).toEqual([
      'invalid-request /bucket/name',
      'invalid-request /bucket/kmsKeyArn',
      'invalid-request /role/name',
    ]);
    const refused = await api.request('POST', '/plans', { body: { name: 'Not A Name' } });
    expect(refused.status).toBe(400);
    expect(refused.body).toMatchObject({
      errors: expect.arrayContaining([expect.objectContaining({ pointer: '/name' })]),
    });
  });

  test('a name and a bucket that another integration holds are told with the holder', async () => {
    const name = await faultyName('held');
    const { integrationId } = await connect(name);
    await settled(integrationId);
    const plan = await planFor(requestFor(name, { description: 'another one' }));
    expect(errorsOf(plan)).toEqual(
      expect.arrayContaining([
        'name-or-bucket-taken /name',
        'bucket-name-taken /bucket/name',
        'role-name-taken /role/name',
        'policy-name-taken /role/name',
      ]),
    );
    expect(plan.findings[0]?.detail).toContain(`DELETE /integrations/${integrationId}`);
    // The very same request is told once.
    const same = await planFor(requestFor(name));
    expect([same.clear, same.findings.map(({ type }) => type.split(':').at(-1))]).toEqual([
      true,
      ['already-connected'],
    ]);
    await disconnect(integrationId);
  });
});

test.each([
  ['Dataloop hangs', 'dataloop:*', { kind: 'hang' } as const, 'unknown'],
  ['IAM hangs', 'iam:GetRole', { kind: 'hang' } as const, 'unknown'],
  ['IAM refuses', 'iam:GetRole', { kind: 'refuse' } as const, 'error'],
  ['the journal refuses', 'dynamodb:*', { kind: 'refuse' } as const, 'error'],
])(
  'where %s, the plan is answered, is not clear and says what is missing',
  async (_what, operation, fault, severity) => {
    const name = await faultyName('partial');
    const id = await faults.addRule({ scope: name, function: 'planIntegration', operation, fault });
    const plan = await planFor(requestFor(name));
    expect((await faults.calls(name)).some((call) => call.fault === id)).toBe(true);
    expect(plan.clear).toBe(false);
    expect(plan.findings.map((finding) => finding.severity)).toContain(severity);
    expect(plan.permissionPolicy.Statement).not.toEqual([]);
  },
);

/** S3 Control's call, by S3's client: the account is closed, or as open as if it had no block. */
async function setAccountBlock(isClosed: boolean): Promise<void> {
  const PublicAccessBlockConfiguration = isClosed ? closed : {};
  const command = new PutPublicAccessBlockCommand({ Bucket: 'account', PublicAccessBlockConfiguration });
  command.middlewareStack.add(
    (next) => (args) => {
      const request = z.object({ headers: z.record(z.string(), z.string()) }).parse(args.request);
      Object.assign(Object(args.request), {
        path: '/v20180820/configuration/publicAccessBlock',
        query: {},
        headers: { ...request.headers, 'x-amz-account-id': accountIds.customer },
      });
      return next(args);
    },
    { name: 'askTheAccount', step: 'build', priority: 'high' },
  );
  await s3.send(command);
}

// Alone on its deployment: the block is one for all buckets of the account.
test('a bucket that the account closes counts as closed, and its own block stays as it is', async () => {
  const name = await faultyName('account');
  const Bucket = await world.makeBucket(14, { publicAccess: 'none' });
  const request = adopting(14, { cors: false });
  expect(errorsOf(await planFor(requestFor(name, request)))).toEqual(['bucket-not-adoptable /bucket/name']);
  await setAccountBlock(true);
  try {
    expect(errorsOf(await planFor(requestFor(name, request)))).toEqual([]);
    const before = await snapshot(Bucket);
    const ready = await connectReady(name, request);
    expect(changes(before, await snapshot(Bucket))).toEqual([]);
    const tested = await api.request('POST', `/integrations/${ready.integrationId}/test`);
    expect(tested.body).toMatchObject({ status: 'passed' });
    expect((await disconnect(ready.integrationId)).status).toBe('removed');
  } finally {
    await setAccountBlock(false);
  }
  await world.dropBucket(14);
});
