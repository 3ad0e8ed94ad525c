import { createRequire } from 'node:module';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { DynamoDBDocumentClient, QueryCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { type Status, statuses } from '../../../src/domain/model/record.ts';

const RefuseRemoval = createRequire(import.meta.url)('../../../resources/refuse-removal.cjs');

const cloudFormation = mockClient(CloudFormationClient);
const dynamo = mockClient(DynamoDBDocumentClient);

class ServerlessError extends Error {}
const provider = {
  getAwsSdkV3Config: async () => ({ region: 'eu-west-1' }),
  naming: { getStackName: () => 'stack' },
};

/** Refuses, or not, with records in a table. @param then called after each answer of DynamoDB */
async function removing(records: Map<string, Status>, then: () => void = () => undefined): Promise<void> {
  const items = () =>
    [...records].map(([integrationId, status]) => ({
      pk: `integration#${integrationId}`,
      integrationId,
      status,
    }));
  const answer = (Items: unknown[]) => {
    then();
    return { Items };
  };
  dynamo
    .on(QueryCommand)
    .callsFake(({ ExpressionAttributeValues: values }) =>
      answer(
        items().filter(
          ({ integrationId, status }) =>
            status === values[':status'] && integrationId.startsWith(values[':integrations']),
        ),
      ),
    )
    .on(ScanCommand)
    .callsFake(({ ConsistentRead, ExpressionAttributeValues: { ':integrations': prefix, ...wanted } }) =>
      answer(
        items().filter(
          ({ pk, status }) =>
            ConsistentRead && pk.startsWith(prefix) && Object.values(wanted).includes(status),
        ),
      ),
    );
  const plugin = new RefuseRemoval({ getProvider: () => provider, classes: { Error: ServerlessError } });
  await plugin.hooks['before:remove:remove']();
}

beforeEach(() => {
  cloudFormation.reset();
  dynamo.reset();
  cloudFormation
    .on(DescribeStacksCommand)
    .resolves({ Stacks: [{ Outputs: [{ OutputKey: 'TableName', OutputValue: 'journal' }] }] as never });
});

const owning = statuses.filter((status) => status !== 'failed' && status !== 'removed');

test.each(owning)('refuses while an integration is %s, and names it', async (status) => {
  await expect(removing(new Map([['int_1', status]]))).rejects.toThrow(`  int_1 (${status})`);
});

test('refuses nothing where nothing is left, and does not name what was added', async () => {
  const records = new Map<string, Status>([
    ['int_1', 'removed'],
    ['int_2', 'failed'],
    ['drv_1', 'ready'],
  ]);
  await expect(removing(records)).resolves.toBeUndefined();
});

test.each(owning)(
  'sees an integration that was %s and moves to whatever was asked for before',
  async (first) => {
    // Each answer finds it somewhere else: whichever statuses are asked for one after the other, it is in none of them.
    const records = new Map<string, Status>([['int_1', first]]);
    let at = owning.indexOf(first);
    const moves = () => {
      at = (at + owning.length - 1) % owning.length;
      records.set('int_1', owning[at] ?? first);
    };
    await expect(removing(records, moves)).rejects.toThrow('  int_1 (');
  },
);

test('reads a few of each status where some stand, and not the table', async () => {
  const records = new Map<string, Status>(
    Array.from({ length: 10_000 }, (_, index) => [`int_${index}`, 'ready']),
  );
  await expect(removing(records)).rejects.toThrow('  and others');
  expect(dynamo.commandCalls(ScanCommand)).toHaveLength(0);
  const limits = dynamo.commandCalls(QueryCommand).map(({ args }) => args[0].input.Limit);
  expect(limits).toEqual(owning.map(() => 11));
});

test('reads the table page by page', async () => {
  const LastEvaluatedKey = { pk: 'integration#int_1' };
  dynamo
    .on(ScanCommand)
    .resolvesOnce({ Items: [], LastEvaluatedKey })
    .resolves({ Items: [{ integrationId: 'int_2', status: 'ready' }] });
  const plugin = new RefuseRemoval({ getProvider: () => provider, classes: { Error: ServerlessError } });
  await expect(plugin.hooks['before:remove:remove']()).rejects.toThrow('int_2 (ready)');
  expect(dynamo.commandCalls(ScanCommand).map(({ args }) => args[0].input.TableName)).toEqual([
    'journal',
    'journal',
  ]);
});

test('refuses nothing where there is no stack', async () => {
  cloudFormation
    .on(DescribeStacksCommand)
    .rejects(Object.assign(new Error('Stack with id stack does not exist'), { name: 'ValidationError' }));
  await expect(removing(new Map([['int_1', 'ready']]))).resolves.toBeUndefined();
});
