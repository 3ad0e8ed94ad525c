/** Preflight: what stands in the way, found before the first write. */
import { ServiceError } from '../errors.ts';
import { type BucketReader, bucketAddress, nameTaken } from './bucket.ts';
import { isTaggedOurs } from './ownership.ts';
import { type PolicyReader, policyNameTaken } from './policy.ts';
import { type RoleReader, roleNameTaken } from './role.ts';
import type { StepContext } from './step.ts';

export interface ProjectReader {
  /** @throws ServiceError `DataloopNotFoundError` when the project is not there or not visible. */
  getProject(
    projectId: string,
  ): Promise<{ readonly id: string; readonly organizationId: string | undefined }>;
}

export interface PreflightChecks
  extends Pick<BucketReader, 'holderOf'>,
    PolicyReader,
    RoleReader,
    ProjectReader {
  /** Account of the credentials that the service really acts with. */
  callerAccountId(): Promise<string>;
}

/**
 * Resolves the Dataloop organisation and refuses what would fail later anyway.
 * @throws ServiceError the first thing that is in the way; nothing has been made then.
 */
export async function preflight(
  step: StepContext,
  checks: PreflightChecks,
  onlyOrganizationId: string | undefined,
): Promise<{ organizationId: string }> {
  const { plan, record } = step;
  const accountId = await checks.callerAccountId();
  if (accountId !== plan.accountId) {
    throw new ServiceError(
      'WrongAccountError',
      `The service acts in AWS account ${accountId} but was deployed to ${plan.accountId}. Deploy it again.`,
    );
  }

  const project = await checks.getProject(plan.driver.projectId);
  const requested = record.request.dataloop.organizationId ?? onlyOrganizationId;
  const organizationId = project.organizationId ?? requested;
  if (!organizationId) {
    throw new ServiceError(
      'DataloopNotFoundError',
      `Dataloop does not say which organisation project ${project.id} belongs to. Give dataloop.organizationId.`,
    );
  }
  for (const expected of [record.request.dataloop.organizationId, onlyOrganizationId]) {
    if (expected && expected !== organizationId) {
      throw new ServiceError(
        'DataloopForbiddenError',
        `Dataloop project ${project.id} belongs to organisation ${organizationId}, not to ${expected}. ` +
          'Name a project of that organisation.',
      );
    }
  }

  const holder = await checks.holderOf(bucketAddress(step));
  if (holder === 'another-account')
    throw nameTaken(plan.bucket.name, 'another AWS account (or a policy of yours hides it from the service)');
  // A repeated attempt after a crash may meet nothing of ours: no step has run before this one.
  if (holder === 'account') throw nameTaken(plan.bucket.name, 'this AWS account');

  const role = await checks.findRole(plan.role.name);
  if (role && !isTaggedOurs(step, role.tags)) throw roleNameTaken(plan.role.name);
  const policy = await checks.findPolicy(plan.policy.arn);
  if (policy && !isTaggedOurs(step, policy.tags)) throw policyNameTaken(plan.policy.name);
  return { organizationId };
}
