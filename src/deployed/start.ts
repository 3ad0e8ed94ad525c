/** How a record and its execution begin, as deployed. */
import { ulid } from 'ulid';
import { recordReader } from '../clients/aws/journal/record.ts';
import { executionArnOf, provisionStarter, stepFunctionsClient } from '../clients/aws/step-functions.ts';
import { type IdempotencyKey, newRegistration, type Register } from '../domain/lifecycle/start.ts';
import type { JournalRecord } from '../domain/model/record.ts';
import type { IntegrationRequest } from '../domain/model/request.ts';
import type { StackResource } from '../domain/model/stack-resource.ts';
import { table } from './journal.ts';

/** @param prefix of the ids that are given */
export function deployedStart(prefix: 'int' | 'drv', stateMachineArn: string, register: Register) {
  return {
    store: { ...register, ...recordReader(table) },
    machine: provisionStarter(stepFunctionsClient(), stateMachineArn),
    /** @throws ServiceError `InvalidRequestError` for an Idempotency-Key that cannot be one */
    newRecord: (
      request: IntegrationRequest,
      requestedBy: string,
      idempotencyKey: IdempotencyKey | undefined,
      parent?: NonNullable<JournalRecord['parent']>,
      stack?: StackResource,
    ) => {
      const recordId = `${prefix}_${ulid()}`;
      return newRegistration(request, idempotencyKey, {
        recordId,
        executionArn: executionArnOf(stateMachineArn, recordId),
        now: new Date(),
        requestedBy,
        ...(parent ? { parent } : {}),
        ...(stack ? { stack } : {}),
      });
    },
  };
}
