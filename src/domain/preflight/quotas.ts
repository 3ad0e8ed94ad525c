/** Whether the quotas of the account and the organisation allow one more integration. */
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
    `The account has ${used} ${what}, and its quota is ${quota}. Request a higher quota in AWS Service Quotas, or delete ` +
      `${what} that you do not need.`,
  );
  return [{ severity: 'error', error, subject: { type } }];
}

export function bucketQuota(buckets: number): Finding[] {
  if (buckets < defaultBucketQuota) return [];
  const error = new ServiceError(
    'AwsQuotaExceededError',
    `The account has at least ${defaultBucketQuota} buckets, the default quota. Unless its quota is higher, request more ` +
      'in AWS Service Quotas, or delete buckets that you do not need.',
  );
  return [{ severity: 'warning', error, subject: { type: resourceTypes.bucket } }];
}

export function dataloopLimit(
  integrations: number,
  organizationId: string,
  limit = defaultDataloopLimit,
): Finding[] {
  if (integrations < limit) return [];
  const error = new ServiceError(
    'DataloopIntegrationLimitError',
    `Organisation ${organizationId} has ${integrations} cross-account integrations; Dataloop allows ${limit} ` +
      "by default. Unless your limit is higher, delete one that nobody uses, or ask Dataloop's support for more.",
  );
  return [{ severity: 'warning', error, subject: { type: resourceTypes.dataloopIntegration } }];
}
