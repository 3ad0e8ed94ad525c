/** The table: records, locks, idempotency keys and task tokens, each kind under a key of its own. */
import { statusIndex, table } from '../references.ts';
import type { Statement } from '../statement.ts';

type ItemAction =
  | 'dynamodb:GetItem'
  | 'dynamodb:BatchGetItem'
  | 'dynamodb:PutItem'
  | 'dynamodb:UpdateItem'
  | 'dynamodb:DeleteItem';

const records = 'integration#*';
const locks = 'lock#*';
const idempotencyKeys = 'idempotency#*';
const tokens = 'token#*';

const onlyItems = (...keys: string[]) => ({ 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': keys } });

export const Journal = (actions: ItemAction | ItemAction[]): Statement => ({
  Sid: 'Journal',
  why: 'Reads or updates the records of integrations and added buckets.',
  Action: actions,
  Resource: table,
  Condition: onlyItems(records),
});

export const JournalAndLocks = (actions: ItemAction | ItemAction[]): Statement => ({
  Sid: 'Journal',
  why: 'Reads records and locks: does another integration use the name or the bucket?',
  Action: actions,
  Resource: table,
  Condition: onlyItems(records, locks),
});

export const Register = (actions: ItemAction | ItemAction[]): Statement => ({
  Sid: 'Register',
  why: 'Writes the record, its locks and the idempotency key in one transaction.',
  Action: actions,
  Resource: table,
  // DynamoDB may authorise each write of a transaction with the keys of all of them.
  Condition: onlyItems(records, locks, idempotencyKeys),
});

export const TaskToken = (actions: ItemAction | ItemAction[]): Statement => ({
  Sid: 'TaskToken',
  why: 'RequestIamUser stores the token of the waiting task; ResumeProvisioning reads and deletes it.',
  Action: actions,
  Resource: table,
  Condition: onlyItems(tokens),
});

export const ReleaseLocks: Statement = {
  Sid: 'ReleaseLocks',
  why: 'Frees the name and the bucket when nothing is left of an integration or added bucket.',
  Action: 'dynamodb:DeleteItem',
  Resource: table,
  Condition: onlyItems(locks),
};

export const ReleaseLocksAndToken: Statement = {
  Sid: 'ReleaseLocks',
  why: 'Frees the name and the bucket when nothing is left, and deletes a token that was never used.',
  Action: 'dynamodb:DeleteItem',
  Resource: table,
  Condition: onlyItems(locks, tokens),
};

export const FindActive: Statement = {
  Sid: 'FindActive',
  why: 'Finds records with work in progress.',
  Action: 'dynamodb:Query',
  Resource: statusIndex,
};

export const FindPage: Statement = {
  Sid: 'FindPage',
  why: 'Finds the integrations on one page of the list.',
  Action: 'dynamodb:Query',
  Resource: statusIndex,
};

export const FindStanding: Statement = {
  Sid: 'FindStanding',
  why: 'Finds other integrations that reach the same objects.',
  Action: 'dynamodb:Query',
  Resource: statusIndex,
};
