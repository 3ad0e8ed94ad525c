/** DynamoDB with one table: the journal's own client runs against it, its conditions included. */
import {
  DeleteCommand,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { type IntegrationRecord, recordSchema } from '../../../src/domain/journal.ts';
import { holds, type Item, plain, updated } from './expressions.ts';
import { awsError, type Service } from './sdk.ts';

export interface Journal {
  readonly items: Map<string, Item>;
  record(integrationId: string): IntegrationRecord | undefined;
  records(): IntegrationRecord[];
  statusOf(integrationId: string): string | undefined;
  statuses(): string[];
  /** Id of the integration that holds a lock. */
  holderOf(lock: string): string | undefined;
  /** Calls back whenever an integration has ended with nothing left. */
  onClean(then: () => void): void;
  readonly service: Service;
}

/** From which status an integration may go to which. */
const mayBecome: Readonly<Record<string, readonly string[]>> = {
  provisioning: ['ready', 'rolling-back'],
  ready: ['removing'],
  'rolling-back': ['failed', 'residue'],
  removing: ['removed', 'residue'],
  residue: ['removing'],
  failed: [],
  removed: [],
};

/** Attributes as errors carry them. */
const asWritten = (item: Item) =>
  Object.fromEntries(
    Object.entries(item).map(([name, value]) => [name, typeof value === 'string' ? { S: value } : {}]),
  );

const keyOf = (key: unknown): string =>
  typeof key === 'object' && key !== null && 'pk' in key ? String(key.pk) : '';

export function journal(violate: (text: string) => void): Journal {
  const items = new Map<string, Item>();
  let clean: () => void = () => undefined;
  const conditionFailed = () => awsError('ConditionalCheckFailedException', 400);
  const placeholders = (input: {
    ExpressionAttributeNames?: Record<string, string> | undefined;
    ExpressionAttributeValues?: Record<string, unknown> | undefined;
  }) => ({ names: input.ExpressionAttributeNames ?? {}, values: input.ExpressionAttributeValues ?? {} });

  /** Puts an item, and watches that an integration only ever goes forward. */
  function put(pk: string, item: Item): void {
    const before = items.get(pk)?.['status'];
    const after = item['status'];
    if (typeof before === 'string' && before !== after && !mayBecome[before]?.includes(String(after))) {
      violate(`${pk} went from ${before} to ${after}`);
    }
    if (before !== after && (after === 'failed' || after === 'removed')) clean();
    const isTaken = /^(lock|idempotency)#/.test(pk) && items.has(pk);
    if (isTaken && items.get(pk)?.['integrationId'] !== item['integrationId']) violate(`${pk} changes hands`);
    items.set(pk, item);
  }

  function update(command: UpdateCommand): object {
    const { input } = command;
    const pk = keyOf(input.Key);
    const item = items.get(pk);
    if (!holds(input.ConditionExpression, item, placeholders(input))) throw conditionFailed();
    const changed = updated(input.UpdateExpression ?? '', item ?? { pk }, placeholders(input));
    put(pk, changed);
    return { Attributes: changed };
  }

  function transact(command: TransactWriteCommand): object {
    const puts = (command.input.TransactItems ?? []).flatMap(({ Put }) => (Put ? [Put] : []));
    const reasons = puts.map((each) => {
      const there = items.get(keyOf(each.Item));
      if (holds(each.ConditionExpression, there, placeholders(each))) return { Code: 'None' };
      return { Code: 'ConditionalCheckFailed', Item: asWritten(there ?? {}) };
    });
    if (reasons.some(({ Code }) => Code !== 'None')) {
      throw awsError('TransactionCanceledException', 400, { CancellationReasons: reasons });
    }
    for (const { Item } of puts) put(keyOf(Item), Object.assign({}, plain(Item)));
    return {};
  }

  const service: Service = (command) => {
    if (command instanceof GetCommand) {
      const item = items.get(keyOf(command.input.Key));
      return item ? { Item: item } : {};
    }
    if (command instanceof UpdateCommand) return update(command);
    if (command instanceof TransactWriteCommand) return transact(command);
    if (command instanceof PutCommand) {
      const { input } = command;
      const there = items.get(keyOf(input.Item));
      if (!holds(input.ConditionExpression, there, placeholders(input))) throw conditionFailed();
      put(keyOf(command.input.Item), Object.assign({}, plain(command.input.Item)));
      return {};
    }
    if (command instanceof DeleteCommand) {
      const pk = keyOf(command.input.Key);
      const { input } = command;
      if (!holds(input.ConditionExpression, items.get(pk), placeholders(input))) throw conditionFailed();
      items.delete(pk);
      return {};
    }
    if (command instanceof QueryCommand) {
      const status = command.input.ExpressionAttributeValues?.[':status'];
      return { Items: [...items.values()].filter((item) => item['status'] === status) };
    }
    throw new Error('DynamoDB does not know this command here.');
  };

  const record = (integrationId: string) => {
    const item = items.get(`integration#${integrationId}`);
    return item && recordSchema.parse(item);
  };
  return {
    items,
    record,
    records: () =>
      [...items].flatMap(([pk, item]) => (pk.startsWith('integration#') ? [recordSchema.parse(item)] : [])),
    statuses: () =>
      [...items].flatMap(([pk, { status }]) => (pk.startsWith('integration#') ? [String(status)] : [])),
    statusOf: (integrationId) => {
      const status = items.get(`integration#${integrationId}`)?.['status'];
      return typeof status === 'string' ? status : undefined;
    },
    holderOf: (lock) => {
      const holder = items.get(`lock#${lock}`)?.['integrationId'];
      return typeof holder === 'string' ? holder : undefined;
    },
    onClean: (then) => {
      clean = then;
    },
    service,
  };
}
