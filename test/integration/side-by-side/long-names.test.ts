/** A Dataloop that names its integration with more than an item of the table can have. */
import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { expect, test } from '@jest/globals';
import * as z from 'zod';
import { clientsAt } from '../../faults/clients.ts';
import { maximumItemSize, sizeOf } from '../../unit/schedules/expressions.ts';
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
  return z.looseObject({ resources: z.looseObject({ dataloopIntegration: z.looseObject({}) }) }).parse(Item);
};

/** Writes the name as an earlier version stored it, as long as the table takes it. @returns the size of the item */
async function fill(integrationId: string): Promise<number> {
  const { resources, ...item } = await itemOf(integrationId);
  const named = (length: number) => ({
    ...item,
    resources: {
      ...resources,
      dataloopIntegration: { ...resources.dataloopIntegration, name: 'n'.repeat(length) },
    },
  });
  // How DynamoDB counts is known but for some bytes.
  for (let room = maximumItemSize - sizeOf(named(0)) + 200; ; room -= 1) {
    const write = new UpdateCommand({
      TableName,
      Key: keyOf(integrationId),
      UpdateExpression: 'SET resources.dataloopIntegration.#name = :name',
      ExpressionAttributeNames: { '#name': 'name' },
      ExpressionAttributeValues: { ':name': 'n'.repeat(room) },
    });
    try {
      await table.send(write);
      return sizeOf(named(room));
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

  expect(await fill(ready.integrationId)).toBeGreaterThan(maximumItemSize - 300);
  expect((await read(ready.integrationId)).status).toBe('ready');
  expect(await disconnect(ready.integrationId)).toMatchObject({ status: 'removed', residue: [] });
  expect(sizeOf(await itemOf(ready.integrationId))).toBeLessThan(10_000);
  await dataloopCall('DELETE', `${integrations}/${id}`);
});
