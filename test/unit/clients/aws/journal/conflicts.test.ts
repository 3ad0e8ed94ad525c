/** Every write of the journal may meet a transaction on the same item: each is made again. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { beforeEach, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { activate, closingJournal } from '../../../../../src/clients/aws/journal/ends.ts';
import { operatorJournal } from '../../../../../src/clients/aws/journal/operator.ts';
import { writeOrganization } from '../../../../../src/clients/aws/journal/organization.ts';
import {
  deprovisionJournal,
  settleStep,
  stepJournal,
} from '../../../../../src/clients/aws/journal/record.ts';
import { addedBucketRegistrar, registrar } from '../../../../../src/clients/aws/journal/registration.ts';
import { accessJournal } from '../../../../../src/clients/aws/journal/shared-policies.ts';
import { deleteOwnItem } from '../../../../../src/clients/aws/journal/table.ts';
import { deleteTaskToken, saveTaskToken } from '../../../../../src/clients/aws/journal/task-tokens.ts';
import type { StepCall } from '../../../../../src/domain/model/record.ts';
import { toStored } from '../../../../../src/domain/model/stored-record.ts';
import { integrationId, recordOf } from '../../../domain/fakes.ts';
import { filledBut } from '../../../earlier-item.ts';
import { sdkError } from '../sdk-answers.ts';

const client = DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'eu-west-1' }));
const dynamo = mockClient(client);
const pauses: number[] = [];
const table = { client, name: 'journal', pause: async (attempt: number) => void pauses.push(attempt) };

const record = recordOf();
const conflict = sdkError('TransactionConflictException', 400);
const inTransaction = Object.assign(sdkError('TransactionCanceledException', 400), {
  CancellationReasons: [{ Code: 'None' }, { Code: 'TransactionConflict' }],
});
const written = { Attributes: toStored(record) };

beforeEach(() => {
  pauses.length = 0;
  dynamo.reset();
  dynamo.on(GetCommand).resolves({ Item: toStored(record) });
  dynamo.on(UpdateCommand).rejectsOnce(conflict).rejectsOnce(conflict).resolves(written);
  dynamo.on(PutCommand).rejectsOnce(conflict).rejectsOnce(conflict).resolves({});
  dynamo.on(DeleteCommand).rejectsOnce(conflict).rejectsOnce(conflict).resolves({});
  dynamo.on(TransactWriteCommand).rejectsOnce(inTransaction).rejectsOnce(inTransaction).resolves({});
});

const call: StepCall = {
  recordId: integrationId,
  step: 'CreateBucket',
  callId: 'execution/CreateBucket/1',
  attempt: 1,
  startedAt: '2026-11-23T00:00:00.000Z',
  begunAt: 0,
  aliveUntil: 30_000,
};
const idempotency = { key: 'hashed-key', expiresAt: 2_000_000_000 };
const registration = { record, locks: ['name#acme'], idempotency: undefined };
const policy = { state: 'created' } as const;

/** The third where several items are written, each by a command that meets conflicts of its own. */
const writes: [string, () => Promise<unknown>, number?][] = [
  ['a step that begins', () => stepJournal(table).beginStep(call, ['provisioning'])],
  ['a step that ends', () => stepJournal(table).endStep(call, 'succeeded')],
  ['a call that ends', () => stepJournal(table).endCall(call)],
  ['a resource', () => stepJournal(table).writeResource(call, 'bucket', policy, ['provisioning'])],
  ['a step that somebody else ends', () => settleStep(table, integrationId, 'RequestIamUser', 'succeeded')],
  ['the organisation', () => writeOrganization(table, integrationId, 'org-1')],
  [
    'an undo that begins',
    () =>
      deprovisionJournal(table).beginDeprovision(integrationId, {
        from: ['ready'],
        to: 'removing',
        mode: 'remove',
        run: 1,
      }),
  ],
  [
    'the end of an undo',
    () =>
      closingJournal(table).close(integrationId, {
        run: 1,
        status: 'removed',
        leftovers: {},
        steps: {},
        locks: [],
      }),
  ],
  ['an added bucket that goes', () => closingJournal(table).forgetAddedBucket(integrationId, 'drv_A')],
  ['the status ready', () => activate(table, integrationId)],
  [
    'what an operator said',
    () =>
      operatorJournal(table).writeOperator(
        integrationId,
        { userArn: 'arn', named: { by: 'me', at: '2026-11-23T00:00:00.000Z' } },
        undefined,
      ),
  ],
  ['the lock of the policies', () => accessJournal(table).lock(integrationId, call, ['ready'])],
  ['the end of that lock', () => accessJournal(table).unlock(integrationId, call), 2],
  ['the place of an access', () => accessJournal(table).place(integrationId, call, 'drv_A', 'policy')],
  ['a policy', () => accessJournal(table).writePolicy(integrationId, call, 'policy', policy)],
  ['a task token', () => saveTaskToken(table, call, 'token')],
  ['a task token that goes', () => deleteTaskToken(table, integrationId)],
  ['a lock that is released', () => deleteOwnItem(table, { pk: 'lock#a' }, integrationId, 'release a')],
  ['a registration', () => registrar(table).register(registration)],
  ['a key', () => registrar(table).remember(idempotency, { id: 'int_B', requestHash: 'hash' })],
];

test.each(writes)('%s is written again after a conflict', async (_what, write, items = 1) => {
  await write();
  expect(pauses).toEqual(Array(items).fill([1, 2]).flat());
});

test('a registration that tells the integration is written again, each of its two writes on its own', async () => {
  const parent = { integrationId, dataloopIntegrationId: 'dataloop-1' };
  const added = {
    bucket: { name: 'dataloop-b' },
    dataloop: { projectId: 'project-1', driverName: 'b', allowDelete: true },
  };
  const driver = recordOf({ id: `drv_${'0'.repeat(26)}`, parent });
  await addedBucketRegistrar(table).register({ ...registration, record: driver, added });
  expect(pauses).toEqual([1, 2, 1, 2]);
});

test.each(writes)('%s does not wait for ever', async (_what, write) => {
  dynamo.reset();
  dynamo.on(GetCommand).resolves({ Item: toStored(record) });
  dynamo.on(UpdateCommand).rejects(conflict);
  dynamo.on(PutCommand).rejects(conflict);
  dynamo.on(DeleteCommand).rejects(conflict);
  dynamo.on(TransactWriteCommand).rejects(inTransaction);
  await expect(write()).rejects.toMatchObject({ name: 'AwsConflictError', retryable: true });
  expect(pauses).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

test('an undo makes its room again, too: after the write that was too large, at the look and at the cut', async () => {
  const full = filledBut(0, { pk: 'integration#x', ...toStored(record) });
  const tooLarge = sdkError('ValidationException', 400, { message: 'Item size to update has exceeded' });
  dynamo.reset();
  dynamo
    .on(UpdateCommand)
    .rejectsOnce(tooLarge)
    .rejectsOnce(conflict)
    .resolvesOnce({ Attributes: full })
    .rejectsOnce(conflict)
    .resolves(written);
  await deprovisionJournal(table).beginDeprovision(integrationId, {
    from: ['ready'],
    to: 'removing',
    mode: 'remove',
    run: 1,
  });
  expect(pauses).toEqual([1, 1]);
});
