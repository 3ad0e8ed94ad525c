/** An integration in memory, and a journal that keeps the order of all that happens. */
import type { AccountSettings } from '../../../src/config.ts';
import type { IntegrationRecord } from '../../../src/domain/journal.ts';
import { ownerTag, planFor } from '../../../src/domain/plan.ts';
import { parseRequest } from '../../../src/domain/request.ts';
import { type StepContext, stepContext } from '../../../src/domain/step.ts';

export const integrationId = 'int_01M85CZQP0Y0YS5TZMSXQSHEJR';
export const ours = { [ownerTag]: integrationId };

export const account: AccountSettings = {
  partition: 'aws',
  accountId: '111111111111',
  region: 'eu-west-1',
  iamPath: '/dataloop-cross-account/test/',
  permissionsBoundaryArn: 'arn:aws:iam::111111111111:policy/boundary',
  bucketNamePattern: 'dataloop-*',
  roleNamePattern: 'dataloop-*',
  consoleOrigin: 'https://console.dataloop.ai',
};

export const body = {
  name: 'acme',
  bucket: { name: 'dataloop-acme' },
  dataloop: { projectId: 'project-1' },
};

export const requestOf = (more: object = {}) => parseRequest({ ...body, ...more }, account);

export function recordOf(more: Partial<IntegrationRecord> = {}): IntegrationRecord {
  return {
    integrationId,
    name: 'acme',
    status: 'provisioning',
    createdAt: '2026-11-23T00:00:00.000Z',
    updatedAt: '2026-11-23T00:00:00.000Z',
    request: requestOf(),
    requestHash: 'hash',
    executionArn: `arn:aws:states:eu-west-1:111111111111:execution:provision:${integrationId}`,
    dataloop: { organizationId: 'org-1' },
    steps: {},
    resources: {},
    openCalls: {},
    ...more,
  };
}

/** @param events gets a line for each write to the journal; effects of fakes may be noted there too */
export function stepOf(record: IntegrationRecord, events: string[] = []): StepContext {
  return stepContext(
    {
      integrationId,
      step: 'CreateBucket',
      callId: 'execution/CreateBucket/1',
      attempt: 1,
      startedAt: record.createdAt,
      openUntil: 30_000,
    },
    record,
    planFor(integrationId, record.request, account),
    ['provisioning'],
    {
      writeResource: async (_id, key, resource) => {
        events.push(`journal ${key} ${resource.residue ? 'residue' : resource.state}`);
      },
    },
  );
}

/** What a promise throws. @throws Error where it does not */
export async function thrownBy(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('Nothing was thrown.');
}
