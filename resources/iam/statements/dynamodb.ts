/** The table: records, locks, idempotency keys and task tokens, each kind under a key of its own. */
import { attributeOf, policyKeys, type ResourceKey } from '../../../src/domain/model/resource-keys.ts';
import { statusIndex, table } from '../references.ts';
import type { Statement } from '../statement.ts';

type Read = 'dynamodb:GetItem' | 'dynamodb:BatchGetItem';
type ItemAction = Read | 'dynamodb:PutItem' | 'dynamodb:DeleteItem';

const records = 'integration#*';
const locks = 'lock#*';
const idempotencyKeys = 'idempotency#*';
const tokens = 'token#*';
const places = 'place#*';
const turns = 'turn#*';
const answers = 'answer#*';
const stacks = 'stack#*';
const notices = 'notice#*';
const fillProgress = 'fill#*';

const onlyItems = (...keys: string[]) => ({ 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': keys } });

/** DynamoDB counts what a call writes, and what its condition asks for. */
const onlyAttributes = (...names: readonly string[]) => ({
  'ForAllValues:StringEquals': { 'dynamodb:Attributes': ['pk', 'updatedAt', ...names] },
});

export const Journal = (actions: Read | Read[]): Statement => ({
  Sid: 'Journal',
  why: 'Reads the records of integrations and added buckets.',
  Action: actions,
  Resource: table,
  Condition: onlyItems(records),
});

const writing = (why: string, ...attributes: readonly string[]): Statement => ({
  Sid: 'WriteJournal',
  why,
  Action: 'dynamodb:UpdateItem',
  Resource: table,
  Condition: { ...onlyItems(records), ...onlyAttributes(...new Set(attributes)) },
});

// The status is part of nearly every condition.
const step = ['status', 'steps', 'openCalls'];
const undo = ['status', 'deprovision', 'leftovers'];
// What an earlier version stored too long is cut before the undo writes. In later records it counts for nothing. So are calls
// that somebody made too long. And the reserve makes room, whatever somebody made too long.
const cut = ['resources', 'openCalls', 'reserve'];

/** @param attributes beside those that every step writes */
const writingAsStep = (why: string, ...attributes: readonly string[]) => writing(why, ...step, ...attributes);

export const WriteStep = writingAsStep('Writes when the step began and how it ended.');

/** @param key what the step makes or removes */
export const WriteStepAndResource = (key: ResourceKey) =>
  writingAsStep('Writes how the step ended, and what it did to its own resource.', attributeOf(key));

export const WriteStepAndPolicies = writingAsStep(
  'Writes how the step ended, and what it did to the policies of the role.',
  ...policyKeys.map(attributeOf),
);

export const WriteStepAndAccess = writingAsStep(
  'Writes how the step ended, which policy grants an added bucket, and the lock of the policies.',
  ...policyKeys.map(attributeOf),
  attributeOf('access'),
  'drivers',
  'accessLock',
);

export const WriteStepAndOrganization = writingAsStep(
  'Writes how the step ended, and in which organization at Dataloop the project is.',
  'dataloop',
);

export const WriteStepAndUndo = writingAsStep(
  'Writes how the step ended, the error, and that an undo begins.',
  ...undo,
  'error',
  ...cut,
);

export const WriteStepAndEnd = writingAsStep(
  'Ends the undo: status, steps and the reason of each leftover; an integration forgets a bucket of which nothing is left.',
  ...undo,
  'drivers',
);

export const WriteUndo = writing(
  'Writes that an undo begins, why, which steps it cut off, and whether the owner keeps the bucket.',
  'steps',
  ...undo,
  'error',
  // Nobody but the API routes of `DELETE`, and stacks, may write it.
  'keepBucket',
  ...cut,
);

export const WriteUndoAndEnd = writing(
  'Writes that an undo begins, or ends one that can never end.',
  'steps',
  ...undo,
  'error',
  'drivers',
  ...cut,
);

export const WriteOperator = writing(
  'Writes what an operator said, unless CreateRole is under way with what was said before.',
  'status',
  'steps',
  'operator',
);

export const WriteIssuedUser = writing('Writes that the wait for the IAM user is over.', 'steps');

export const WriteAddedBucket: Statement = {
  ...writing('Writes the added bucket into its integration.', 'status', 'drivers'),
  Condition: {
    // In the transaction that registers it.
    ...onlyItems(records, locks, idempotencyKeys),
    ...onlyAttributes('status', 'drivers'),
  },
};

export const WriteUndoAndAddedBucket: Statement = {
  ...writing(
    'Writes that an undo begins, why, which steps it cut off, and whether the owner keeps the bucket; and an added bucket into its integration.',
  ),
  Condition: {
    ...onlyItems(records, locks, idempotencyKeys),
    ...onlyAttributes(...new Set(['steps', ...undo, 'error', 'keepBucket', ...cut, 'drivers'])),
  },
};

export const JournalAndLocks = (actions: Read): Statement => ({
  Sid: 'Journal',
  why: 'Reads records and locks: does another integration use the name or the bucket?',
  Action: actions,
  Resource: table,
  Condition: onlyItems(records, locks),
});

const asRegistered = [
  'layout',
  'reserve',
  'integrationId',
  'requestHash',
  'requestedBy',
  'expiresAt',
  'name',
  'createdAt',
  'request',
  'executionArn',
  ...step,
];

/** @param attributes beside those of every new record */
export const Register = (...attributes: string[]): Statement => ({
  Sid: 'Register',
  why: 'Writes the record in one transaction with its locks, the idempotency key and a place of the caller. Without its layout it would count as one of an earlier version.',
  Action: 'dynamodb:PutItem',
  Resource: table,
  Condition: {
    // DynamoDB may authorise each write of a transaction with the keys and attributes of all of them.
    ...onlyItems(records, locks, idempotencyKeys, places),
    ...onlyAttributes(...asRegistered, ...attributes),
    'ForAnyValue:StringEquals': { 'dynamodb:Attributes': ['layout'] },
  },
});

export const RegisterLocks: Statement = {
  Sid: 'RegisterLocks',
  why: 'Writes the locks and the idempotency key of a record, and its place among those of its caller.',
  Action: 'dynamodb:PutItem',
  Resource: table,
  Condition: {
    // The keys may be those of the whole transaction. A record with no more attributes than these cannot be read.
    ...onlyItems(records, locks, idempotencyKeys, places),
    ...onlyAttributes('integrationId', 'requestHash', 'expiresAt', 'status'),
  },
};

export const FillLocks: Statement = {
  Sid: 'FillLocks',
  why: 'Writes the locks that an earlier version did not write.',
  Action: 'dynamodb:PutItem',
  Resource: table,
  Condition: {
    ...onlyItems(locks),
    ...onlyAttributes('integrationId', 'requestHash', 'status'),
  },
};

export const NoteFilled: Statement = {
  Sid: 'NoteFilled',
  why: 'Notes how far the locks of an earlier version are filled.',
  Action: ['dynamodb:GetItem', 'dynamodb:PutItem'],
  Resource: table,
  Condition: onlyItems(fillProgress),
};

export const TaskToken = (actions: ItemAction | ItemAction[]): Statement => ({
  Sid: 'TaskToken',
  why: 'RequestIamUser stores the token of the waiting task; ResumeProvisioning reads and deletes it.',
  Action: actions,
  Resource: table,
  Condition: onlyItems(tokens),
});

export const KeepAnswer: Statement = {
  Sid: 'KeepAnswer',
  why: 'Keeps where CloudFormation waits for an answer. It cannot read that again.',
  Action: 'dynamodb:PutItem',
  Resource: table,
  Condition: onlyItems(answers),
};

export const SendAnswers: Statement = {
  Sid: 'SendAnswers',
  why: 'Reads where CloudFormation waits for an answer, and deletes it once it has been sent.',
  Action: ['dynamodb:GetItem', 'dynamodb:DeleteItem'],
  Resource: table,
  Condition: onlyItems(answers),
};

export const NoteBegun: Statement = {
  Sid: 'NoteBegun',
  why: 'Notes which record a resource of a stack has before CloudFormation knows, and what was deleted before it was begun.',
  Action: ['dynamodb:GetItem', 'dynamodb:PutItem'],
  Resource: table,
  Condition: onlyItems(stacks),
};

export const FindAnswers: Statement = {
  Sid: 'FindAnswers',
  why: 'Finds answers that CloudFormation still waits for.',
  Action: 'dynamodb:Query',
  Resource: statusIndex,
};

export const Notices: Statement = {
  Sid: 'Notices',
  why: 'Records which warnings about the end of the API key were sent, so that each is sent once.',
  Action: ['dynamodb:GetItem', 'dynamodb:PutItem'],
  Resource: table,
  Condition: onlyItems(notices),
};

export const TakeTurn: Statement = {
  Sid: 'TakeTurn',
  why: 'Waits until no other bucket of the integration has its turn, and ends its own.',
  Action: ['dynamodb:UpdateItem', 'dynamodb:DeleteItem'],
  Resource: table,
  Condition: onlyItems(turns),
};

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
