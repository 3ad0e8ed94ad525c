/** The journal's table as it stands, read past the service. */
import {
  DeleteCommand,
  GetCommand,
  paginateScan,
  type ScanCommandInput,
  UpdateCommand,
  type UpdateCommandInput,
} from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { clientsAt, type Place } from './clients.ts';

const itemSchema = z.looseObject({
  pk: z.string(),
  integrationId: z.string().optional(),
  name: z.string().optional(),
  status: z.string().optional(),
  request: z.looseObject({ bucket: z.looseObject({ mode: z.string().optional() }) }).optional(),
});
export type JournalItem = z.infer<typeof itemSchema>;

interface Where {
  readonly environment: Place;
  readonly deployment: { readonly outputs: { readonly TableName: string } };
}

/** Which items are meant, in DynamoDB's words; left out: all. */
type Filter = Pick<
  ScanCommandInput,
  'FilterExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
>;

export async function journalItems(
  { environment, deployment }: Where,
  filter: Filter = {},
): Promise<JournalItem[]> {
  const { table: client } = clientsAt(environment);
  const items: JournalItem[] = [];
  for await (const page of paginateScan({ client }, { TableName: deployment.outputs.TableName, ...filter })) {
    items.push(...z.array(itemSchema).parse(page.Items ?? []));
  }
  return items;
}

/** Records of one name, and whatever is no record: locks, tokens, keys. */
export const itemsAbout = (where: Where, name: string): Promise<JournalItem[]> =>
  journalItems(where, {
    FilterExpression: '#name = :name OR NOT begins_with(pk, :record)',
    ExpressionAttributeNames: { '#name': 'name' },
    ExpressionAttributeValues: { ':name': name, ':record': 'integration#' },
  });

/** The record of an integration or a driver; undefined where there is none. */
export async function recordItem(
  { environment, deployment }: Where,
  id: string,
): Promise<JournalItem | undefined> {
  const { Item } = await clientsAt(environment).table.send(
    new GetCommand({
      TableName: deployment.outputs.TableName,
      Key: { pk: `integration#${id}` },
      ConsistentRead: true,
    }),
  );
  return Item && itemSchema.parse(Item);
}

export const statusOf = async (where: Where, id: string): Promise<string | undefined> =>
  (await recordItem(where, id))?.status;

type Update = Omit<UpdateCommandInput, 'TableName' | 'Key'>;

async function rewrite({ environment, deployment }: Where, id: string, update: Update): Promise<void> {
  const Key = { pk: `integration#${id}` };
  await clientsAt(environment).table.send(
    new UpdateCommand({ TableName: deployment.outputs.TableName, Key, ...update }),
  );
}

/** Makes an integration look untouched for a while: the sweep leaves alone what has just been written. */
export const age = (where: Where, integrationId: string): Promise<void> =>
  rewrite(where, integrationId, {
    UpdateExpression: 'SET updatedAt = :then',
    ExpressionAttributeValues: { ':then': new Date(Date.now() - 600_000).toISOString() },
  });

/** Makes of an undo one that an earlier version began: the name of its execution has no random part. */
export const beganEarlier = (where: Where, integrationId: string): Promise<void> =>
  rewrite(where, integrationId, {
    UpdateExpression: 'REMOVE #deprovision.#token',
    ConditionExpression: 'attribute_exists(#deprovision.#token)',
    ExpressionAttributeNames: { '#deprovision': 'deprovision', '#token': 'token' },
  });

/** Says of a record that this run of its removal is under way, as a stolen session can. */
export const forgeRemoval = (where: Where, id: string, run: number, token: string): Promise<void> =>
  rewrite(where, id, {
    UpdateExpression: 'SET #status = :status, deprovision = :deprovision',
    ExpressionAttributeNames: { '#status': 'status' },
    ExpressionAttributeValues: {
      ':status': 'removing',
      ':deprovision': { mode: 'remove', run, restarts: 0, token },
    },
  });

/** Takes what a case has left in the table, so that the next one's look at it does not take longer and longer. */
export async function forget({ environment, deployment }: Where, integrationId: string): Promise<void> {
  const own = await journalItems(
    { environment, deployment },
    {
      FilterExpression: 'integrationId = :id',
      ExpressionAttributeValues: { ':id': integrationId },
    },
  );
  for (const { pk } of own) {
    await clientsAt(environment).table.send(
      new DeleteCommand({ TableName: deployment.outputs.TableName, Key: { pk } }),
    );
  }
}
