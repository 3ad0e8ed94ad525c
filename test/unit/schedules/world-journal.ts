/** DynamoDB with one table: the journal's own client runs against it, its conditions included. */
import {
  BatchGetCommand,
  DeleteCommand,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { activeStatuses, type JournalRecord, openSteps } from '../../../src/domain/model/record.ts';
import { storedRecordSchema } from '../../../src/domain/model/stored-record.ts';
import { holds, type Item, maximumItemSize, plain, sizeOf, updated } from './expressions.ts';
import { refusedWrite } from './journal-rights.ts';
import { awsError, type Service } from './service.ts';
import type { Worker } from './worker.ts';

export interface Journal {
  readonly items: Map<string, Item>;
  record(integrationId: string): JournalRecord | undefined;
  /** Ids of all that are registered, in their order. */
  ids(kind: 'int_' | 'drv_'): string[];
  /** Of integrations. */
  records(): JournalRecord[];
  /** Of drivers that were added to an integration. */
  drivers(): JournalRecord[];
  /** The integration that a driver was added to; of an integration, itself. */
  ownerOf(id: string): string;
  statusOf(integrationId: string): string | undefined;
  statuses(): string[];
  /** Id of the integration that holds a lock. */
  holderOf(lock: string): string | undefined;
  /** Calls back whenever an integration, or a driver, has ended with nothing left. */
  onClean(then: (id: string) => void): void;
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

/** An integration of which only drivers were left ends with the last of them. */
const endsWithLastDriver = ({ status, drivers }: Item, after: unknown): boolean =>
  status === 'residue' && after === 'removed' && JSON.stringify(drivers) === '{}';

/** Attributes as errors carry them. */
const asWritten = (item: Item) =>
  Object.fromEntries(
    Object.entries(item).map(([name, value]) => [name, typeof value === 'string' ? { S: value } : {}]),
  );

const keyOf = (key: unknown): string =>
  typeof key === 'object' && key !== null && 'pk' in key ? String(key.pk) : '';

export function journal(violate: (text: string) => void): Journal {
  const items = new Map<string, Item>();
  let clean: (id: string) => void = () => undefined;
  const conditionFailed = () => awsError('ConditionalCheckFailedException', 400);
  const placeholders = (input: {
    ExpressionAttributeNames?: Record<string, string> | undefined;
    ExpressionAttributeValues?: Record<string, unknown> | undefined;
  }) => ({ names: input.ExpressionAttributeNames ?? {}, values: input.ExpressionAttributeValues ?? {} });

  // Items are never changed, only replaced.
  const parsed = new WeakMap<Item, JournalRecord>();
  const parse = (item: Item): JournalRecord => {
    const known = parsed.get(item) ?? storedRecordSchema.parse(item);
    parsed.set(item, known);
    return known;
  };

  /** Puts an item, and watches that an integration only ever goes forward. */
  function put(pk: string, item: Item): void {
    const standing = items.get(pk) ?? {};
    const before = standing['status'];
    const after = item['status'];
    const isForward = typeof before !== 'string' || mayBecome[before]?.includes(String(after));
    if (before !== after && !isForward && !endsWithLastDriver(standing, after)) {
      violate(`${pk} went from ${before} to ${after}`);
    }
    // What somebody reads at this moment must not contradict itself.
    if (pk.startsWith('integration#') && !activeStatuses.some((status) => status === after)) {
      const open = openSteps(parse(item));
      if (open.length > 0) violate(`${pk} is ${after} while ${open.join(' and ')} has not ended`);
    }
    if (before !== after && (after === 'failed' || after === 'removed')) clean(String(item['integrationId']));
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
    if (sizeOf(changed) > maximumItemSize) {
      throw Object.assign(awsError('ValidationException', 400), {
        message: 'Item size to update has exceeded the maximum allowed size',
      });
    }
    put(pk, changed);
    return { Attributes: changed };
  }

  function transact(command: TransactWriteCommand): object {
    const writes = (command.input.TransactItems ?? []).map(({ Put, Update }) => {
      const write = Put ?? Update;
      if (!write) throw new Error('DynamoDB does not know this write here.');
      return {
        pk: keyOf(Put ? Put.Item : Update?.Key),
        condition: write.ConditionExpression,
        write,
        Put,
        Update,
      };
    });
    const reasons = writes.map(({ pk, condition, write }) => {
      const there = items.get(pk);
      if (holds(condition, there, placeholders(write))) return { Code: 'None' };
      const isShown = write.ReturnValuesOnConditionCheckFailure === 'ALL_OLD' && there !== undefined;
      return { Code: 'ConditionalCheckFailed', ...(isShown ? { Item: asWritten(there) } : {}) };
    });
    if (reasons.some(({ Code }) => Code !== 'None')) {
      throw awsError('TransactionCanceledException', 400, { CancellationReasons: reasons });
    }
    const changed = writes.map(({ pk, write, Put, Update }): [string, Item] => [
      pk,
      Update
        ? updated(Update.UpdateExpression ?? '', items.get(pk) ?? { pk }, placeholders(write))
        : Object.assign({}, plain(Put?.Item)),
    ]);
    for (const [pk, item] of changed) put(pk, item);
    return {};
  }

  function batch(command: BatchGetCommand): object {
    const tables = Object.entries(command.input.RequestItems ?? {}).map(([table, { Keys = [] }]) => [
      table,
      Keys.flatMap((key) => items.get(keyOf(key)) ?? []),
    ]);
    return { Responses: Object.fromEntries(tables) };
  }

  function authorise(
    by: Worker,
    action: 'PutItem' | 'UpdateItem' | 'DeleteItem',
    call: { Key?: unknown; Item?: unknown },
  ) {
    const refused = refusedWrite(by.functionName, action, keyOf(call.Key ?? call.Item), call);
    if (refused) violate(refused);
  }

  function authoriseWrites(command: unknown, by: Worker): void {
    if (command instanceof UpdateCommand) authorise(by, 'UpdateItem', command.input);
    if (command instanceof PutCommand) authorise(by, 'PutItem', command.input);
    if (command instanceof DeleteCommand) authorise(by, 'DeleteItem', command.input);
    if (command instanceof TransactWriteCommand) {
      for (const { Put, Update } of command.input.TransactItems ?? []) {
        if (Put) authorise(by, 'PutItem', Put);
        if (Update) authorise(by, 'UpdateItem', Update);
      }
    }
  }

  const service: Service = (command, by) => {
    authoriseWrites(command, by);
    if (command instanceof GetCommand) {
      const item = items.get(keyOf(command.input.Key));
      return item ? { Item: item } : {};
    }
    if (command instanceof BatchGetCommand) return batch(command);
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
    return item && parse(item);
  };
  const all = () => [...items].flatMap(([pk, item]) => (pk.startsWith('integration#') ? [parse(item)] : []));
  return {
    items,
    record,
    ids: (kind) =>
      [...items.keys()].flatMap((pk) =>
        pk.startsWith(`integration#${kind}`) ? [pk.slice('integration#'.length)] : [],
      ),
    records: () => all().filter(({ parent }) => !parent),
    drivers: () => all().filter(({ parent }) => parent),
    ownerOf: (id) => record(id)?.parent?.integrationId ?? id,
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
