/** What a step's domain function gets: the desired state, what the journal knows, and how to write to it. */
import { ServiceError } from '../../errors.ts';
import type { DesiredState } from '../model/desired-state.ts';
import {
  bounded,
  type JournalRecord,
  type ResourceRecord,
  type Status,
  type StepCall,
  type StepJournal,
} from '../model/record.ts';
import type { ResourceKey } from '../model/resource-keys.ts';

export interface StepContext {
  readonly call: StepCall;
  readonly record: JournalRecord;
  readonly desired: DesiredState;
  /** What the journal says of a resource, this step's own writes included. */
  resource(key: ResourceKey): ResourceRecord | undefined;
  /** Journals that a resource is about to be created; from here on the undo looks for it. */
  intend(key: ResourceKey, resource: Omit<ResourceRecord, 'state'>): Promise<void>;
  /** Journals that a resource exists by our doing. */
  created(key: ResourceKey, resource: Omit<ResourceRecord, 'state'>): Promise<void>;
  /**
   * Journals that nothing of a resource is left.
   * @param leftAlone why the resource under its name is not ours
   */
  gone(key: ResourceKey, leftAlone?: string): Promise<void>;
  /** Journals that a resource belongs to its owner alone from now on. @param how it was given away */
  released(key: ResourceKey, how: string): Promise<void>;
  /** Journals one more not-found read of a resource. @returns how many there were */
  notSeen(key: ResourceKey): Promise<number>;
  /** Journals one more refusal of a call on a resource, perhaps by a late view. @returns how many there were */
  refused(key: ResourceKey): Promise<number>;
  /** Journals that a resource could not be removed, and what to do about it. */
  residue(key: ResourceKey, residue: { reason: string; advice: string }): Promise<void>;
}

/** A resource exists, or was changed, too recently for AWS to show it. */
export function notYetShown(what: string): ServiceError {
  return new ServiceError('AwsNotYetConsistentError', `AWS does not show ${what} yet.`);
}

export function stepContext(
  call: StepCall,
  record: JournalRecord,
  desired: DesiredState,
  during: readonly Status[],
  journal: Pick<StepJournal, 'writeResource'>,
): StepContext {
  const resources = { ...record.resources };
  // A further attempt goes on counting.
  const kept = (key: ResourceKey) => {
    const { refusals } = resources[key] ?? {};
    return refusals ? { refusals } : {};
  };
  const write = async (key: ResourceKey, written: ResourceRecord) => {
    const resource = bounded(written);
    await journal.writeResource(call, key, resource, during);
    resources[key] = resource;
  };
  return {
    call,
    record,
    desired,
    resource: (key) => resources[key],
    // A resource that is already known as created stays so: a repeated attempt must not forget its id.
    intend: async (key, resource) => {
      if (resources[key]?.state !== 'created')
        await write(key, { ...resource, ...kept(key), state: 'intended' });
    },
    created: (key, resource) => write(key, { ...resource, ...kept(key), state: 'created' }),
    gone: async (key, leftAlone) => {
      const known = resources[key];
      if (!known || known.state === 'gone') return;
      const { residue: _settled, absentLooks: _counted, refusals: _passed, ...rest } = known;
      await write(key, { ...rest, state: 'gone', ...(leftAlone === undefined ? {} : { leftAlone }) });
    },
    released: async (key, how) => {
      const known = resources[key];
      if (!known) return;
      const { residue: _settled, absentLooks: _counted, ...rest } = known;
      await write(key, { ...rest, state: 'gone', released: how });
    },
    notSeen: async (key) => {
      const known = resources[key];
      const absentLooks = (known?.absentLooks ?? 0) + 1;
      if (known) await write(key, { ...known, absentLooks });
      return absentLooks;
    },
    refused: async (key) => {
      const known = resources[key];
      // Those of an earlier step are over.
      const isCounted = (known?.refusals?.since ?? 0) >= Date.parse(call.startedAt);
      const { since, count } = (isCounted && known?.refusals) || { since: call.begunAt, count: 0 };
      const refusals = { since, count: count + 1 };
      if (known) await write(key, { ...known, refusals });
      return refusals.count;
    },
    residue: async (key, residue) => {
      const known = resources[key];
      if (known) await write(key, { ...known, residue });
    },
  };
}
