/** What a step's domain function is given: the plan, what the journal knows, and how to write to it. */
import type {
  IntegrationRecord,
  ResourceKey,
  ResourceRecord,
  Status,
  StepCall,
  StepJournal,
} from './journal.ts';
import type { Plan } from './plan.ts';

export interface StepContext {
  readonly call: StepCall;
  readonly record: IntegrationRecord;
  readonly plan: Plan;
  /** What the journal says of a resource, this step's own writes included. */
  resource(key: ResourceKey): ResourceRecord | undefined;
  /** Journals that a resource is about to be created; from here on the undo looks for it. */
  intend(key: ResourceKey, resource: Omit<ResourceRecord, 'state'>): Promise<void>;
  /** Journals that a resource exists by our doing. */
  created(key: ResourceKey, resource: Omit<ResourceRecord, 'state'>): Promise<void>;
  /** Journals that nothing of a resource is left. */
  gone(key: ResourceKey): Promise<void>;
  /** Journals that a resource could not be removed, and what to do about it. */
  residue(key: ResourceKey, residue: { reason: string; advice: string }): Promise<void>;
}

export function stepContext(
  call: StepCall,
  record: IntegrationRecord,
  plan: Plan,
  during: readonly Status[],
  journal: Pick<StepJournal, 'writeResource'>,
): StepContext {
  const resources = { ...record.resources };
  const write = async (key: ResourceKey, resource: ResourceRecord) => {
    await journal.writeResource(record.integrationId, key, resource, during);
    resources[key] = resource;
  };
  return {
    call,
    record,
    plan,
    resource: (key) => resources[key],
    // A resource that is already known as created stays so: a repeated attempt must not forget its id.
    intend: async (key, resource) => {
      if (resources[key]?.state !== 'created') await write(key, { ...resource, state: 'intended' });
    },
    created: (key, resource) => write(key, { ...resource, state: 'created' }),
    gone: async (key) => {
      const known = resources[key];
      if (!known || known.state === 'gone') return;
      const { residue: _settled, ...rest } = known;
      await write(key, { ...rest, state: 'gone' });
    },
    residue: async (key, residue) => {
      const known = resources[key];
      if (known) await write(key, { ...known, residue });
    },
  };
}
