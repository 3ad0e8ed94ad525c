/** What a rehearsal is: a step, what its function is denied, and what must come of it. */
import type { ResourceKey } from '../../src/domain/model/resource-keys.ts';
import type { StepName } from '../../src/domain/model/steps.ts';

export interface Denial {
  /** The step whose function's role gets the denial. */
  readonly role: StepName;
  readonly actions: readonly string[];
  /** On which resource: the rehearsal's own one, if the action has such a resource. */
  readonly on: 'bucket' | 'policy' | 'role' | 'everything';
}

/** What is connected and removed: an integration, or a driver added to a ready one. */
export type Subject = 'integration' | 'driver';

interface Rehearsed {
  readonly step: StepName;
  readonly subject: Subject;
  readonly denials: readonly Denial[];
  /** The function keeps Dataloop's token in memory and must restart to lose it. */
  readonly startsAnew?: true;
  /** The request names a dataset. */
  readonly withDataset?: true;
  /** What people see. */
  readonly shows: string;
}

/** A connection that fails: nothing of it may be left, and its host must be as before. */
export interface ConnectionRehearsal extends Rehearsed {
  readonly of: 'connection';
  /** The step that the integration's error names. */
  readonly failsAt: StepName;
  /** What has certainly been created before the failure, and must have been removed. */
  readonly makes: readonly RehearsedResource[];
}

/** A removal that fails: residue must list what is left, and nothing else may be left. */
export interface RemovalRehearsal extends Rehearsed {
  readonly of: 'removal';
  readonly leaves: readonly RehearsedResource[];
  /** The execution itself fails, and the watchdog restarts it until it gives up. */
  readonly isStartedAgain?: true;
  /** Before an integration is removed, a driver is added to it. */
  readonly withDriver?: true;
}

export type Rehearsal = ConnectionRehearsal | RemovalRehearsal;

/** Everything that is created for one, in reading order. */
export const everythingOf: Readonly<Record<Subject, readonly RehearsedResource[]>> = {
  integration: ['bucket', 'policy', 'role', 'dataloopIntegration', 'driver'],
  driver: ['bucket', 'access', 'driver'],
};

/** Names of resources in the undo's executions, and for people. */
export const shortNames = {
  bucket: 'bucket',
  policy: 'policy',
  access: 'access',
  role: 'role',
  dataloopIntegration: 'integration',
  driver: 'driver',
  dataset: 'dataset',
} as const satisfies Partial<Record<ResourceKey, string>>;

export type RehearsedResource = keyof typeof shortNames;
