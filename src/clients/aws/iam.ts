/** AWS IAM: policies and roles. Each function contains just the calls of one step. */
import {
  AttachRolePolicyCommand,
  CreatePolicyCommand,
  CreateRoleCommand,
  DeletePolicyCommand,
  DeletePolicyVersionCommand,
  DeleteRoleCommand,
  DetachRolePolicyCommand,
  GetPolicyCommand,
  GetRoleCommand,
  IAMClient,
  ListPolicyVersionsCommand,
  type Tag,
} from '@aws-sdk/client-iam';
import type { PolicyCreator, PolicyReader, PolicyRemover } from '../../domain/policy.ts';
import type { RoleCreator, RoleReader, RoleRemover } from '../../domain/role.ts';
import { awsCall, awsCallOr } from './errors.ts';
import { clientSettings } from './settings.ts';

export const iamClient = () => new IAMClient(clientSettings);

const fromTags = (tags: readonly Tag[] | undefined): Record<string, string> =>
  Object.fromEntries((tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));

const toTags = (tags: Readonly<Record<string, string>>): Tag[] =>
  Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));

export function policyReader(client: IAMClient): PolicyReader {
  return {
    policyTags: async (arn) => {
      const answer = await awsCallOr(`read policy ${arn}`, ['NoSuchEntity'], undefined, () =>
        client.send(new GetPolicyCommand({ PolicyArn: arn })),
      );
      return answer && fromTags(answer.Policy?.Tags);
    },
  };
}

export function policyCreator(client: IAMClient): PolicyCreator {
  return {
    ...policyReader(client),
    createPolicy: async (policy) => {
      const answer = await awsCallOr(
        `create policy ${policy.name}`,
        ['EntityAlreadyExists'],
        'exists' as const,
        () =>
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
      return answer === 'exists' ? 'exists' : 'created';
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
      await awsCallOr(`delete policy ${arn}`, ['NoSuchEntity'], undefined, () =>
        client.send(new DeletePolicyCommand({ PolicyArn: arn })),
      );
    },
  };
}

export function roleReader(client: IAMClient): RoleReader {
  return {
    findRole: async (name) => {
      const answer = await awsCallOr(`read role ${name}`, ['NoSuchEntity'], undefined, () =>
        client.send(new GetRoleCommand({ RoleName: name })),
      );
      return answer?.Role && { arn: answer.Role.Arn ?? '', tags: fromTags(answer.Role.Tags) };
    },
  };
}

export function roleCreator(client: IAMClient): RoleCreator {
  return {
    ...roleReader(client),
    createRole: async (role) => {
      const answer = await awsCallOr(
        `create role ${role.name}`,
        ['EntityAlreadyExists'],
        'exists' as const,
        () =>
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
      return answer === 'exists' ? 'exists' : 'created';
    },
    attachPolicy: async (roleName, policyArn) => {
      await awsCall(`attach policy ${policyArn} to role ${roleName}`, () =>
        client.send(new AttachRolePolicyCommand({ RoleName: roleName, PolicyArn: policyArn })),
      );
    },
  };
}

export function roleRemover(client: IAMClient): RoleRemover {
  return {
    ...roleReader(client),
    detachPolicy: async (roleName, policyArn) => {
      await awsCallOr(`detach policy ${policyArn} from role ${roleName}`, ['NoSuchEntity'], undefined, () =>
        client.send(new DetachRolePolicyCommand({ RoleName: roleName, PolicyArn: policyArn })),
      );
    },
    deleteRole: async (roleName) => {
      await awsCallOr(`delete role ${roleName}`, ['NoSuchEntity'], undefined, () =>
        client.send(new DeleteRoleCommand({ RoleName: roleName })),
      );
    },
  };
}
