/**
 * The saga: each step, what it makes, and what undoes that. Names are those of the states. Whatever needs to know which
 * step makes a resource, or undoes it, derives it from here.
 */
import type { ResourceKey } from './resource-keys.ts';

/** What a record is of. */
export const recordKinds = ['integration', 'added bucket'] as const;
export type RecordKind = (typeof recordKinds)[number];

/**
 * The undo, in the order of its state machine: Dataloop's access ends before anything waits, and before anything is asked
 * of Dataloop. Each step runs even if the one before it failed.
 */
export const deprovisionSteps = [
  'DeleteRole',
  'RevokeAccess',
  'AwaitOpenCalls',
  'DeletePolicy',
  'RemoveDrivers',
  'DeleteDataset',
  'DeleteDriver',
  'DeleteIntegration',
  'DeleteBucket',
  'AwaitUndoCalls',
  'Conclude',
] as const;
export type UndoStepName = (typeof deprovisionSteps)[number];

interface ForwardStep {
  /** Records of these kinds pass through it. */
  readonly of: readonly RecordKind[];
  readonly makes?: ResourceKey;
  readonly undoneBy?: UndoStepName;
}

const integration = ['integration'] as const;
const addedBucket = ['added bucket'] as const;

/** The way to `ready`, in the order of the state machines. */
export const saga = {
  Preflight: { of: recordKinds },
  CreateBucket: { of: recordKinds, makes: 'bucket', undoneBy: 'DeleteBucket' },
  CreatePolicy: { of: integration, makes: 'policy', undoneBy: 'DeletePolicy' },
  RequestIamUser: { of: integration, makes: 'dataloopIntegration', undoneBy: 'DeleteIntegration' },
  CreateRole: { of: integration, makes: 'role', undoneBy: 'DeleteRole' },
  CompleteIntegration: { of: integration },
  GrantAccess: { of: addedBucket, makes: 'access', undoneBy: 'RevokeAccess' },
  TestDriver: { of: recordKinds },
  CreateDriver: { of: recordKinds, makes: 'driver', undoneBy: 'DeleteDriver' },
  VerifyDriver: { of: recordKinds },
  CreateDataset: { of: integration, makes: 'dataset', undoneBy: 'DeleteDataset' },
  SyncDataset: { of: integration },
  Activate: { of: recordKinds },
  RollBack: { of: recordKinds },
} as const satisfies Readonly<Record<string, ForwardStep>>;

export type ForwardStepName = keyof typeof saga;
export type StepName = ForwardStepName | UndoStepName;

/** Steps on the way to ready, of integrations and of added buckets. */
export const forwardSteps = Object.keys(saga) as ForwardStepName[];

const rowOf = (step: ForwardStepName): ForwardStep => saga[step];
const stepsOf = (kind: RecordKind) => forwardSteps.filter((step) => rowOf(step).of.includes(kind));

export const provisionSteps = stepsOf('integration');
export const addDriverSteps = stepsOf('added bucket');

export const stepNames: readonly StepName[] = [...forwardSteps, ...deprovisionSteps];

/** What steps make. */
type Made = Extract<(typeof saga)[ForwardStepName], { makes: string }>['makes'];

const made = forwardSteps.flatMap((step) => {
  const { makes, undoneBy, of } = rowOf(step);
  return makes && undoneBy ? [{ makes, undoneBy, of, step }] : [];
});

/** The step that makes each resource. */
export const madeBy = Object.fromEntries(made.map(({ makes, step }) => [makes, step])) as Readonly<
  Record<Made, ForwardStepName>
>;

/** The step that undoes each resource. */
export const undoneBy = Object.fromEntries(made.map((row) => [row.makes, row.undoneBy])) as Readonly<
  Record<Made, UndoStepName>
>;

/** The resource without which Dataloop has no access: the undo begins with it. */
export const accessOf = { integration: 'role', 'added bucket': 'access' } as const satisfies Readonly<
  Record<RecordKind, Made>
>;

/** Whether a record of this kind has such a resource of its own making. */
export const isMadeFor = (kind: RecordKind, resource: ResourceKey): boolean =>
  made.some(({ makes, of }) => makes === resource && of.includes(kind));
