/**
 * How each step is failed once: a denial on the role of its function, chosen so that the step has done as much as
 * it can when it fails. Nothing in the deployed code takes part in it.
 */
import type { ResourceKey } from '../../src/domain/model/record.ts';
import type { StepName } from '../../src/domain/model/steps.ts';

export interface Denial {
  /** The step whose function's role is denied something. */
  readonly role: StepName;
  readonly actions: readonly string[];
  /** On what: the one that the rehearsal itself makes, where the action has such a resource. */
  readonly on: 'bucket' | 'policy' | 'role' | 'everything';
}

/** What is connected and removed: an integration, or a driver that is added to one that is ready. */
export type Subject = 'integration' | 'driver';

interface Rehearsed {
  readonly step: StepName;
  readonly subject: Subject;
  readonly denials: readonly Denial[];
  /** The function keeps Dataloop's token in memory, so it must start anew to be without one. */
  readonly startsAnew?: true;
  /** What is to be seen, for people. */
  readonly shows: string;
}

/** A connection that fails: nothing of it may be left, and what it was added to is as before. */
export interface ConnectionRehearsal extends Rehearsed {
  readonly of: 'connection';
  /** The step that the integration's error names. */
  readonly failsAt: StepName;
  /** What has certainly been made by then, and so must have been removed. */
  readonly makes: readonly RehearsedResource[];
}

/** A removal that fails: what is left must be named, and nothing else may be left. */
export interface RemovalRehearsal extends Rehearsed {
  readonly of: 'removal';
  readonly leaves: readonly RehearsedResource[];
  /** The execution itself fails, and the watchdog starts it again until it gives up. */
  readonly isStartedAgain?: true;
  /** Before an integration is removed, a driver is added to it. */
  readonly withDriver?: true;
}

export type Rehearsal = ConnectionRehearsal | RemovalRehearsal;

/** Everything that is made for one, in the order in which people read it. */
export const everythingOf: Readonly<Record<Subject, readonly RehearsedResource[]>> = {
  integration: ['bucket', 'policy', 'role', 'dataloopIntegration', 'driver'],
  driver: ['bucket', 'access', 'driver'],
};
const everything = everythingOf.integration;
const allButTheDriver = everything.filter((key) => key !== 'driver');
const bucketAndAccess: readonly RehearsedResource[] = ['bucket', 'access'];

const withoutSecret = (role: StepName): Denial[] => [
  { role, actions: ['secretsmanager:GetSecretValue'], on: 'everything' },
];
const withoutJournal = (role: StepName): Denial[] => [
  { role, actions: ['dynamodb:UpdateItem'], on: 'everything' },
];

/** Written without the subject, which is the same for all of a list. */
type Row<R = Rehearsal> = R extends Rehearsal ? Omit<R, 'subject'> : never;

/** Once everything is gone. */
const endOfUndo: readonly Row[] = [
  {
    step: 'AwaitUndoCalls',
    of: 'removal',
    denials: withoutJournal('AwaitUndoCalls'),
    leaves: [],
    isStartedAgain: true,
    shows: 'everything is gone, and the undo cannot make sure of it: the watchdog ends it',
  },
  {
    step: 'Conclude',
    of: 'removal',
    denials: withoutJournal('Conclude'),
    leaves: [],
    isStartedAgain: true,
    shows: 'everything is gone, and the undo cannot say so: the watchdog says it',
  },
];

const ofIntegrations: readonly Row[] = [
  {
    step: 'Preflight',
    of: 'connection',
    denials: [{ role: 'Preflight', actions: ['iam:GetPolicy'], on: 'everything' }],
    failsAt: 'Preflight',
    makes: [],
    shows: 'the last look before the first write is refused: nothing is made',
  },
  {
    step: 'CreateBucket',
    of: 'connection',
    denials: [{ role: 'CreateBucket', actions: ['s3:PutBucketCORS'], on: 'bucket' }],
    failsAt: 'CreateBucket',
    makes: ['bucket'],
    shows: 'the bucket exists, and its last setting is refused',
  },
  {
    step: 'CreatePolicy',
    of: 'connection',
    denials: [{ role: 'CreatePolicy', actions: ['iam:CreatePolicy'], on: 'policy' }],
    failsAt: 'CreatePolicy',
    makes: [],
    shows: 'the policy is refused while bucket and integration are being made beside it',
  },
  {
    step: 'RequestIamUser',
    of: 'connection',
    denials: [{ role: 'RequestIamUser', actions: ['sqs:SendMessage', 'events:PutEvents'], on: 'everything' }],
    failsAt: 'RequestIamUser',
    makes: ['dataloopIntegration'],
    shows: 'the integration exists at Dataloop, and nobody can be told of its IAM user',
  },
  {
    step: 'CreateRole',
    of: 'connection',
    denials: [{ role: 'CreateRole', actions: ['iam:AttachRolePolicy'], on: 'role' }],
    failsAt: 'CreateRole',
    makes: allButTheDriver,
    shows: 'the role exists and trusts Dataloop, and its policy cannot be attached',
  },
  {
    step: 'CompleteIntegration',
    of: 'connection',
    denials: withoutSecret('CompleteIntegration'),
    startsAnew: true,
    failsAt: 'CompleteIntegration',
    makes: allButTheDriver,
    shows: "the role is there, and Dataloop's credentials cannot be read",
  },
  {
    step: 'TestDriver',
    of: 'connection',
    denials: withoutSecret('TestDriver'),
    startsAnew: true,
    failsAt: 'TestDriver',
    makes: allButTheDriver,
    shows: "trust is established, and Dataloop's credentials cannot be read",
  },
  {
    step: 'CreateDriver',
    of: 'connection',
    denials: withoutSecret('CreateDriver'),
    startsAnew: true,
    failsAt: 'CreateDriver',
    makes: allButTheDriver,
    shows: "the test has passed, and Dataloop's credentials cannot be read",
  },
  {
    step: 'VerifyDriver',
    of: 'connection',
    denials: withoutSecret('VerifyDriver'),
    startsAnew: true,
    failsAt: 'VerifyDriver',
    makes: everything,
    shows: "the driver is in the project, and Dataloop's credentials cannot be read",
  },
  {
    step: 'Activate',
    of: 'connection',
    denials: withoutJournal('Activate'),
    failsAt: 'Activate',
    makes: everything,
    shows: 'everything works, and the journal cannot be told so',
  },
  {
    step: 'RollBack',
    of: 'connection',
    denials: [
      { role: 'CreateRole', actions: ['iam:AttachRolePolicy'], on: 'role' },
      { role: 'RollBack', actions: ['states:StartExecution'], on: 'everything' },
    ],
    failsAt: 'CreateRole',
    makes: allButTheDriver,
    shows: 'CreateRole fails and RollBack cannot start the undo: the watchdog starts it',
  },
  {
    step: 'AwaitOpenCalls',
    of: 'removal',
    denials: withoutJournal('AwaitOpenCalls'),
    leaves: everything,
    isStartedAgain: true,
    shows: 'the undo cannot even begin: the watchdog starts it again, gives up, and names all that stands',
  },
  {
    step: 'RemoveDrivers',
    of: 'removal',
    denials: [{ role: 'RemoveDrivers', actions: ['states:StartExecution'], on: 'everything' }],
    withDriver: true,
    leaves: ['driver'],
    shows:
      'the undo of a driver that was added cannot be started: the driver stays, and everything else goes',
  },
  {
    step: 'DeleteDriver',
    of: 'removal',
    denials: withoutSecret('DeleteDriver'),
    startsAnew: true,
    leaves: ['driver'],
    shows: 'the driver cannot be deleted; everything else goes',
  },
  {
    step: 'DeleteIntegration',
    of: 'removal',
    denials: withoutSecret('DeleteIntegration'),
    startsAnew: true,
    leaves: ['dataloopIntegration'],
    shows: "Dataloop's integration cannot be deleted; everything else goes",
  },
  {
    step: 'DeleteRole',
    of: 'removal',
    denials: [{ role: 'DeleteRole', actions: ['iam:DeleteRole'], on: 'role' }],
    leaves: ['role'],
    shows: 'the role cannot be deleted, but has lost its policy; everything else goes',
  },
  {
    step: 'DeletePolicy',
    of: 'removal',
    denials: [{ role: 'DeletePolicy', actions: ['iam:DeletePolicy'], on: 'policy' }],
    leaves: ['policy'],
    shows: 'the policy cannot be deleted; everything else goes',
  },
  {
    step: 'DeleteBucket',
    of: 'removal',
    denials: [{ role: 'DeleteBucket', actions: ['s3:DeleteBucket'], on: 'bucket' }],
    leaves: ['bucket'],
    shows: 'the bucket cannot be deleted; everything else goes',
  },
  ...endOfUndo,
];

/**
 * Also the steps that an integration has: for a driver they are told of another integration, meet what others use as
 * well, and may take back just their part of it. From GrantAccess on, each is one more place to take access back from.
 */
const ofDrivers: readonly Row[] = [
  {
    step: 'Preflight',
    of: 'connection',
    denials: withoutSecret('Preflight'),
    startsAnew: true,
    failsAt: 'Preflight',
    makes: [],
    shows: 'the last look before the first write is refused: nothing is made',
  },
  {
    step: 'CreateBucket',
    of: 'connection',
    denials: [{ role: 'CreateBucket', actions: ['s3:PutBucketCORS'], on: 'bucket' }],
    failsAt: 'CreateBucket',
    makes: ['bucket'],
    shows: 'the bucket exists, and its last setting is refused',
  },
  {
    step: 'GrantAccess',
    of: 'connection',
    denials: [{ role: 'GrantAccess', actions: ['iam:CreatePolicyVersion'], on: 'policy' }],
    failsAt: 'GrantAccess',
    makes: bucketAndAccess,
    shows: 'the journal says what is about to be granted, and the policy cannot be written',
  },
  {
    step: 'TestDriver',
    of: 'connection',
    denials: withoutSecret('TestDriver'),
    startsAnew: true,
    failsAt: 'TestDriver',
    makes: bucketAndAccess,
    shows: "access is granted, and Dataloop's credentials cannot be read",
  },
  {
    step: 'CreateDriver',
    of: 'connection',
    denials: withoutSecret('CreateDriver'),
    startsAnew: true,
    failsAt: 'CreateDriver',
    makes: bucketAndAccess,
    shows: "the test has passed, and Dataloop's credentials cannot be read",
  },
  {
    step: 'VerifyDriver',
    of: 'connection',
    denials: withoutSecret('VerifyDriver'),
    startsAnew: true,
    failsAt: 'VerifyDriver',
    makes: everythingOf.driver,
    shows: "the driver is in the project, and Dataloop's credentials cannot be read",
  },
  {
    step: 'Activate',
    of: 'connection',
    denials: withoutJournal('Activate'),
    failsAt: 'Activate',
    makes: everythingOf.driver,
    shows: 'everything works, and the journal cannot be told so',
  },
  {
    step: 'RollBack',
    of: 'connection',
    denials: [
      ...withoutJournal('Activate'),
      { role: 'RollBack', actions: ['states:StartExecution'], on: 'everything' },
    ],
    failsAt: 'Activate',
    makes: everythingOf.driver,
    shows: 'Activate fails and RollBack cannot start the undo: the watchdog starts it',
  },
  {
    step: 'AwaitOpenCalls',
    of: 'removal',
    denials: withoutJournal('AwaitOpenCalls'),
    leaves: everythingOf.driver,
    isStartedAgain: true,
    shows: 'the undo cannot even begin: the watchdog starts it again, gives up, and names all that stands',
  },
  {
    step: 'DeleteDriver',
    of: 'removal',
    denials: withoutSecret('DeleteDriver'),
    startsAnew: true,
    leaves: ['driver'],
    shows: 'the driver cannot be deleted; access ends and the bucket goes all the same',
  },
  {
    step: 'RevokeAccess',
    of: 'removal',
    denials: [{ role: 'RevokeAccess', actions: ['iam:CreatePolicyVersion'], on: 'policy' }],
    leaves: ['access'],
    shows: 'the policy cannot be written, so access stays; driver and bucket go',
  },
  {
    step: 'DeleteBucket',
    of: 'removal',
    denials: [{ role: 'DeleteBucket', actions: ['s3:DeleteBucket'], on: 'bucket' }],
    leaves: ['bucket'],
    shows: 'the bucket cannot be deleted; the driver is gone, and access has ended',
  },
  ...endOfUndo,
];

const rowsOf = (subject: Subject, rows: readonly Row[]): Rehearsal[] =>
  rows.map((row) => ({ ...row, subject }));

export const rehearsals: readonly Rehearsal[] = [
  ...rowsOf('integration', ofIntegrations),
  ...rowsOf('driver', ofDrivers),
];

/** What a resource is called in the undo's executions and to people. */
export const shortNames = {
  bucket: 'bucket',
  policy: 'policy',
  access: 'access',
  role: 'role',
  dataloopIntegration: 'integration',
  driver: 'driver',
} as const satisfies Partial<Record<ResourceKey, string>>;

export type RehearsedResource = keyof typeof shortNames;
