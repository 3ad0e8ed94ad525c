/** What one more integration may meet: quotas of the account and the organisation, and the end of the API key. */
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

export const dayMs = 86_400_000;
/** How many days before its end an API key is warned of: as the first notice is sent. */
export const warnedDays = 30;

export function endingApiKey(expiresAt: number, now: number): Finding[] {
  const days = Math.floor((expiresAt - now) / dayMs);
  if (expiresAt - now > warnedDays * dayMs) return [];
  const error = new ServiceError(
    'DataloopApiKeyExpiresError',
    `Dataloop's API key in the secret of this deployment expires on ${new Date(expiresAt).toISOString().slice(0, 10)}, ` +
      `${days < 1 ? 'within a day' : `in ${days} day${days === 1 ? '' : 's'}`}. Then the service can call Dataloop no more. ` +
      'Create a new key at Dataloop and put it into the secret.',
  );
  return [{ severity: 'warning', error, subject: { type: apiKeyType } }];
}

export const apiKeyType = 'Dataloop::ApiKey';
