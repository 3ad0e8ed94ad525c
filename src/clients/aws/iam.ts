/**
 * AWS IAM: policies and roles, a function a call. A Lambda function binds those that it makes to its client, and its
 * bundle holds no others.
 */
import { setTimeout as delay } from 'node:timers/promises';
import {
  AttachRolePolicyCommand,
  CreatePolicyCommand,
  CreatePolicyVersionCommand,
  CreateRoleCommand,
  DeletePolicyCommand,
  DeletePolicyVersionCommand,
  DeleteRoleCommand,
  DetachRolePolicyCommand,
  GetAccountSummaryCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRoleCommand,
  type IAMClient,
  ListAttachedRolePoliciesCommand,
  ListEntitiesForPolicyCommand,
  ListInstanceProfilesForRoleCommand,
  ListPolicyVersionsCommand,
  ListRolePoliciesCommand,
  type PolicyVersion,
  PutRolePermissionsBoundaryCommand,
  type Tag,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { lifetimeLeftMs } from '../../deadline.ts';
import { parseJson } from '../../domain/model/canonical-json.ts';
import type { Iam } from '../../domain/resources/role/iam.ts';
import { notYetShown } from '../../domain/saga/step.ts';
import { ServiceError } from '../../errors.ts';
import { waitingFor } from '../../spent.ts';
import { awsCall, awsCallOr, given } from './errors.ts';

/** How often, and how long after each look, it is looked whether IAM sees a new user. */
const principalLooks = 8;
const principalLookMs = 1_000;
type Pause = (milliseconds: number) => Promise<unknown>;
/** Time of the function that is kept for what comes after. */
const keptMs = 12_000;

/**
 * Makes a call that names a new user as principal. IAM sees one after some seconds, and a look here costs less than another
 * attempt of the step, which starts from its beginning.
 */
async function oncePrincipalIsSeen<T>(pause: Pause, call: () => Promise<T>): Promise<T> {
  for (let look = 1; ; look += 1) {
    try {
      return await call();
    } catch (error) {
      const mayPass = error instanceof ServiceError && error.name === 'AwsNotYetConsistentError';
      if (!mayPass || look === principalLooks || lifetimeLeftMs() < keptMs) throw error;
      // It is IAM that is waited for: this is no work of the service's own.
      await waitingFor('awsMs', () => pause(principalLookMs));
    }
  }
}

const fromTags = (tags: readonly Tag[] | undefined): Record<string, string> =>
  Object.fromEntries((tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));

const toTags = (tags: Readonly<Record<string, string>>): Tag[] =>
  Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));

/** A document, which IAM hands out percent-encoded, as it was written. */
function decoded(document: string): string {
  try {
    return decodeURIComponent(document);
  } catch {
    // No JSON either: the caller says so.
    return document;
  }
}

export const getRole =
  (client: IAMClient): Iam['getRole'] =>
  async (name) => {
    const what = `read role ${name}`;
    const answer = await awsCallOr(what, ['NoSuchEntity'], undefined, () =>
      client.send(new GetRoleCommand({ RoleName: name })),
    );
    if (!answer) return undefined;
    const role = given(answer.Role, 'the role', what);
    return {
      arn: given(role.Arn, "the role's ARN", what),
      uniqueId: given(role.RoleId, "the role's id", what),
      tags: fromTags(role.Tags),
      trustPolicy: decoded(given(role.AssumeRolePolicyDocument, 'the trust policy', what)),
      permissionsBoundaryArn: role.PermissionsBoundary?.PermissionsBoundaryArn,
    };
  };

export const createRole =
  (client: IAMClient, pause: Pause = delay): Iam['createRole'] =>
  async (role) => {
    const what = `create role ${role.name}`;
    const command = new CreateRoleCommand({
      RoleName: role.name,
      Path: role.path,
      Description: role.description,
      AssumeRolePolicyDocument: JSON.stringify(role.trustPolicy),
      PermissionsBoundary: role.permissionsBoundaryArn,
      Tags: toTags(role.tags),
    });
    const answer = await oncePrincipalIsSeen(pause, () =>
      awsCallOr(what, ['EntityAlreadyExists'], 'exists' as const, () => client.send(command)),
    );
    if (answer === 'exists') return 'exists';
    return { uniqueId: given(answer.Role?.RoleId, "the role's id", what) };
  };

export const updateAssumeRolePolicy =
  (client: IAMClient, pause: Pause = delay): Iam['updateAssumeRolePolicy'] =>
  async (roleName, document) => {
    const command = new UpdateAssumeRolePolicyCommand({ RoleName: roleName, PolicyDocument: document });
    await oncePrincipalIsSeen(pause, () =>
      awsCall(`change the trust policy of role ${roleName}`, () => client.send(command)),
    );
  };

export const deleteRole =
  (client: IAMClient): Iam['deleteRole'] =>
  async (name) => {
    const answer = await awsCallOr(`delete role ${name}`, ['NoSuchEntity'], 'absent' as const, () =>
      client.send(new DeleteRoleCommand({ RoleName: name })),
    );
    return answer === 'absent' ? 'absent' : 'removed';
  };

export const putRolePermissionsBoundary =
  (client: IAMClient): Iam['putRolePermissionsBoundary'] =>
  async (RoleName, PermissionsBoundary) => {
    await awsCall(`set the permissions boundary of role ${RoleName}`, () =>
      client.send(new PutRolePermissionsBoundaryCommand({ RoleName, PermissionsBoundary })),
    );
  };

export const attachRolePolicy =
  (client: IAMClient): Iam['attachRolePolicy'] =>
  async (roleName, policyArn) => {
    await awsCall(`attach policy ${policyArn} to role ${roleName}`, () =>
      client.send(new AttachRolePolicyCommand({ RoleName: roleName, PolicyArn: policyArn })),
    );
  };

export const detachRolePolicy =
  (client: IAMClient): Iam['detachRolePolicy'] =>
  async (roleName, policyArn) => {
    await awsCallOr(`detach policy ${policyArn} from role ${roleName}`, ['NoSuchEntity'], undefined, () =>
      client.send(new DetachRolePolicyCommand({ RoleName: roleName, PolicyArn: policyArn })),
    );
  };

export const listAttachedRolePolicies =
  (client: IAMClient): Iam['listAttachedRolePolicies'] =>
  async (roleName) => {
    const arns: string[] = [];
    let Marker: string | undefined;
    do {
      const page = await awsCall(`list the policies of role ${roleName}`, () =>
        client.send(
          new ListAttachedRolePoliciesCommand({ RoleName: roleName, ...(Marker ? { Marker } : {}) }),
        ),
      );
      arns.push(...(page.AttachedPolicies ?? []).map(({ PolicyArn = '' }) => PolicyArn));
      Marker = page.IsTruncated ? page.Marker : undefined;
    } while (Marker);
    return arns;
  };

export const listRolePolicies =
  (client: IAMClient): Iam['listRolePolicies'] =>
  async (RoleName) => {
    // One page holds a hundred names; whoever looks asks whether there are any.
    const { PolicyNames = [] } = await awsCall(`list the inline policies of role ${RoleName}`, () =>
      client.send(new ListRolePoliciesCommand({ RoleName })),
    );
    return PolicyNames;
  };

export const listInstanceProfilesForRole =
  (client: IAMClient): Iam['listInstanceProfilesForRole'] =>
  async (RoleName) => {
    const { InstanceProfiles = [] } = await awsCall(`list the instance profiles of role ${RoleName}`, () =>
      client.send(new ListInstanceProfilesForRoleCommand({ RoleName })),
    );
    return InstanceProfiles.map(({ InstanceProfileName = '' }) => InstanceProfileName);
  };

export const listEntitiesForPolicy =
  (client: IAMClient): Iam['listEntitiesForPolicy'] =>
  async (PolicyArn) => {
    // One page holds a hundred; whoever reads them begins with these.
    const answer = await awsCall(`list the uses of policy ${PolicyArn}`, () =>
      client.send(new ListEntitiesForPolicyCommand({ PolicyArn })),
    );
    return [
      ...(answer.PolicyUsers ?? []).map(({ UserName }) => `user ${UserName}`),
      ...(answer.PolicyGroups ?? []).map(({ GroupName }) => `group ${GroupName}`),
      ...(answer.PolicyRoles ?? []).map(({ RoleName }) => `role ${RoleName}`),
    ];
  };

/** A policy as GetPolicy answers; undefined where there is none. */
async function readPolicy(client: IAMClient, arn: string) {
  const what = `read policy ${arn}`;
  const answer = await awsCallOr(what, ['NoSuchEntity'], undefined, () =>
    client.send(new GetPolicyCommand({ PolicyArn: arn })),
  );
  if (!answer) return undefined;
  const { PolicyId, Tags, DefaultVersionId, UpdateDate } = given(answer.Policy, 'the policy', what);
  const found = { tags: fromTags(Tags), uniqueId: given(PolicyId, "the policy's id", what) };
  return {
    found,
    updatedAt: UpdateDate?.getTime(),
    versionId: () => given(DefaultVersionId, "the policy's default version", what),
  };
}

export const getPolicy =
  (client: IAMClient): Iam['getPolicy'] =>
  async (arn) =>
    (await readPolicy(client, arn))?.found;

export const getDefaultPolicyVersion = (client: IAMClient): Iam['getDefaultPolicyVersion'] => {
  let last: { readonly key: string; readonly document: unknown } | undefined;
  return async (arn) => {
    const policy = await readPolicy(client, arn);
    if (!policy) return undefined;
    const versionId = policy.versionId();
    // A version never changes, and UpdateDate tells of a new one. So the same one is read once.
    const key = `${policy.found.uniqueId}/${versionId}/${policy.updatedAt}`;
    if (last?.key === key) return { ...policy.found, versionId, document: last.document };
    const what = `read version ${versionId} of policy ${arn}`;
    const { PolicyVersion } = await awsCall(what, () =>
      client.send(new GetPolicyVersionCommand({ PolicyArn: arn, VersionId: versionId })),
    );
    const document = parseJson(decoded(given(PolicyVersion?.Document, 'the document', what)));
    last = { key, document };
    return { ...policy.found, versionId, document };
  };
};

export const createPolicy =
  (client: IAMClient): Iam['createPolicy'] =>
  async (policy) => {
    const what = `create policy ${policy.name}`;
    const answer = await awsCallOr(what, ['EntityAlreadyExists'], 'exists' as const, () =>
      client.send(
        new CreatePolicyCommand({
          PolicyName: policy.name,
          Path: policy.path,
          Description: policy.description,
          PolicyDocument: JSON.stringify(policy.document),
          Tags: toTags(policy.tags),
        }),
      ),
    );
    if (answer === 'exists') return 'exists';
    return { uniqueId: given(answer.Policy?.PolicyId, "the policy's id", what) };
  };

/** IAM keeps as many versions of a policy (IAM User Guide, "IAM and AWS STS quotas"). */
const maximumVersions = 5;

async function deleteVersions(client: IAMClient, arn: string, versions: readonly PolicyVersion[]) {
  for (const { VersionId } of versions) {
    await awsCallOr(`delete version ${VersionId} of policy ${arn}`, ['NoSuchEntity'], undefined, () =>
      client.send(new DeletePolicyVersionCommand({ PolicyArn: arn, VersionId })),
    );
  }
}

export const createPolicyVersion =
  (client: IAMClient): Iam['createPolicyVersion'] =>
  async (arn, document) => {
    const { Versions = [] } = await awsCall(`list the versions of policy ${arn}`, () =>
      client.send(new ListPolicyVersionsCommand({ PolicyArn: arn })),
    );
    const old = Versions.filter(({ IsDefaultVersion }) => !IsDefaultVersion);
    const numberOf = ({ VersionId = '' }: PolicyVersion) => Number(VersionId.slice(1));
    old.sort((one, other) => numberOf(one) - numberOf(other));
    await deleteVersions(client, arn, old.slice(0, Math.max(0, Versions.length - maximumVersions + 1)));
    const written = await awsCallOr(`write policy ${arn}`, ['LimitExceeded'], 'full' as const, () =>
      client.send(
        new CreatePolicyVersionCommand({
          PolicyArn: arn,
          PolicyDocument: JSON.stringify(document),
          SetAsDefault: true,
        }),
      ),
    );
    // One that was just written was not among those listed.
    if (written === 'full') throw notYetShown(`the last version of policy ${arn}`);
  };

export const deletePolicy =
  (client: IAMClient): Iam['deletePolicy'] =>
  async (arn) => {
    // A policy with versions besides its default cannot be deleted.
    const listed = await awsCallOr(`list the versions of policy ${arn}`, ['NoSuchEntity'], undefined, () =>
      client.send(new ListPolicyVersionsCommand({ PolicyArn: arn })),
    );
    const old = (listed?.Versions ?? []).filter(({ IsDefaultVersion }) => !IsDefaultVersion);
    await deleteVersions(client, arn, old);
    const answer = await awsCallOr(`delete policy ${arn}`, ['NoSuchEntity'], 'absent' as const, () =>
      client.send(new DeletePolicyCommand({ PolicyArn: arn })),
    );
    return answer === 'absent' ? 'absent' : 'removed';
  };

export const getAccountSummary =
  (client: IAMClient): Iam['getAccountSummary'] =>
  async () => {
    const what = "read the account's quotas of IAM";
    const { SummaryMap = {} } = await awsCall(what, () => client.send(new GetAccountSummaryCommand({})));
    const count = (key: 'Roles' | 'RolesQuota' | 'Policies' | 'PoliciesQuota') =>
      given(SummaryMap[key], key, what);
    return {
      roles: count('Roles'),
      rolesQuota: count('RolesQuota'),
      policies: count('Policies'),
      policiesQuota: count('PoliciesQuota'),
    };
  };
