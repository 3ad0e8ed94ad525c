/**
 * How each step is broken once: a denial on the role of its function, chosen so that the step has done as much as it can
 * when it fails. The deployed code does not take part.
 */
import type { StepName } from '../../src/domain/model/steps.ts';
import {
  type Denial,
  everythingOf,
  type Rehearsal,
  type RehearsedResource,
  type Subject,
} from './rehearsal.ts';

const everything = everythingOf.integration;
const allButTheDriver = everything.filter((key) => key !== 'driver');
const bucketAndAccess: readonly RehearsedResource[] = ['bucket', 'access'];

const withoutSecret = (role: StepName): Denial[] => [
  { role, actions: ['secretsmanager:GetSecretValue'], on: 'everything' },
];
const withoutJournal = (role: StepName): Denial[] => [
  { role, actions: ['dynamodb:UpdateItem'], on: 'everything' },
];

/** Without the subject, which is the same for a whole list. */
type Row<R = Rehearsal> = R extends Rehearsal ? Omit<R, 'subject'> : never;

/** Once everything is gone. */
const endOfUndo: readonly Row[] = [
  {
    step: 'AwaitUndoCalls',
    of: 'removal',
    denials: withoutJournal('AwaitUndoCalls'),
    leaves: [],
    isStartedAgain: true,
    shows: 'everything is gone, but the undo cannot confirm it: the watchdog closes it',
  },
  {
    step: 'Conclude',
    of: 'removal',
    denials: withoutJournal('Conclude'),
    leaves: [],
    isStartedAgain: true,
    shows: 'everything is gone, but the undo cannot record it: the watchdog does',
  },
];

const ofIntegrations: readonly Row[] = [
  {
    step: 'Preflight',
    of: 'connection',
    denials: [{ role: 'Preflight', actions: ['iam:GetPolicy'], on: 'everything' }],
    failsAt: 'Preflight',
    makes: [],
    shows: 'the check before the first write is refused: nothing is created',
  },
  {
    step: 'CreateBucket',
    of: 'connection',
    denials: [{ role: 'CreateBucket', actions: ['s3:PutBucketCORS'], on: 'bucket' }],
    failsAt: 'CreateBucket',
    makes: ['bucket'],
    shows: 'the bucket exists, but its last setting is refused',
  },
  {
    step: 'CreatePolicy',
    of: 'connection',
    denials: [{ role: 'CreatePolicy', actions: ['iam:CreatePolicy'], on: 'policy' }],
    failsAt: 'CreatePolicy',
    makes: [],
    shows: 'the policy is refused while bucket and integration are created in parallel',
  },
  {
    step: 'RequestIamUser',
    of: 'connection',
    denials: [{ role: 'RequestIamUser', actions: ['sqs:SendMessage', 'events:PutEvents'], on: 'everything' }],
    failsAt: 'RequestIamUser',
    makes: ['dataloopIntegration'],
    shows: 'the integration exists at Dataloop, but its IAM user cannot be announced',
  },
  {
    step: 'CreateRole',
    of: 'connection',
    denials: [{ role: 'CreateRole', actions: ['iam:AttachRolePolicy'], on: 'role' }],
    failsAt: 'CreateRole',
    makes: allButTheDriver,
    shows: 'the role exists and trusts Dataloop, but its policy cannot be attached',
  },
  {
    step: 'CompleteIntegration',
    of: 'connection',
    denials: withoutSecret('CompleteIntegration'),
    startsAnew: true,
    failsAt: 'CompleteIntegration',
    makes: allButTheDriver,
    shows: "the role exists, but Dataloop's credentials cannot be read",
  },
  {
    step: 'TestDriver',
    of: 'connection',
    denials: withoutSecret('TestDriver'),
    startsAnew: true,
    failsAt: 'TestDriver',
    makes: allButTheDriver,
    shows: "trust is established, but Dataloop's credentials cannot be read",
  },
  {
    step: 'CreateDriver',
    of: 'connection',
    denials: withoutSecret('CreateDriver'),
    startsAnew: true,
    failsAt: 'CreateDriver',
    makes: allButTheDriver,
    shows: "the test has passed, but Dataloop's credentials cannot be read",
  },
  {
    step: 'VerifyDriver',
    of: 'connection',
    denials: withoutSecret('VerifyDriver'),
    startsAnew: true,
    failsAt: 'VerifyDriver',
    makes: everything,
    shows: "the driver is in the project, but Dataloop's credentials cannot be read",
  },
  {
    step: 'CreateDataset',
    of: 'connection',
    denials: withoutSecret('CreateDataset'),
    startsAnew: true,
    withDataset: true,
    failsAt: 'CreateDataset',
    makes: everything,
    shows: "the driver is tested, but Dataloop's credentials cannot be read",
  },
  {
    step: 'Activate',
    of: 'connection',
    denials: withoutJournal('Activate'),
    failsAt: 'Activate',
    makes: everything,
    shows: 'everything works, but the journal cannot be updated',
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
    step: 'DeleteRole',
    of: 'removal',
    denials: [{ role: 'DeleteRole', actions: ['iam:DeleteRole'], on: 'role' }],
    leaves: ['bucket', 'role'],
    shows: 'the role cannot be deleted, but has lost its policy; its bucket is kept, everything else goes',
  },
  {
    step: 'AwaitOpenCalls',
    of: 'removal',
    denials: withoutJournal('AwaitOpenCalls'),
    leaves: everything.filter((key) => key !== 'role'),
    isStartedAgain: true,
    shows: 'access ends, then the undo cannot go on: the watchdog restarts it, gives up, and lists the rest',
  },
  {
    step: 'DeletePolicy',
    of: 'removal',
    denials: [{ role: 'DeletePolicy', actions: ['iam:DeletePolicy'], on: 'policy' }],
    leaves: ['bucket', 'policy'],
    shows: 'the policy cannot be deleted; the bucket that it names is kept, everything else goes',
  },
  {
    step: 'RemoveDrivers',
    of: 'removal',
    denials: [{ role: 'RemoveDrivers', actions: ['states:StartExecution'], on: 'everything' }],
    withDriver: true,
    leaves: ['driver'],
    shows: 'the undo of an added driver cannot start: the driver stays; everything else goes',
  },
  {
    step: 'DeleteDataset',
    of: 'removal',
    denials: withoutSecret('DeleteDataset'),
    startsAnew: true,
    withDataset: true,
    leaves: ['driver', 'dataset'],
    shows: 'the dataset cannot be deleted, so Dataloop keeps its driver; everything else goes',
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
    step: 'DeleteBucket',
    of: 'removal',
    denials: [{ role: 'DeleteBucket', actions: ['s3:DeleteBucket'], on: 'bucket' }],
    leaves: ['bucket'],
    shows: 'the bucket cannot be deleted; everything else goes',
  },
  ...endOfUndo,
];

/**
 * Includes the steps that an integration has, too: for a driver they work on another integration, on shared resources,
 * of which they may undo only their own part. From GrantAccess on, access has to be revoked after each step.
 */
const ofDrivers: readonly Row[] = [
  {
    step: 'Preflight',
    of: 'connection',
    denials: withoutSecret('Preflight'),
    startsAnew: true,
    failsAt: 'Preflight',
    makes: [],
    shows: 'the check before the first write is refused: nothing is created',
  },
  {
    step: 'CreateBucket',
    of: 'connection',
    denials: [{ role: 'CreateBucket', actions: ['s3:PutBucketCORS'], on: 'bucket' }],
    failsAt: 'CreateBucket',
    makes: ['bucket'],
    shows: 'the bucket exists, but its last setting is refused',
  },
  {
    step: 'GrantAccess',
    of: 'connection',
    denials: [{ role: 'GrantAccess', actions: ['iam:CreatePolicyVersion'], on: 'policy' }],
    failsAt: 'GrantAccess',
    makes: bucketAndAccess,
    shows: 'the journal announces the access, but the policy cannot be written',
  },
  {
    step: 'TestDriver',
    of: 'connection',
    denials: withoutSecret('TestDriver'),
    startsAnew: true,
    failsAt: 'TestDriver',
    makes: bucketAndAccess,
    shows: "access is granted, but Dataloop's credentials cannot be read",
  },
  {
    step: 'CreateDriver',
    of: 'connection',
    denials: withoutSecret('CreateDriver'),
    startsAnew: true,
    failsAt: 'CreateDriver',
    makes: bucketAndAccess,
    shows: "the test has passed, but Dataloop's credentials cannot be read",
  },
  {
    step: 'VerifyDriver',
    of: 'connection',
    denials: withoutSecret('VerifyDriver'),
    startsAnew: true,
    failsAt: 'VerifyDriver',
    makes: everythingOf.driver,
    shows: "the driver is in the project, but Dataloop's credentials cannot be read",
  },
  {
    step: 'Activate',
    of: 'connection',
    denials: withoutJournal('Activate'),
    failsAt: 'Activate',
    makes: everythingOf.driver,
    shows: 'everything works, but the journal cannot be updated',
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
    step: 'RevokeAccess',
    of: 'removal',
    denials: [{ role: 'RevokeAccess', actions: ['iam:CreatePolicyVersion'], on: 'policy' }],
    leaves: ['bucket', 'access'],
    shows: 'the policy cannot be written, so access stays, and the bucket with it; the driver goes',
  },
  {
    step: 'AwaitOpenCalls',
    of: 'removal',
    denials: withoutJournal('AwaitOpenCalls'),
    leaves: everythingOf.driver.filter((key) => key !== 'access'),
    isStartedAgain: true,
    shows: 'access ends, then the undo cannot go on: the watchdog restarts it, gives up, and lists the rest',
  },
  {
    step: 'DeleteDriver',
    of: 'removal',
    denials: withoutSecret('DeleteDriver'),
    startsAnew: true,
    leaves: ['driver'],
    shows: 'the driver cannot be deleted; access ends, and the bucket goes anyway',
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
