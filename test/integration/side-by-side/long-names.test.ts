/** A Dataloop that names its integration with more than an item of the table can have. */
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { expect, test } from '@jest/globals';
import * as z from 'zod';
import { clientsAt } from '../../faults/clients.ts';
import { filledBut } from '../../unit/earlier-item.ts';
import { sizeOf } from '../../unit/schedules/expressions.ts';
import {
  connect,
  dataloopCall,
  deployment,
  disconnect,
  environment,
  read,
  settled,
  uniqueName,
} from '../deployment.ts';

const { organizationId, projectId } = environment.sandbox;
const { table } = clientsAt(environment);
const TableName = deployment.outputs.TableName;
const keyOf = (integrationId: string) => ({ pk: `integration#${integrationId}` });

const itemOf = async (integrationId: string) => {
  const { Item } = await table.send(
    new GetCommand({ TableName, Key: keyOf(integrationId), ConsistentRead: true }),
  );
  return z.looseObject({}).parse(Item);
};

/** Makes the record one of an earlier version, with a name as long as the table takes it. @returns the bytes left */
async function fill(integrationId: string): Promise<number> {
  const item = await itemOf(integrationId);
  // How DynamoDB counts is known but for some bytes.
  for (let left = -200; ; left += 1) {
    try {
      await table.send(new PutCommand({ TableName, Item: filledBut(left, item) }));
      return left;
    } catch (error) {
      if (!(error instanceof Error) || !error.message.includes('Item size')) throw error;
    }
  }
}

test('it is adopted and removed, and so it is where an earlier version has stored the name', async () => {
  const name = uniqueName('long-name');
  const integrations = `/orgs/${organizationId}/integrations`;
  const { id } = z.object({ id: z.string() }).parse(
    await dataloopCall('POST', integrations, {
      name: `theirs ${name}\r\n${'n'.repeat(500_000)}`,
      type: 'aws-cross',
      options: {},
    }),
  );
  const request = { dataloop: { projectId, integrationId: id } };

  const ready = await settled((await connect(name, request)).integrationId);

  expect([ready.status, ready.error]).toEqual(['ready', undefined]);
  expect(sizeOf(await itemOf(ready.integrationId))).toBeLessThan(10_000);

  expect(await fill(ready.integrationId)).toBeLessThan(200);
  expect((await read(ready.integrationId)).status).toBe('ready');
  expect(await disconnect(ready.integrationId)).toMatchObject({ status: 'removed', residue: [] });
  expect(sizeOf(await itemOf(ready.integrationId))).toBeLessThan(10_000);
  await dataloopCall('DELETE', `${integrations}/${id}`);
});
