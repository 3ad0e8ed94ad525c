/** What gives Dataloop access is taken away before in-flight calls have ended; only after that it is believed to be gone. */
import {
  DeleteRoleCommand,
  DetachRolePolicyCommand,
  GetRoleCommand,
  IAMClient,
  ListAttachedRolePoliciesCommand,
  NoSuchEntityException,
} from '@aws-sdk/client-iam';
import { DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { toStored } from '../../../src/domain/model/stored-record.ts';
import { integrationId, ours, recordOf } from '../domain/fakes.ts';
import '../environment.ts';
import { lambdaContext } from '../runtime/lambda-context.ts';

const dynamo = mockClient(DynamoDBDocumentClient);
const iam = mockClient(IAMClient);
const { handler: deleteRole } = await import('../../../functions/deprovision/delete-role.ts');
const { accountSettings } = await import('../../../src/config.ts');
const { logger } = await import('../../../src/runtime/log.ts');

const { accountId, iamPath } = accountSettings();
const arn = `arn:aws:iam::${accountId}:role${iamPath}dataloop-acme`;
const record = recordOf({
  status: 'rolling-back',
  resources: { role: { state: 'created', arn, uniqueId: 'AROA1' } },
  inFlightCalls: { 'execution/CreateRole/1': { step: 'CreateRole', until: 0 } },
});

beforeEach(() => {
  dynamo.reset();
  iam.reset();
  for (const level of ['info', 'warn'] as const) {
    jest.spyOn(logger, level).mockReset().mockReturnValue(undefined);
  }
  dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
  const Tags = Object.entries(ours).map(([Key, Value]) => ({ Key, Value }));
  iam.on(ListAttachedRolePoliciesCommand).resolves({});
  iam.on(GetRoleCommand).resolves({
    Role: {
      Arn: arn,
      RoleId: 'AROA1',
      Tags,
      AssumeRolePolicyDocument: '%7B%7D',
      Path: iamPath,
      RoleName: 'dataloop-acme',
      CreateDate: new Date(0),
    },
  });
});

const call = (more: object) =>
  deleteRole(
    {
      recordId: integrationId,
      executionArn: `arn:aws:states:eu-west-1:111111111111:execution:deprovision:${integrationId}-rollback-1`,
      enteredAt: '2026-11-23T00:00:20.000Z',
      attempt: 1,
      ...more,
    },
    lambdaContext,
  );
/** What was journalled of the role. */
const journalled = () =>
  dynamo
    .commandCalls(UpdateCommand)
    .flatMap(({ args: [{ input }] }) => input.ExpressionAttributeValues?.[':resource']?.state ?? []);

test('before in-flight calls have ended, the role goes, and is not called gone', async () => {
  expect(await call({ callsEnded: false })).toEqual({ outcome: 'removed' });
  expect(iam.commandCalls(DetachRolePolicyCommand)).toHaveLength(1);
  expect(iam.commandCalls(DeleteRoleCommand)).toHaveLength(1);
  expect(journalled()).toEqual([]);
});

test('before they have ended, a role that is not there yet is not waited for', async () => {
  iam.on(GetRoleCommand).rejects(new NoSuchEntityException({ $metadata: {}, message: 'none' }));
  expect(await call({ callsEnded: false })).toEqual({ outcome: 'does not exist' });
  expect(journalled()).toEqual([]);
});

// Executions of an earlier definition come here after the wait, and do not say so.
test.each([{ callsEnded: true }, {}])('once they have ended, it is: %j', async (more) => {
  expect(await call(more)).toEqual({ outcome: 'removed' });
  expect(journalled()).toEqual(['gone']);
});
