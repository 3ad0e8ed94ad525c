/** A table that counts what DynamoDB would read: each item that a call looks at, whether it answers with it or not. */
import {
  BatchGetCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  type PutCommandInput,
  QueryCommand,
  type QueryCommandInput,
  ScanCommand,
} from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { holds, type Item, plain } from './schedules/expressions.ts';

/** Entries of the index that are a megabyte, which is the most of an answer. */
const entriesInPage = 8_000;

interface Entry {
  readonly pk: string;
  readonly status: string;
  readonly integrationId: string;
}

export interface CountedTable {
  readonly items: Map<string, Item>;
  /** Items read since the last time it was asked, by Get, BatchGet, Query and Scan. */
  reads(): number;
  scans(): number;
  /** What was put by calls, in their order. */
  puts(): PutCommandInput[];
  put(...items: readonly Item[]): void;
}

const keyOf = (key: unknown): string => String(Object(key).pk);

/** Stands in for every client of the table in this process. */
export function countedTable(): CountedTable {
  const items = new Map<string, Item>();
  const dynamo = mockClient(DynamoDBDocumentClient);
  let index: Entry[] | undefined;
  let read = 0;

  const put = (item: Item) => {
    items.set(keyOf(item), item);
    index = undefined;
  };
  const get = (key: unknown): Item | undefined => {
    read += 1;
    return items.get(keyOf(key));
  };
  const entries = (): Entry[] => {
    index ??= [...items.values()]
      .flatMap(({ pk, status, integrationId }) =>
        status === undefined || integrationId === undefined
          ? []
          : [{ pk: String(pk), status: String(status), integrationId: String(integrationId) }],
      )
      .sort((one, other) => (one.integrationId < other.integrationId ? -1 : 1));
    return index;
  };
  const query = (input: QueryCommandInput) => {
    const { ':status': status, ':from': from = '', ':to': to = '~' } = input.ExpressionAttributeValues ?? {};
    if (input.FilterExpression) throw new Error('What a filter leaves out is read all the same.');
    const found = entries().filter(
      (entry) => entry.status === status && entry.integrationId >= from && entry.integrationId <= to,
    );
    if (input.ScanIndexForward === false) found.reverse();
    const start = found.findIndex(({ pk }) => pk === input.ExclusiveStartKey?.['pk']) + 1;
    const page = found.slice(start, start + Math.min(input.Limit ?? entriesInPage, entriesInPage));
    read += page.length;
    const last = page.at(-1);
    return {
      Items: page.map(({ integrationId }) => ({ integrationId })),
      ...(last && start + page.length < found.length ? { LastEvaluatedKey: { ...last } } : {}),
    };
  };

  dynamo.on(GetCommand).callsFake(({ Key }) => ({ Item: get(Key) }));
  dynamo.on(BatchGetCommand).callsFake(({ RequestItems }) => {
    const [[name = '', { Keys = [] }] = ['', {}]] = Object.entries<{ Keys?: unknown[] }>(RequestItems);
    if (Keys.length > 100) throw new Error('DynamoDB reads no more than 100 at once.');
    return { Responses: { [name]: Keys.flatMap((key) => get(key) ?? []) } };
  });
  dynamo.on(QueryCommand).callsFake(query);
  dynamo.on(ScanCommand).callsFake(() => {
    read += items.size;
    return { Items: [...items.values()] };
  });
  dynamo.on(PutCommand).callsFake((input) => {
    const expressions = { names: {}, values: input.ExpressionAttributeValues ?? {} };
    if (!holds(input.ConditionExpression, items.get(keyOf(input.Item)), expressions)) {
      throw Object.assign(new Error('refused'), { name: 'ConditionalCheckFailedException' });
    }
    put(Object.assign({}, plain(input.Item)));
    return {};
  });

  return {
    items,
    reads: () => {
      const counted = read;
      read = 0;
      return counted;
    },
    scans: () => dynamo.commandCalls(ScanCommand).length,
    puts: () => dynamo.commandCalls(PutCommand).map(({ args: [{ input }] }) => input),
    put: (...all) => all.forEach(put),
  };
}
