/** The policies as they are in IAM, read with the caller's own credentials. */
import {
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRoleCommand,
  type IAMClient,
} from '@aws-sdk/client-iam';

/** Policies of a connection: what may be done, and who may do it. */
export interface Policies {
  readonly trust: unknown;
  /** Documents by the ARN of their policy. */
  readonly permissions: Readonly<Record<string, unknown>>;
  readonly permissionsBoundaryArn: string | undefined;
}

/** IAM hands out documents URL-encoded. */
const documentOf = (text: string | undefined): unknown => JSON.parse(decodeURIComponent(text ?? 'null'));

/** @throws the SDK's error where something may not be read, or is not there */
export async function readPolicies(
  iam: IAMClient,
  roleArn: string,
  policyArns: readonly string[],
): Promise<Policies> {
  const { Role } = await iam.send(new GetRoleCommand({ RoleName: roleArn.split('/').at(-1) }));
  const permissions = await Promise.all(
    policyArns.map(async (PolicyArn) => {
      const { Policy } = await iam.send(new GetPolicyCommand({ PolicyArn }));
      const { PolicyVersion } = await iam.send(
        new GetPolicyVersionCommand({ PolicyArn, VersionId: Policy?.DefaultVersionId }),
      );
      return [PolicyArn, documentOf(PolicyVersion?.Document)] as const;
    }),
  );
  return {
    trust: documentOf(Role?.AssumeRolePolicyDocument),
    permissions: Object.fromEntries(permissions),
    permissionsBoundaryArn: Role?.PermissionsBoundary?.PermissionsBoundaryArn,
  };
}
