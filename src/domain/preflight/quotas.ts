/** How much of an account's, or an organisation's, quotas is left for one integration more. */
import { ServiceError } from '../../errors.ts';
import { resourceTypes } from '../model/resource-keys.ts';
import type { AccountSummary } from '../resources/role/iam.ts';
import type { Finding } from './checks.ts';

/** General purpose buckets of an account, by default; AWS raises it on request and tells the quota elsewhere. */
export const defaultBucketQuota = 10_000;

/** Cross-account integrations of an organisation; Dataloop raises it on request and does not tell it. */
export const defaultDataloopLimit = 15;

export function iamQuotas({ roles, rolesQuota, policies, policiesQuota }: AccountSummary): Finding[] {
  return [
    ...usedUp('roles', resourceTypes.role, roles, rolesQuota),
    ...usedUp('customer managed policies', resourceTypes.policy, policies, policiesQuota),
  ];
}

function usedUp(what: string, type: string, used: number, quota: number): Finding[] {
  if (used < quota) return [];
  const error = new ServiceError(
    'AwsQuotaExceededError',
    `The account has ${used} ${what}, and its quota is ${quota}. Ask AWS Service Quotas for more, or delete what is ` +
      'not needed.',
  );
  return [{ severity: 'error', error, subject: { type } }];
}

export function bucketQuota(buckets: number): Finding[] {
  if (buckets < defaultBucketQuota) return [];
  const error = new ServiceError(
    'AwsQuotaExceededError',
    `The account has at least ${defaultBucketQuota} buckets, which is the default quota. Unless AWS Service Quotas has ` +
      'given it more, ask there, or delete buckets that are not needed.',
  );
  return [{ severity: 'warning', error, subject: { type: resourceTypes.bucket } }];
}

export function dataloopLimit(integrations: number, organizationId: string): Finding[] {
  if (integrations < defaultDataloopLimit) return [];
  const error = new ServiceError(
    'DataloopIntegrationLimitError',
    `Organisation ${organizationId} has ${integrations} cross-account integrations; Dataloop allows ${defaultDataloopLimit} ` +
      'by default. Unless it has given you more, delete one that is not used, or ask its support.',
  );
  return [{ severity: 'warning', error, subject: { type: resourceTypes.dataloopIntegration } }];
}
