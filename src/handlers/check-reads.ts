/** What the tests of an integration and of an added driver look at, as deployed. */
import { connectionIam, iamClient } from '../clients/aws/iam.ts';
import { keyReader, kmsClients } from '../clients/aws/kms.ts';
import { connectionBucket, s3Clients } from '../clients/aws/s3.ts';
import { type Dataloop, driverVerifier } from '../clients/dataloop/client.ts';
import type { CheckReads } from '../domain/healthcheck/checks.ts';

export const deployedCheckReads = (dataloop: Dataloop): CheckReads => ({
  ...connectionIam(iamClient()),
  ...connectionBucket(s3Clients()),
  ...keyReader(kmsClients()),
  verifyDriver: driverVerifier(dataloop).verifyDriver,
});
