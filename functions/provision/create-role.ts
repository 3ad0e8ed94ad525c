import * as z from 'zod';
import * as iam from '../../src/clients/aws/iam.ts';
import { iamClient } from '../../src/clients/aws/iam-client.ts';
import { settleStep } from '../../src/clients/aws/journal/record.ts';
import * as s3 from '../../src/clients/aws/s3.ts';
import { callsOf } from '../../src/clients/calls.ts';
import { getIntegration, getProject, listIntegrations } from '../../src/clients/dataloop/client.ts';
import { accountSettings, dataloopSettings, iamUserTimeoutSeconds } from '../../src/config.ts';
import { deployedDataloop } from '../../src/deployed/dataloop.ts';
import { table } from '../../src/deployed/journal.ts';
import { refuseForeignBucket } from '../../src/domain/resources/bucket/bucket.ts';
import { readIssued, type SeenIntegration } from '../../src/domain/resources/dataloop/integration.ts';
import { adoptRole } from '../../src/domain/resources/role/adopt.ts';
import { createRole } from '../../src/domain/resources/role/role.ts';
import { namedUserArn } from '../../src/domain/waiting/operator-steps.ts';
import { foundByPreflight, parseInput } from '../../src/runtime/input.ts';
import { provisionStep } from '../../src/runtime/step.ts';

const calls = callsOf(iamClient(), {
  getRole: iam.getRole,
  createRole: iam.createRole,
  updateAssumeRolePolicy: iam.updateAssumeRolePolicy,
  attachRolePolicy: iam.attachRolePolicy,
  getDefaultPolicyVersion: iam.getDefaultPolicyVersion,
  listAttachedRolePolicies: iam.listAttachedRolePolicies,
  listRolePolicies: iam.listRolePolicies,
});
const reads = callsOf(deployedDataloop(), { getProject, getIntegration, listIntegrations });
const timeoutSeconds = iamUserTimeoutSeconds();
const { getBucketTagging } = callsOf(s3.s3Clients(), { getBucketTagging: s3.getBucketTagging });

const inputSchema = z.looseObject(foundByPreflight);

/**
 * CreateRole: trusts the one IAM user that Dataloop names when it is asked here, or an operator where it may not be
 * asked, and carries our boundary; or a role that is there trusts that user, too.
 */
export const handler = provisionStep('CreateRole', async (step, input) => {
  const { organizationId: found } = parseInput(inputSchema, input, 'The input of CreateRole');
  // Who woke the workflow may have died, or not have learnt that it did, before it could write so.
  await settleStep(table, step.desired.recordId, 'RequestIamUser', 'succeeded');
  await refuseForeignBucket(step.desired, getBucketTagging);
  const { accountId: dataloopAccountId, organizationId } = dataloopSettings();
  const trust = { partition: accountSettings().partition, dataloopAccountId };
  const dataloop = { ...reads, organizationId, foundByPreflight: found };
  let dataloopIntegration: SeenIntegration | undefined;
  const userArn = async () => {
    if (step.desired.isMadeByOperator) return namedUserArn(step, dataloop, trust, timeoutSeconds);
    const { id, trustStatus, userArn } = await readIssued(step, dataloop);
    dataloopIntegration = { id, trustStatus };
    return userArn;
  };
  const made = await (step.desired.role.mode === 'adopt'
    ? adoptRole(step, calls, userArn, trust)
    : createRole(step, calls, userArn, trust));
  return { ...made, ...(dataloopIntegration ? { dataloopIntegration } : {}) };
});
