/** What AWS and Dataloop answer where all is well: before anything is made, and once everything is. */
import type { CheckReads } from '../../../src/domain/healthcheck/checks.ts';
import { trustPolicy } from '../../../src/domain/model/desired-state.ts';
import type { PlanReads } from '../../../src/domain/preflight/dry-run.ts';
import { closed } from '../../../src/domain/resources/bucket/public-access.ts';
import type { Role } from '../../../src/domain/resources/role/iam.ts';
import { account, nothingAdopted, ours, userArn } from './fakes.ts';

/** An account and a Dataloop in which nothing stands in the way, just within their quotas. */
export const nothingInTheWay: PlanReads = {
  getCallerAccountId: async () => '111111111111',
  getProject: async (id) => ({ id, organizationId: 'org-1' }),
  headBucket: async () => ({ holder: 'nobody', region: undefined }),
  getRole: async () => undefined,
  getPolicy: async () => undefined,
  describeKey: async () => ({ state: 'Enabled', encryptsSymmetrically: true }),
  getAccountSummary: async () => ({ roles: 999, rolesQuota: 1000, policies: 1499, policiesQuota: 1500 }),
  countBuckets: async () => 1,
  countIntegrations: async () => 14,
  listDrivers: async () => [],
  listDatasets: async () => [],
  apiKeyEnd: async () => undefined,
  now: () => Date.parse('2026-12-06T12:00:00.000Z'),
  ...nothingAdopted,
  listIntegrations: async () => [],
  lockHolder: async () => undefined,
  read: async () => undefined,
};

export const role: Role = {
  arn: 'arn:aws:iam::111111111111:role/dataloop-cross-account/test/dataloop-acme',
  uniqueId: 'AROA1',
  tags: ours,
  trustPolicy: JSON.stringify(trustPolicy(userArn)),
  permissionsBoundaryArn: account.permissionsBoundaryArn,
};
export const policyArn = 'arn:aws:iam::111111111111:policy/dataloop-cross-account/test/dataloop-acme';
export const atDataloop = { id: 'i-1', name: 'acme', userArn, trustStatus: 'trust-established' };

export const allowing = (origin: string, methods = ['GET', 'HEAD', 'PUT', 'POST']) => ({
  AllowedOrigins: [origin],
  AllowedMethods: methods,
});

/**
 * A connection on which everything is as it was made.
 * @param documents what each policy of the role grants, by its ARN
 */
export const asItWasMade = (documents: ReadonlyMap<string, unknown>): CheckReads => ({
  getIntegration: async () => atDataloop,
  verifyDriver: async () => undefined,
  getRole: async () => role,
  listAttachedRolePolicies: async () => [...documents.keys()],
  getDefaultPolicyVersion: async (arn) => ({
    tags: ours,
    uniqueId: 'ANPA1',
    versionId: 'v1',
    document: documents.get(arn),
  }),
  getPublicAccessBlock: async () => closed,
  getAccountPublicAccessBlock: async () => undefined,
  getBucketCors: async () => [allowing('https://console.dataloop.ai')],
  getBucketEncryption: async () => ({ algorithm: 'AES256', kmsKeyId: undefined }),
  getBucketTagging: async () => ours,
  readRecords: async () => [],
  describeKey: async () => ({ state: 'Enabled', encryptsSymmetrically: true }),
});
