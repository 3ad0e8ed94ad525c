/** What Preflight and plans look at, as deployed. */
import {
  accountSummary,
  adoptableRoleReader,
  patientIamClient,
  policyReader,
  roleReader,
} from '../clients/aws/iam.ts';
import { keyReader, kmsClients } from '../clients/aws/kms.ts';
import { adoptableBucketReader, holderOf, type S3ClientFor } from '../clients/aws/s3.ts';
import { callerAccountId, stsClient } from '../clients/aws/sts.ts';
import {
  driverFinder,
  integrationCounter,
  integrationReader,
  projectReader,
} from '../clients/dataloop/client.ts';
import type { PreflightChecks } from '../domain/preflight/preflight.ts';
import { deployedDataloop } from './dataloop.ts';

export function deployedPreflightReads(s3: S3ClientFor): PreflightChecks {
  const iam = patientIamClient();
  const sts = stsClient();
  const dataloop = deployedDataloop();
  return {
    ...policyReader(iam),
    ...roleReader(iam),
    ...keyReader(kmsClients()),
    ...projectReader(dataloop),
    ...integrationCounter(dataloop),
    ...integrationReader(dataloop),
    ...driverFinder(dataloop),
    ...adoptableBucketReader(s3),
    ...adoptableRoleReader(iam),
    accountSummary: () => accountSummary(iam),
    holderOf: (bucket) => holderOf(s3, bucket),
    callerAccountId: () => callerAccountId(sts),
  };
}
