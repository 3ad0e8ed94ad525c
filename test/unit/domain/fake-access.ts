/** An integration with added drivers, its side of the journal with the lock, and an IAM that keeps versions. */
import { createHash } from 'node:crypto';
import {
  type DesiredState,
  desiredState,
  policyOf,
  roughGrantsOf,
} from '../../../src/domain/model/desired-state.ts';
import { permissionPolicy } from '../../../src/domain/model/permission-policy.ts';
import type { AddedBucket, JournalRecord, Status, StepCall } from '../../../src/domain/model/record.ts';
import type { PolicyKey } from '../../../src/domain/model/resource-keys.ts';
import { grantAccess } from '../../../src/domain/resources/role/grant-access.ts';
import type { Iam, PolicyVersion } from '../../../src/domain/resources/role/iam.ts';
import { revokeAccess } from '../../../src/domain/resources/role/revoke-access.ts';
import { type AccessJournal, hash as hashOf } from '../../../src/domain/resources/role/shared-policies.ts';
import { ServiceError } from '../../../src/errors.ts';
import {
  account,
  integrationId,
  journalOf,
  ours,
  type Passage,
  recordOf,
  requestOf,
  type Tags,
} from './fakes.ts';

export const parent = { integrationId, dataloopIntegrationId: 'dataloop-1' };
export const driverIdOf = (index: number) => `drv_${String(index).padStart(26, '0')}`;

export const addedTo = (
  name: string,
  more: Partial<AddedBucket['bucket']> & Pick<Partial<AddedBucket>, 'placedIn'> = {},
): AddedBucket => {
  const { placedIn, ...bucket } = more;
  return {
    bucket: { name, ...bucket },
    dataloop: { projectId: 'project-1', driverName: name, allowDelete: true },
    ...(placedIn ? { placedIn } : {}),
  };
};

/** A driver with a folder so long that a policy has room for three of them and nothing else. */
export const longTo = (name: string, placedIn?: PolicyKey): AddedBucket =>
  addedTo(name, { prefix: `${name.padEnd(511, 'p')}/`, ...(placedIn ? { placedIn } : {}) });

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
export const planOf = (record: JournalRecord): DesiredState =>
  desiredState(record.id, record.request, account);

/** Buckets in the order of their ids, as the service writes them. */
const without = ({ addedBuckets = {} }: JournalRecord, but?: string) => ({
  addedBuckets: Object.fromEntries(
    Object.entries(addedBuckets)
      .filter(([id]) => id !== but)
      .sort(([one], [other]) => (one < other ? -1 : 1)),
  ),
});

/** The record of a driver that is being added to the integration. */
export const driverRecord = (id: string, added: AddedBucket, more: Partial<JournalRecord> = {}) =>
  recordOf({
    id: id,
    parent,
    request: requestOf({
      bucket: added.bucket,
      dataloop: {
        projectId: added.dataloop.projectId,
        driverName: added.dataloop.driverName,
        allowDelete: added.dataloop.allowDelete,
      },
    }),
    ...more,
  });

/** What the workflow of an added bucket has made once it has access. */
export const withAccess = ({ bucket }: Pick<AddedBucket, 'bucket'>) =>
  ({
    bucket: { state: 'created', arn: `arn:aws:s3:::${bucket.name}` },
    access: { state: 'created', arn: 'arn:policy', origin: 'adopted' },
  }) as const satisfies JournalRecord['resources'];

/** Each added bucket's own record, which says the same as the integration's. */
export const recordsOf = ({ addedBuckets = {} }: JournalRecord, ids: readonly string[]): JournalRecord[] =>
  ids.flatMap((id) => {
    const added = addedBuckets[id];
    return added ? [driverRecord(id, added, { resources: withAccess(added) })] : [];
  });

interface StandingPolicy {
  readonly uniqueId: string;
  readonly tags: Tags;
  readonly documents: readonly unknown[];
}

/** The calls of IAM that GrantAccess and RevokeAccess make. */
type AccessCall =
  | 'getRole'
  | 'listAttachedRolePolicies'
  | 'getDefaultPolicyVersion'
  | 'createPolicy'
  | 'createPolicyVersion'
  | 'attachRolePolicy'
  | 'detachRolePolicy'
  | 'deletePolicy';

interface Setting {
  readonly drivers: Readonly<Record<string, AddedBucket>>;
  readonly resources?: JournalRecord['resources'];
  readonly status?: Status;
  readonly passage?: Passage;
}

const own: JournalRecord['resources'] = {
  bucket: { state: 'created', arn: planOf(recordOf()).bucket.arn },
  policy: { state: 'created', arn: 'set below', uniqueId: 'ANPA0' },
  role: { state: 'created', arn: planOf(recordOf()).role.arn, uniqueId: 'AROA0' },
  dataloopIntegration: { state: 'created', id: parent.dataloopIntegrationId },
};

/**
 * An integration that is ready, with the policies that its journal names standing as they should.
 * @returns the world, and steps of its drivers
 */
export function accessWorld({
  drivers,
  resources = {},
  status = 'ready',
  passage = (call) => call(),
}: Setting) {
  const events: string[] = [];
  let integration = recordOf({ status, addedBuckets: drivers, resources: { ...own, ...resources } });
  const plan = planOf(integration);
  let holder: string | undefined;
  let made = 0;
  let clock = 0;
  const policies = new Map<string, StandingPolicy>();
  const attached = new Set<string>();
  let roleId: string | undefined = 'AROA0';
  let roleTags: Tags = ours;
  const shownFirst: (PolicyVersion | undefined)[] = [];
  const arnOf = (key: PolicyKey) => policyOf(plan, key).arn;
  const documentOf = (key: PolicyKey, but?: string) =>
    permissionPolicy(roughGrantsOf(without(integration, but), plan, key));
  const hash = (document: unknown) => sha256(JSON.stringify(document));

  const keys: PolicyKey[] = ['policy', 'policy2', 'policy3'];
  for (const key of keys) {
    const known = integration.resources[key];
    if (!known || known.state === 'gone') continue;
    policies.set(arnOf(key), {
      uniqueId: known.uniqueId ?? '',
      tags: ours,
      documents: [documentOf(key)],
    });
    attached.add(arnOf(key));
  }
  const { policy: first } = integration.resources;
  if (first && !first.written) {
    // As CreatePolicy journals it.
    const written = [hashOf(documentOf('policy'))];
    integration = { ...integration, resources: { ...integration.resources, policy: { ...first, written } } };
  }

  const nameOf = (arn: string) => keys.find((key) => arnOf(key) === arn) ?? arn;
  const held = (call: StepCall) => {
    if (holder !== call.callId) throw new ServiceError('AccessLockedError', 'The lock is not held.');
  };
  const journal: AccessJournal = {
    lock: (id, call, during) =>
      passage(async () => {
        if (id !== integrationId || !during.includes(integration.status)) {
          throw new ServiceError('IntegrationMovedOnError', 'It has moved on.');
        }
        if (holder !== undefined && holder !== call.callId) {
          throw new ServiceError('AccessLockedError', 'Another call holds the lock.');
        }
        holder = call.callId;
        events.push('lock');
        return integration;
      }),
    unlock: (_id, call) =>
      passage(async () => {
        if (holder === call.callId) holder = undefined;
        events.push('unlock');
      }),
    place: (_id, call, driverId, policy) =>
      passage(async () => {
        held(call);
        const { placedIn: _before, ...driver } =
          integration.addedBuckets?.[driverId] ?? addedTo('dataloop-missing');
        events.push(`place in ${policy ?? 'none'}`);
        integration = {
          ...integration,
          addedBuckets: {
            ...integration.addedBuckets,
            [driverId]: policy ? { ...driver, placedIn: policy } : driver,
          },
        };
        return integration;
      }),
    writePolicy: (_id, call, key, policy) =>
      passage(async () => {
        held(call);
        if (integration.status !== 'ready' && integration.resources[key]?.state === 'gone') {
          throw new ServiceError('AccessLockedError', 'The policy is gone.');
        }
        events.push(`journal ${key} ${policy.state}`);
        integration = { ...integration, resources: { ...integration.resources, [key]: policy } };
        return integration;
      }),
  };

  const iam: Pick<Iam, AccessCall> = {
    getDefaultPolicyVersion: (arn) =>
      passage(async () => {
        if (shownFirst.length > 0) return shownFirst.shift();
        const found = policies.get(arn);
        return (
          found && {
            uniqueId: found.uniqueId,
            tags: found.tags,
            versionId: `v${found.documents.length}`,
            document: found.documents.at(-1),
          }
        );
      }),
    getRole: () =>
      passage(async () =>
        roleId === undefined
          ? undefined
          : {
              arn: plan.role.arn,
              uniqueId: roleId,
              tags: roleTags,
              trustPolicy: '{}',
              permissionsBoundaryArn: undefined,
            },
      ),
    listAttachedRolePolicies: () => passage(async () => [...attached]),
    createPolicy: ({ name, path, document, tags }) =>
      passage(async () => {
        const arn = `arn:aws:iam::111111111111:policy${path}${name}`;
        events.push(`create ${nameOf(arn)}`);
        if (policies.has(arn)) return 'exists';
        made += 1;
        policies.set(arn, { uniqueId: `ANPA-new-${made}`, tags, documents: [document] });
        return { uniqueId: `ANPA-new-${made}` };
      }),
    createPolicyVersion: (arn, document) =>
      passage(async () => {
        events.push(`set ${nameOf(arn)}`);
        const policy = policies.get(arn);
        if (!policy) throw new ServiceError('AwsNotYetConsistentError', 'There is no such policy.');
        policies.set(arn, { ...policy, documents: [...policy.documents, document] });
      }),
    attachRolePolicy: (roleName, arn) =>
      passage(async () => {
        events.push(`attach ${nameOf(arn)} to ${roleName}`);
        if (!policies.has(arn))
          throw new ServiceError('AwsNotYetConsistentError', 'There is no such policy.');
        attached.add(arn);
      }),
    detachRolePolicy: (roleName, arn) =>
      passage(async () => {
        events.push(`detach ${nameOf(arn)} from ${roleName}`);
        attached.delete(arn);
      }),
    deletePolicy: (arn) =>
      passage(async () => {
        events.push(`delete ${nameOf(arn)}`);
        return policies.delete(arn) ? 'removed' : 'absent';
      }),
  };
  const readRecords = async (ids: readonly string[]) => recordsOf(integration, ids);
  const foreignBuckets = new Set<string>();
  const access = {
    iam,
    journal,
    readRecords,
    desiredStateOf: planOf,
    refuseForeignBucket: ({ bucket }: DesiredState) =>
      passage(async () => {
        if (foreignBuckets.has(bucket.name)) throw new ServiceError('BucketChangedError', bucket.name);
      }),
  };

  /** The step functions of one driver, each call of which begins with what the journal holds by then. */
  function driverOf(id: string, more: Partial<JournalRecord> = {}) {
    const added = integration.addedBuckets?.[id] ?? addedTo('dataloop-missing');
    const record = journalOf(driverRecord(id, added, more), events, passage);
    const stepOf = (step: 'GrantAccess' | 'RevokeAccess', attempt: number) => {
      clock += 10_000;
      const callId = `${id}/${step}/${attempt}`;
      return record.step([record.record().status], { step, attempt, callId, begunAt: clock });
    };
    return {
      journal: record,
      record: record.record,
      grant: (attempt = 1, policyNamePattern = account.policyNamePattern) =>
        grantAccess(stepOf('GrantAccess', attempt), access, { ...account, policyNamePattern }),
      revoke: (attempt = 1) => revokeAccess(stepOf('RevokeAccess', attempt), access, account),
    };
  }

  return {
    events,
    iam,
    journal,
    access,
    plan,
    hash,
    arnOf,
    /** What a policy should say by the journal. */
    documentOf,
    driverOf,
    integration: () => integration,
    /** Names of buckets that AWS does not show as ours. */
    foreignBuckets,
    become: (more: Partial<JournalRecord>) => {
      integration = { ...integration, ...more };
    },
    /** Another role, or none, of the integration's role's name. */
    replaceRole: (uniqueId: string | undefined, tags: Tags = ours) => {
      roleId = uniqueId;
      roleTags = tags;
    },
    policy: (key: PolicyKey) => policies.get(arnOf(key)),
    document: (key: PolicyKey) => policies.get(arnOf(key))?.documents.at(-1),
    isAttached: (key: PolicyKey) => attached.has(arnOf(key)),
    /** What somebody does by hand. */
    edit: (key: PolicyKey, document: unknown) => {
      const policy = policies.get(arnOf(key));
      if (policy) policies.set(arnOf(key), { ...policy, documents: [...policy.documents, document] });
    },
    replace: (key: PolicyKey, policy: StandingPolicy | undefined) => {
      if (policy) policies.set(arnOf(key), policy);
      else policies.delete(arnOf(key));
    },
    /** Time passes; each call of a step takes ten seconds, too. */
    wait: (ms: number) => {
      clock += ms;
    },
    /** What IAM shows next, whatever is true. */
    show: (...found: (PolicyVersion | undefined)[]) => void shownFirst.push(...found),
    holder: () => holder,
    /** Whoever holds the lock is dead, and its time is over. */
    endLock: (by?: string) => {
      holder = by;
    },
  };
}
