/** A world that is not as it should be: AWS that shows things late, answers that lack fields, people who edit. */
import { UpdateAssumeRolePolicyCommand } from '@aws-sdk/client-iam';
import { describe, expect, test } from '@jest/globals';
import type { IntegrationAnswer } from '../../../local/observe/api-client.ts';
import type { RuleInput } from '../../faults/proxy/faults.ts';
import { connect, disconnect, iam, settled } from '../deployment.ts';
import { expectPromiseKept, faults, faultyName, untilHeld } from '../faulty.ts';

type Rule = Omit<RuleInput, 'scope'>;

const document = (statement: object) => JSON.stringify({ Version: '2012-10-17', Statement: [statement] });

/** How often a step's function was called. */
const attemptsOf = (integration: IntegrationAnswer, step: string): number =>
  integration.steps.find(({ name }) => name === step)?.attempts ?? 0;

const error = (status: number, code: string, message = code) =>
  ({ kind: 'error', status, code, message }) as const;

describe('what passes by itself changes nothing', () => {
  test.each<[string, string, number, Rule]>([
    [
      // CreateRole looks eight times before it leaves it to the state machine.
      'an IAM user that AWS does not see yet',
      'CreateRole',
      1,
      {
        function: 'createRole',
        operation: 'iam:CreateRole',
        times: 9,
        fault: error(
          400,
          'MalformedPolicyDocument',
          'Invalid principal in policy: "AWS":"arn:aws:iam::222222222222:user/x"',
        ),
      },
    ],
    [
      'a role that cannot be seen for some reads after it was created',
      'CreateRole',
      4,
      {
        function: 'createRole',
        operation: 'iam:AttachRolePolicy',
        times: 4,
        fault: error(404, 'NoSuchEntity'),
      },
    ],
    [
      'a bucket that cannot be configured for a moment after it was created',
      'CreateBucket',
      3,
      {
        function: 'createBucket',
        operation: 's3:PutBucketCors',
        times: 3,
        fault: error(404, 'NoSuchBucket'),
      },
    ],
    [
      'another change of the same bucket that is under way',
      'CreateBucket',
      2,
      {
        function: 'createBucket',
        operation: 's3:PutBucketCors',
        times: 2,
        fault: error(409, 'OperationAborted'),
      },
    ],
    [
      // The workflow's retries come sixteen times as soon as on AWS.
      'IAM that takes two calls a second',
      'CreateRole',
      0,
      { operation: 'iam:*', fault: { kind: 'rate-limit', perSecond: 2 } },
    ],
    [
      'Dataloop that is slow',
      'TestDriver',
      0,
      { operation: 'dataloop:*', fault: { kind: 'latency', ms: 700 } },
    ],
  ])('%s', async (what, step, failures, rule) => {
    const name = await faultyName('passing');
    const id = await faults.addRule({ ...rule, scope: name });
    const ready = await settled((await connect(name)).integrationId);
    expect([what, ready.status, ready.error]).toEqual([what, 'ready', undefined]);
    expect(attemptsOf(ready, step)).toBeGreaterThan(failures);
    expect(ready.steps.map((each) => each.name)).not.toContain('RollBack');
    expect((await faults.calls(name)).some(({ fault }) => fault === id)).toBe(true);
    await faults.clearRules(name);
    const removed = await disconnect(ready.integrationId);
    await expectPromiseKept(removed);
  });
});

describe('nothing to be seen is not taken for nothing', () => {
  /** A provisioning that fails at its end, so that everything has just been created when the undo looks. */
  const failAtTheEnd: Rule = {
    function: 'verifyDriver',
    operation: 'dataloop:GET /drivers/{id}/test',
    fault: { kind: 'refuse' },
  };

  const empty = (action: string) => ({
    kind: 'rewrite' as const,
    body: `<${action}Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><${action}Result></${action}Result></${action}Response>`,
  });

  test.each<[string, Rule]>([
    [
      'a fresh role is NoSuchEntity for four reads',
      { function: 'deleteRole', operation: 'iam:GetRole', times: 4, fault: error(404, 'NoSuchEntity') },
    ],
    [
      'a fresh role can be read and not be deleted',
      { function: 'deleteRole', operation: 'iam:DeleteRole', times: 1, fault: error(404, 'NoSuchEntity') },
    ],
    [
      'a fresh policy is NoSuchEntity for four reads',
      { function: 'deletePolicy', operation: 'iam:GetPolicy', times: 4, fault: error(404, 'NoSuchEntity') },
    ],
    [
      'a fresh bucket is not found for four looks',
      { function: 'deleteBucket', operation: 's3:HeadBucket', times: 4, fault: error(404, 'NotFound') },
    ],
    [
      'an answer holds no role',
      { function: 'deleteRole', operation: 'iam:GetRole', times: 3, fault: empty('GetRole') },
    ],
    [
      'an answer holds no policy',
      { function: 'deletePolicy', operation: 'iam:GetPolicy', times: 3, fault: empty('GetPolicy') },
    ],
    [
      'an answer holds no tags',
      {
        function: 'deleteBucket',
        operation: 's3:GetBucketTagging',
        times: 3,
        fault: {
          kind: 'rewrite',
          body: '<Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></Tagging>',
        },
      },
    ],
    [
      'Dataloop lists nothing of ours twice',
      {
        function: 'deleteIntegration',
        operation: 'dataloop:GET /orgs/{id}/integrations',
        times: 2,
        fault: { kind: 'rewrite', body: '[]' },
      },
    ],
  ])('%s', async (_what, rule) => {
    const name = await faultyName('unseen');
    await faults.addRule({ ...failAtTheEnd, scope: name });
    const id = await faults.addRule({ ...rule, scope: name });
    const failed = await settled((await connect(name)).integrationId);
    expect((await faults.calls(name)).some(({ fault }) => fault === id)).toBe(true);
    expect(failed).toMatchObject({ status: 'failed', residue: [] });
    await expectPromiseKept(failed);
  });
});

test('an answer of Dataloop in another shape ends clean, although what it made has no known id', async () => {
  const name = await faultyName('shape');
  await faults.addRule({
    scope: name,
    function: 'requestIamUser',
    operation: 'dataloop:POST /orgs/{id}/integrations',
    fault: { kind: 'rewrite', body: '{"success":true}' },
  });
  const failed = await settled((await connect(name)).integrationId);
  expect(failed).toMatchObject({
    status: 'failed',
    error: { type: 'urn:dataloop-cross-account:problem:dataloop-answer', step: 'RequestIamUser' },
  });
  await expectPromiseKept(failed);
});

test('a created role that lacks its id in the answer is looked at again', async () => {
  const name = await faultyName('no-role-id');
  await faults.addRule({
    scope: name,
    function: 'createRole',
    operation: 'iam:CreateRole',
    times: 1,
    fault: {
      kind: 'rewrite',
      body: '<CreateRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><CreateRoleResult></CreateRoleResult></CreateRoleResponse>',
    },
  });
  const ready = await settled((await connect(name)).integrationId);
  expect(ready.status).toBe('ready');
  expect((await disconnect(ready.integrationId)).status).toBe('removed');
});

test('a trust policy that somebody edits while the role is being set up is never used', async () => {
  const name = await faultyName('edited-trust');
  const RoleName = `dataloop-${name}`;
  // The role comes into being, its answer is lost, and the second attempt is held while somebody edits.
  await faults.addRule({
    scope: name,
    function: 'createRole',
    operation: 'iam:CreateRole',
    call: 1,
    fault: { kind: 'answer-lost' },
  });
  await faults.addRule({
    scope: name,
    function: 'createRole',
    operation: 'iam:CreateRole',
    times: 1,
    fault: { kind: 'hold', name },
  });
  const { integrationId } = await connect(name);
  await untilHeld(name);
  const PolicyDocument = document({
    Effect: 'Allow',
    Principal: { AWS: 'arn:aws:iam::333333333333:root' },
    Action: 'sts:AssumeRole',
  });
  await iam.send(new UpdateAssumeRolePolicyCommand({ RoleName, PolicyDocument }));
  await faults.release(name);

  const failed = await settled(integrationId);

  expect(failed).toMatchObject({
    status: 'failed',
    error: { type: 'urn:dataloop-cross-account:problem:role-changed', step: 'CreateRole' },
  });
  await expectPromiseKept(failed);
});
