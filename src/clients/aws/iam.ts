/** AWS IAM: policies and roles. Each function contains just the calls of one step. */
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
  IAMClient,
  ListAttachedRolePoliciesCommand,
  ListPolicyVersionsCommand,
  type PolicyVersion,
  type Tag,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam';
import type { ConnectionIam } from '../../domain/healthcheck/checks.ts';
import type { AccountSummary } from '../../domain/preflight/quotas.ts';
import type { AdoptableRoleReader, RoleAdopter, RoleReleaser } from '../../domain/resources/role/adopt.ts';
import type { PolicyCreator, PolicyReader, PolicyRemover } from '../../domain/resources/role/policy.ts';
import type { RoleCreator, RoleReader, RoleRemover } from '../../domain/resources/role/role.ts';
import type {
  AccessGranter,
  AccessRevoker,
  PolicyDocumentReader,
} from '../../domain/resources/role/shared-policies.ts';
import { createdNotYetSeen } from '../../domain/saga/step.ts';
import { awsCall, awsCallOr, given } from './errors.ts';
import { clientSettings } from './settings.ts';

export const iamClient = () => new IAMClient(clientSettings);

/**
 * A client for many looks of one step: each is made after the one before has ended, and tried more often. IAM takes
 * few calls a second of a whole account; made at once, they would be throttled again with each attempt of the step.
 */
export function patientIamClient(): IAMClient {
  const client = new IAMClient({ ...clientSettings, maxAttempts: 6 });
  let last: Promise<unknown> = Promise.resolve();
  client.middlewareStack.add(
    (next) => (args) => {
      const answer = last.then(() => next(args));
      // Whether one failed is for its own caller.
      last = answer.catch(() => undefined);
      return answer;
    },
    { step: 'initialize', name: 'oneAfterTheOther' },
  );
  return client;
}

const fromTags = (tags: readonly Tag[] | undefined): Record<string, string> =>
  Object.fromEntries((tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));

const toTags = (tags: Readonly<Record<string, string>>): Tag[] =>
  Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));

/** A document, which IAM hands out percent-encoded, as JSON; undefined where it is none. */
function parsed(document: string): unknown {
  try {
    return JSON.parse(decodeURIComponent(document));
  } catch {
    // Nothing that we would have written: the caller compares it with that.
    return undefined;
  }
}

/** A document, which IAM hands out percent-encoded, as it was written. */
function decoded(document: string): string {
  try {
    return decodeURIComponent(document);
  } catch {
    // No JSON either: the caller says so.
    return document;
  }
}

export function policyReader(client: IAMClient): PolicyReader {
  return {
    findPolicy: async (arn) => {
      const what = `read policy ${arn}`;
      const answer = await awsCallOr(what, ['NoSuchEntity'], undefined, () =>
        client.send(new GetPolicyCommand({ PolicyArn: arn })),
      );
      if (!answer) return undefined;
      const { PolicyId, Tags } = given(answer.Policy, 'the policy', what);
      return { tags: fromTags(Tags), uniqueId: given(PolicyId, "the policy's id", what) };
    },
  };
}

export function policyCreator(client: IAMClient): PolicyCreator {
  return {
    ...policyReader(client),
    createPolicy: async (policy) => {
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
    },
  };
}

export function policyRemover(client: IAMClient): PolicyRemover {
  return {
    ...policyReader(client),
    deletePolicy: async (arn) => {
      // A policy with versions besides its default cannot be deleted.
      const versions = await awsCallOr(
        `list the versions of policy ${arn}`,
        ['NoSuchEntity'],
        undefined,
        () => client.send(new ListPolicyVersionsCommand({ PolicyArn: arn })),
      );
      for (const { VersionId, IsDefaultVersion } of versions?.Versions ?? []) {
        if (IsDefaultVersion) continue;
        await awsCallOr(`delete version ${VersionId} of policy ${arn}`, ['NoSuchEntity'], undefined, () =>
          client.send(new DeletePolicyVersionCommand({ PolicyArn: arn, VersionId })),
        );
      }
      const answer = await awsCallOr(`delete policy ${arn}`, ['NoSuchEntity'], 'absent' as const, () =>
        client.send(new DeletePolicyCommand({ PolicyArn: arn })),
      );
      return answer === 'absent' ? 'absent' : 'removed';
    },
  };
}

export function roleReader(client: IAMClient): RoleReader {
  return {
    findRole: async (name) => {
      const what = `read role ${name}`;
      const answer = await awsCallOr(what, ['NoSuchEntity'], undefined, () =>
        client.send(new GetRoleCommand({ RoleName: name })),
      );
      if (!answer) return undefined;
      const { Arn, RoleId, Tags, AssumeRolePolicyDocument, PermissionsBoundary } = given(
        answer.Role,
        'the role',
        what,
      );
      return {
        arn: given(Arn, "the role's ARN", what),
        uniqueId: given(RoleId, "the role's id", what),
        tags: fromTags(Tags),
        trust: parsed(AssumeRolePolicyDocument ?? ''),
        permissionsBoundaryArn: PermissionsBoundary?.PermissionsBoundaryArn,
      };
    },
  };
}

export function adoptableRoleReader(client: IAMClient): AdoptableRoleReader {
  return {
    findAdoptableRole: async (name) => {
      const what = `read role ${name}`;
      const answer = await awsCallOr(what, ['NoSuchEntity'], undefined, () =>
        client.send(new GetRoleCommand({ RoleName: name })),
      );
      if (!answer) return undefined;
      const { Arn, RoleId, AssumeRolePolicyDocument } = given(answer.Role, 'the role', what);
      return {
        arn: given(Arn, "the role's ARN", what),
        uniqueId: given(RoleId, "the role's id", what),
        trustPolicy: decoded(given(AssumeRolePolicyDocument, 'the trust policy', what)),
      };
    },
  };
}

const setTrustPolicy = (client: IAMClient) => async (roleName: string, document: string) => {
  await awsCall(`change the trust policy of role ${roleName}`, () =>
    client.send(new UpdateAssumeRolePolicyCommand({ RoleName: roleName, PolicyDocument: document })),
  );
};

export function roleAdopter(client: IAMClient): RoleAdopter {
  return {
    ...adoptableRoleReader(client),
    setTrustPolicy: setTrustPolicy(client),
    attachPolicy: attachPolicy(client),
  };
}

export function roleReleaser(client: IAMClient): RoleReleaser {
  return {
    ...adoptableRoleReader(client),
    setTrustPolicy: setTrustPolicy(client),
    detachPolicy: detachPolicy(client),
  };
}

const attachPolicy = (client: IAMClient) => async (roleName: string, policyArn: string) => {
  await awsCall(`attach policy ${policyArn} to role ${roleName}`, () =>
    client.send(new AttachRolePolicyCommand({ RoleName: roleName, PolicyArn: policyArn })),
  );
};

const detachPolicy = (client: IAMClient) => async (roleName: string, policyArn: string) => {
  await awsCallOr(`detach policy ${policyArn} from role ${roleName}`, ['NoSuchEntity'], undefined, () =>
    client.send(new DetachRolePolicyCommand({ RoleName: roleName, PolicyArn: policyArn })),
  );
};

export function roleCreator(client: IAMClient): RoleCreator {
  return {
    ...roleReader(client),
    createRole: async (role) => {
      const what = `create role ${role.name}`;
      const answer = await awsCallOr(what, ['EntityAlreadyExists'], 'exists' as const, () =>
        client.send(
          new CreateRoleCommand({
            RoleName: role.name,
            Path: role.path,
            Description: role.description,
            AssumeRolePolicyDocument: JSON.stringify(role.trust),
            PermissionsBoundary: role.permissionsBoundaryArn,
            Tags: toTags(role.tags),
          }),
        ),
      );
      if (answer === 'exists') return 'exists';
      return { uniqueId: given(answer.Role?.RoleId, "the role's id", what) };
    },
    attachPolicy: attachPolicy(client),
  };
}

export function roleRemover(client: IAMClient): RoleRemover {
  return {
    ...roleReader(client),
    detachPolicy: detachPolicy(client),
    deleteRole: async (roleName) => {
      const answer = await awsCallOr(`delete role ${roleName}`, ['NoSuchEntity'], 'absent' as const, () =>
        client.send(new DeleteRoleCommand({ RoleName: roleName })),
      );
      return answer === 'absent' ? 'absent' : 'removed';
    },
  };
}

/** How many roles and policies the account has, and how many it may have. */
export async function accountSummary(client: IAMClient): Promise<AccountSummary> {
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
}

/** A policy with its default document. */
export function policyDocumentReader(client: IAMClient): PolicyDocumentReader {
  return {
    findPolicyDocument: async (arn) => {
      const what = `read policy ${arn}`;
      const answer = await awsCallOr(what, ['NoSuchEntity'], undefined, () =>
        client.send(new GetPolicyCommand({ PolicyArn: arn })),
      );
      if (!answer) return undefined;
      const { DefaultVersionId, PolicyId, Tags } = given(answer.Policy, 'the policy', what);
      const versionId = given(DefaultVersionId, "the policy's default version", what);
      const whatVersion = `read version ${versionId} of policy ${arn}`;
      const { PolicyVersion } = await awsCall(whatVersion, () =>
        client.send(new GetPolicyVersionCommand({ PolicyArn: arn, VersionId: versionId })),
      );
      return {
        tags: fromTags(Tags),
        uniqueId: given(PolicyId, "the policy's id", what),
        versionId,
        document: parsed(given(PolicyVersion?.Document, 'the document', whatVersion)),
      };
    },
  };
}

/** IAM keeps as many versions of a policy (IAM User Guide, "IAM and AWS STS quotas"). */
const maximumVersions = 5;

/** A new default version; where there are as many as IAM keeps, the oldest goes first. */
const setDocument = (client: IAMClient) => async (arn: string, document: unknown) => {
  const { Versions = [] } = await awsCall(`list the versions of policy ${arn}`, () =>
    client.send(new ListPolicyVersionsCommand({ PolicyArn: arn })),
  );
  const old = Versions.filter(({ IsDefaultVersion }) => !IsDefaultVersion);
  const numberOf = ({ VersionId = '' }: PolicyVersion) => Number(VersionId.slice(1));
  old.sort((one, other) => numberOf(one) - numberOf(other));
  const tooMany = old.slice(0, Math.max(0, Versions.length - maximumVersions + 1));
  for (const { VersionId } of tooMany) {
    await awsCallOr(`delete version ${VersionId} of policy ${arn}`, ['NoSuchEntity'], undefined, () =>
      client.send(new DeletePolicyVersionCommand({ PolicyArn: arn, VersionId })),
    );
  }
  const what = `write policy ${arn}`;
  const full = await awsCallOr(what, ['LimitExceeded'], 'full' as const, () =>
    client.send(
      new CreatePolicyVersionCommand({
        PolicyArn: arn,
        PolicyDocument: JSON.stringify(document),
        SetAsDefault: true,
      }),
    ),
  );
  // One that was just written was not among those listed.
  if (full === 'full') throw createdNotYetSeen(`last version of policy ${arn}`);
};

export function accessGranter(client: IAMClient): AccessGranter {
  return {
    ...policyDocumentReader(client),
    ...roleReader(client),
    createPolicy: policyCreator(client).createPolicy,
    setDocument: setDocument(client),
    attachPolicy: attachPolicy(client),
  };
}

export function accessRevoker(client: IAMClient): AccessRevoker {
  return {
    ...policyDocumentReader(client),
    ...roleReader(client),
    setDocument: setDocument(client),
    detachPolicy: detachPolicy(client),
    deletePolicy: policyRemover(client).deletePolicy,
  };
}

/** Role and policy as they stand, read for the test of a connection. */
export function connectionIam(client: IAMClient): ConnectionIam {
  return {
    ...roleReader(client),
    ...policyDocumentReader(client),
    attachedPolicies: async (roleName) => {
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
    },
  };
}
