import { createRequire } from 'node:module';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { BatchGetCommand, DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
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

interface Stands {
  /** Of an earlier version: its lock has no status. */
  readonly isEarlier?: boolean;
  /** It is in another status whenever one is asked for. */
  readonly isElsewhere?: boolean;
}

/** Refuses, or not, with records in a table. */
async function removing(
  records: Map<string, Status>,
  { isEarlier = false, isElsewhere = false }: Stands = {},
): Promise<void> {
  const isIn = (id: string, values: Record<string, string>) =>
    id >= String(values[':from']) && id <= String(values[':to']);
  dynamo.on(QueryCommand).callsFake(({ ExpressionAttributeValues: values, Limit }) => {
    const wanted = values[':status'];
    const found = [...records].flatMap(([integrationId, status]) =>
      isIn(integrationId, values) && (wanted === 'held' ? !isEarlier : status === wanted && !isElsewhere)
        ? [{ integrationId }]
        : [],
    );
    return { Items: found.slice(0, Limit) };
  });
  dynamo.on(BatchGetCommand).callsFake(({ RequestItems: { journal } }) => {
    const found = journal.Keys.flatMap(({ pk }: { pk: string }) => {
      const integrationId = pk.slice('integration#'.length);
      const status = records.get(integrationId);
      return status && journal.ConsistentRead ? [{ integrationId, status }] : [];
    });
    return { Responses: { journal: found } };
  });
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
  const records = new Map([['int_1', status]]);
  await expect(removing(records)).rejects.toThrow(`  int_1 (${status})`);
  await expect(removing(records, { isEarlier: true })).rejects.toThrow(`  int_1 (${status})`);
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
  'sees one that is %s, in whatever other status it was whenever that was asked for',
  async (status) => {
    await expect(removing(new Map([['int_1', status]]), { isElsewhere: true })).rejects.toThrow(
      `  int_1 (${status})`,
    );
  },
);

test('a lock that somebody forged, or that was left behind, refuses nothing', async () => {
  const ids = ['int_1', 'int_2'];
  dynamo
    .on(QueryCommand)
    .resolves({})
    .on(QueryCommand, { ExpressionAttributeValues: { ':status': 'held', ':from': 'int_', ':to': 'int_~' } })
    .resolves({ Items: ids.map((integrationId) => ({ integrationId })) });
  dynamo
    .on(BatchGetCommand)
    .resolves({ Responses: { journal: [{ integrationId: 'int_1', status: 'removed' }] } });
  const plugin = new RefuseRemoval({ getProvider: () => provider, classes: { Error: ServerlessError } });
  await expect(plugin.hooks['before:remove:remove']()).resolves.toBeUndefined();
});

test('reads on where an answer is one page of several, and what DynamoDB left out of another', async () => {
  const key = { pk: 'integration#int_2' };
  dynamo
    .on(QueryCommand)
    .resolvesOnce({ Items: [], LastEvaluatedKey: { pk: 'integration#int_1' } })
    .resolves({ Items: [{ integrationId: 'int_2' }] });
  dynamo
    .on(BatchGetCommand)
    .resolvesOnce({ UnprocessedKeys: { journal: { Keys: [key] } } })
    .resolves({ Responses: { journal: [{ integrationId: 'int_2', status: 'ready' }] } });
  const plugin = new RefuseRemoval({ getProvider: () => provider, classes: { Error: ServerlessError } });
  await expect(plugin.hooks['before:remove:remove']()).rejects.toThrow('int_2 (ready)');
});

test('refuses nothing where there is no stack', async () => {
  cloudFormation
    .on(DescribeStacksCommand)
    .rejects(Object.assign(new Error('Stack with id stack does not exist'), { name: 'ValidationError' }));
  await expect(removing(new Map([['int_1', 'ready']]))).resolves.toBeUndefined();
});
