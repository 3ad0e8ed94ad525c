/** IAM with one role name, one policy name, and what is attached to the role. Each effect is noted. */
import type { Iam, Role } from '../../../src/domain/resources/role/iam.ts';
import { ServiceError } from '../../../src/errors.ts';
import { ours, type Passage, recordOf, stepOf, type Tags } from './fakes.ts';

interface StandingPolicy {
  readonly arn: string;
  readonly uniqueId: string;
  readonly tags: Tags;
  /** That of the usual request, where nothing else is given. */
  readonly document?: unknown;
}

interface Standing {
  readonly role?: Role | undefined;
  /** Its name is taken whatever path its holder has. */
  readonly policy?: StandingPolicy | undefined;
  /** Attached to the role by others. */
  readonly attached?: readonly string[];
  /** Inline policies. */
  readonly inline?: readonly string[];
  /** Instance profiles that the role is in. */
  readonly profiles?: readonly string[];
  /** What the policy is attached to. */
  readonly entities?: readonly string[];
}

type Calls = Pick<
  Iam,
  | 'getRole'
  | 'createRole'
  | 'updateAssumeRolePolicy'
  | 'attachRolePolicy'
  | 'detachRolePolicy'
  | 'listAttachedRolePolicies'
  | 'listRolePolicies'
  | 'listInstanceProfilesForRole'
  | 'listEntitiesForPolicy'
  | 'deleteRole'
  | 'putRolePermissionsBoundary'
  | 'getPolicy'
  | 'getDefaultPolicyVersion'
  | 'createPolicy'
  | 'deletePolicy'
>;

const account = 'arn:aws:iam::111111111111';
const usualDocument = stepOf(recordOf()).desired.permissionPolicy;

/** As on AWS, each role and policy has an id of its own, and a role with a policy cannot be deleted. */
export function fakeIam(events: string[], before: Standing = {}, passage: Passage = (call) => call()) {
  let { role, policy } = before;
  let made = 0;
  const attached = new Set(before.attached);
  const effect = <T>(what: string, make: () => T) =>
    passage(async () => {
      events.push(what);
      return make();
    });
  const iam: Calls = {
    getRole: () => passage(async () => role),
    createRole: ({ name, path, tags, trustPolicy: document, permissionsBoundaryArn }) =>
      effect('create role', () => {
        if (role) return 'exists';
        made += 1;
        const uniqueId = `AROA${made}`;
        const trustPolicy = JSON.stringify(document);
        role = { arn: `${account}:role${path}${name}`, uniqueId, tags, trustPolicy, permissionsBoundaryArn };
        return { uniqueId };
      }),
    updateAssumeRolePolicy: (name, trustPolicy) =>
      effect(`set trust of ${name}`, () => {
        if (role) role = { ...role, trustPolicy };
      }),
    attachRolePolicy: (name, arn) => effect(`attach to ${name}`, () => void attached.add(arn)),
    detachRolePolicy: (name, arn) => effect(`detach from ${name}`, () => void attached.delete(arn)),
    listAttachedRolePolicies: () => passage(async () => [...attached]),
    listRolePolicies: () => passage(async () => before.inline ?? []),
    listInstanceProfilesForRole: () => passage(async () => before.profiles ?? []),
    listEntitiesForPolicy: () => passage(async () => before.entities ?? []),
    deleteRole: (name) =>
      effect(`delete ${name}`, () => {
        if (attached.size + (before.inline ?? []).length + (before.profiles ?? []).length > 0)
          throw new ServiceError('AwsConflictError', 'It is in use.');
        if (!role) return 'absent';
        role = undefined;
        return 'removed';
      }),
    putRolePermissionsBoundary: (name, permissionsBoundaryArn) =>
      effect(`set boundary of ${name}`, () => {
        if (role) role = { ...role, permissionsBoundaryArn };
      }),
    getPolicy: (wanted) =>
      passage(async () =>
        policy?.arn === wanted ? { tags: policy.tags, uniqueId: policy.uniqueId } : undefined,
      ),
    getDefaultPolicyVersion: (wanted) =>
      passage(async () => {
        // What a role gets stands, also where no test says how.
        const standing = policy ?? { arn: wanted, tags: ours, uniqueId: 'ANPA0' };
        if (standing?.arn !== wanted) return undefined;
        const { tags, uniqueId, document = usualDocument } = standing;
        return { tags, uniqueId, versionId: 'v1', document };
      }),
    createPolicy: ({ name, path, document, tags }) =>
      effect('create policy', () => {
        if (policy) return 'exists';
        made += 1;
        policy = { arn: `${account}:policy${path}${name}`, uniqueId: `ANPA${made}`, tags, document };
        return { uniqueId: policy.uniqueId };
      }),
    deletePolicy: (wanted) =>
      effect(`delete ${wanted}`, () => {
        if (policy?.arn !== wanted) return 'absent';
        if ((before.entities ?? []).length > 0) throw new ServiceError('AwsConflictError', 'It is in use.');
        policy = undefined;
        return 'removed';
      }),
  };
  return {
    iam,
    attached,
    role: () => role,
    policy: () => policy,
    trustPolicy: () => role?.trustPolicy,
    /** Somebody changes the role, or deletes it and makes another one. */
    become: (more: Partial<Role> | undefined) => {
      const first = role ?? before.role;
      role = more && first && { ...first, ...more };
    },
  };
}
