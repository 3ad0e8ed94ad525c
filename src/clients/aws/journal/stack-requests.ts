/** What CloudFormation waits for: addresses of answers, and what was begun last for a resource of a stack. */
import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { requestTypes, type StackRequest } from '../../../domain/api/stack.ts';
import type { AwaitedAnswer, StackJournal } from '../../../domain/lifecycle/stack-resource.ts';
import { canonicalJson, sha256 } from '../../../domain/model/canonical-json.ts';
import { type StackResource, stackResourceSchema } from '../../../domain/model/stack-resource.ts';
import { awsCall, awsErrorCode, mapAwsError } from '../errors.ts';
import { afterConflicts, readItem, type Table } from './table.ts';

/** Items of answers have it as their status, so that an index finds them. No record has it. */
export const awaitedStatus = 'answer-awaited';
/** CloudFormation waits for an hour, and its addresses are valid for about two. */
const addressSeconds = 2 * 3_600;
/** As long as Lambda keeps an event at most (AWS Lambda Developer Guide, "How Lambda handles errors and retries"). */
const lateSeconds = 6 * 3_600;
/** Longer than any request is open. */
const begunSeconds = 7 * 86_400;

/** A record is made by one request and removed by another, and both may be waited for. */
const purposes = ['made', 'removed'] as const;
const purposeOf = (type: StackRequest['type']) => (type === 'Delete' ? 'removed' : 'made');
const answerKey = (recordId: string, purpose: (typeof purposes)[number]) => ({
  pk: `answer#${recordId}#${purpose}`,
});
const begunKey = (stack: StackResource) => ({ pk: `stack#${sha256(canonicalJson(stack))}` });
const withdrawnKey = (stack: StackResource) => ({ pk: `${begunKey(stack).pk}#withdrawn` });

const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

const put = (table: Table, what: string, Item: Record<string, unknown>) =>
  awsCall(what, () =>
    afterConflicts(table, () => table.client.send(new PutCommand({ TableName: table.name, Item }))),
  );

export async function keepAddress(
  table: Table,
  { id, type, address, physicalId, stack }: StackRequest,
  recordId: string,
): Promise<void> {
  await put(table, 'keep where CloudFormation waits', {
    ...answerKey(recordId, purposeOf(type)),
    integrationId: recordId,
    status: awaitedStatus,
    expiresAt: inSeconds(addressSeconds),
    // Only a record has a request of its own.
    stackRequest: { id, type, physicalId, stack },
    address,
  });
}

const awaitedSchema = z
  .object({
    stackRequest: z.object({
      id: z.string(),
      type: z.enum(requestTypes),
      physicalId: z.string().optional(),
      stack: stackResourceSchema,
    }),
    address: z.string(),
  })
  .transform(({ stackRequest: request, address }) => ({ request, address }));

/** The answers that are waited for about a record. What is none that this service can have kept is not sent anywhere. */
export async function readAwaited(table: Table, recordId: string): Promise<readonly AwaitedAnswer[]> {
  const items = await Promise.all(
    purposes.map((purpose) => readItem(table, 'read who waits for an answer', answerKey(recordId, purpose))),
  );
  return items.flatMap((item) => awaitedSchema.safeParse(item).data ?? []);
}

export async function forgetAddress(
  table: Table,
  recordId: string,
  { request, address }: AwaitedAnswer,
): Promise<void> {
  const command = new DeleteCommand({
    TableName: table.name,
    Key: answerKey(recordId, purposeOf(request.type)),
    ConditionExpression: 'address = :address',
    ExpressionAttributeValues: { ':address': address },
  });
  try {
    await afterConflicts(table, () => table.client.send(command));
  } catch (error) {
    // Another request waits by now, or somebody else has answered this one.
    if (awsErrorCode(error) !== 'ConditionalCheckFailed') {
      throw mapAwsError(error, 'forget where CloudFormation waited');
    }
  }
}

const withdrawnSchema = z.object({ expiresAt: z.number() });
const begunSchema = z.object({ requestId: z.string(), integrationId: z.string().optional() });

export const begunJournal = (
  table: Table,
): Pick<StackJournal, 'readBegun' | 'writeBegun' | 'isWithdrawn' | 'withdraw'> => ({
  isWithdrawn: async (stack) => {
    const item = await readItem(table, 'read what a stack withdrew', withdrawnKey(stack));
    // DynamoDB deletes it some days later.
    return (withdrawnSchema.safeParse(item).data?.expiresAt ?? 0) > inSeconds(0);
  },
  withdraw: (stack) =>
    put(table, 'note what a stack withdraws', {
      ...withdrawnKey(stack),
      expiresAt: inSeconds(lateSeconds),
    }).then(() => undefined),
  readBegun: async (stack) => {
    const begun = begunSchema.safeParse(
      await readItem(table, 'read what a stack began', begunKey(stack)),
    ).data;
    return begun && { requestId: begun.requestId, recordId: begun.integrationId };
  },
  writeBegun: (stack, { requestId, recordId }) =>
    put(table, 'note what a stack begins', {
      ...begunKey(stack),
      requestId,
      integrationId: recordId,
      expiresAt: inSeconds(begunSeconds),
    }).then(() => undefined),
});
