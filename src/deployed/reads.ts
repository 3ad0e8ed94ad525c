/** What Preflight, plans, connection tests and removals look at, as deployed. */
import { getAccountPublicAccessBlock } from '../clients/aws/account-public-access.ts';
import * as iam from '../clients/aws/iam.ts';
import { iamClient } from '../clients/aws/iam-client.ts';
import { readAllRecords } from '../clients/aws/journal/records.ts';
import { describeKey, kmsClients } from '../clients/aws/kms.ts';
import * as s3 from '../clients/aws/s3.ts';
import { getCallerAccountId, stsClient } from '../clients/aws/sts.ts';
import { callsOf } from '../clients/calls.ts';
import * as dataloop from '../clients/dataloop/client.ts';
import { countItems, listDatasets, listDriversOf } from '../clients/dataloop/datasets.ts';
import type { CheckReads } from '../domain/healthcheck/checks.ts';
import type { PreflightReads } from '../domain/preflight/preflight.ts';
import type { UsageReads } from '../domain/resources/dataloop/foreign-drivers.ts';
import { deployedDataloop } from './dataloop.ts';
import { table } from './journal.ts';

export function deployedPreflightReads(
  buckets: s3.S3ClientFor,
  atDataloop = deployedDataloop(),
): PreflightReads {
  return {
    integrationLimit: atDataloop.options.integrationLimit,
    ...callsOf(iamClient(), {
      getRole: iam.getRole,
      getPolicy: iam.getPolicy,
      listAttachedRolePolicies: iam.listAttachedRolePolicies,
      getAccountSummary: iam.getAccountSummary,
    }),
    ...callsOf(buckets, {
      headBucket: s3.headBucket,
      getBucketTagging: s3.getBucketTagging,
      getPublicAccessBlock: s3.getPublicAccessBlock,
      getAccountPublicAccessBlock,
      getBucketEncryption: s3.getBucketEncryption,
      getBucketPolicy: s3.getBucketPolicy,
      getBucketCors: s3.getBucketCors,
      getObjectLockConfiguration: s3.getObjectLockConfiguration,
      getBucketVersioning: s3.getBucketVersioning,
      getBucketRequestPayment: s3.getBucketRequestPayment,
    }),
    ...callsOf(kmsClients(), { describeKey }),
    ...callsOf(atDataloop, {
      getProject: dataloop.getProject,
      getIntegration: dataloop.getIntegration,
      listIntegrations: dataloop.listIntegrations,
      countIntegrations: dataloop.countIntegrations,
      listDrivers: dataloop.listDrivers,
      countDrivers: dataloop.countDrivers,
      listDatasets,
    }),
    ...callsOf(stsClient(), { getCallerAccountId }),
  };
}

export const deployedCheckReads = (): CheckReads => ({
  ...callsOf(iamClient(), {
    getRole: iam.getRole,
    listAttachedRolePolicies: iam.listAttachedRolePolicies,
    getDefaultPolicyVersion: iam.getDefaultPolicyVersion,
  }),
  ...callsOf(s3.s3Clients(), {
    getBucketTagging: s3.getBucketTagging,
    getPublicAccessBlock: s3.getPublicAccessBlock,
    getAccountPublicAccessBlock,
    getBucketCors: s3.getBucketCors,
    getBucketEncryption: s3.getBucketEncryption,
  }),
  ...callsOf(kmsClients(), { describeKey }),
  ...callsOf(deployedDataloop(), {
    getIntegration: dataloop.getIntegration,
    verifyDriver: dataloop.verifyDriver,
  }),
  readRecords,
});

const readRecords = (ids: readonly string[]) => readAllRecords(table, ids);

/** What a removal would cut off. */
export const deployedRemovalReads = (): UsageReads => ({
  ...callsOf(deployedDataloop(), {
    listDrivers: dataloop.listDrivers,
    listDriversOf,
    listDatasets,
    countItems,
    countDrivers: dataloop.countDrivers,
  }),
  readRecords,
});
