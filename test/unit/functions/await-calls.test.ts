/** Both waits of the undo go by the clock of Step Functions alone. */
import { DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import type { JournalRecord } from '../../../src/domain/model/record.ts';
import { toStored } from '../../../src/domain/model/stored-record.ts';
import { integrationId, recordOf, thrownBy } from '../domain/fakes.ts';
import '../environment.ts';
import { lambdaContext } from '../runtime/lambda-context.ts';

const dynamo = mockClient(DynamoDBDocumentClient);
const { handler: awaitOpenCalls } = await import('../../../functions/deprovision/await-open-calls.ts');
const { handler: awaitUndoCalls } = await import('../../../functions/deprovision/await-undo-calls.ts');
const { logger } = await import('../../../src/runtime/log.ts');

beforeEach(() => {
  dynamo.reset();
  for (const level of ['info', 'warn'] as const) {
    jest.spyOn(logger, level).mockReset().mockReturnValue(undefined);
  }
});

const at = (second: number) => `2026-11-23T00:00:${String(second).padStart(2, '0')}.000Z`;
const inputOf = (more: object) => ({
  integrationId,
  executionArn: `arn:aws:states:eu-west-1:111111111111:execution:deprovision:${integrationId}-remove-1`,
  since: at(0),
  enteredAt: at(20),
  attempt: 1,
  ...more,
});
/** A call of a function whose clock is a day ahead. */
const inFlightCalls = {
  'execution/CreateRole/1': { step: 'CreateRole', until: Date.parse('2026-11-24T00:00:00.000Z') },
} as const;

describe.each([
  ['AwaitOpenCalls', awaitOpenCalls],
  ['AwaitUndoCalls', awaitUndoCalls],
])('%s', (step, handler) => {
  beforeEach(() => {
    dynamo
      .on(UpdateCommand)
      .resolves({ Attributes: toStored(recordOf({ status: 'removing', inFlightCalls })) });
  });

  test('waits for an open call for as long as a function lives since the wait began', async () => {
    expect(await handler(inputOf({ enteredAt: at(34) }), lambdaContext)).toEqual({
      kind: 'integration',
      drivers: 0,
      again: 'nothing',
      settled: false,
      waitSeconds: 1,
      inFlightCalls: ['execution/CreateRole/1'],
    });
    expect(await handler(inputOf({ enteredAt: at(35) }), lambdaContext)).toMatchObject({ settled: true });
    expect(await handler(inputOf({ since: at(1), enteredAt: at(35) }), lambdaContext)).toMatchObject({
      settled: false,
    });
  });

  const resource = { state: 'created', arn: 'arn:x' } as const;
  const parent = { integrationId, dataloopIntegrationId: 'dataloop-1' };
  const added = { id: 'drv_01M85CZQP0Y0YS5TZMSXQSHEJR', parent } as const;
  test.each<[string, Partial<JournalRecord>, string]>([
    [
      'the role is left',
      { resources: { role: resource, driver: { ...resource, state: 'gone' } } },
      'DeleteRole',
    ],
    [
      'the role is gone',
      { resources: { role: { ...resource, state: 'gone' }, driver: resource } },
      'nothing',
    ],
    ['the access is left', { ...added, resources: { access: resource } }, 'RevokeAccess'],
    ['no access was granted', { ...added, resources: { bucket: resource } }, 'nothing'],
  ])('says which step has to take the access away once more: %s', async (_when, more, again) => {
    const record = recordOf({ status: 'removing', ...more });
    dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
    const input = inputOf({ recordId: record.id });
    expect(await handler(input, lambdaContext)).toMatchObject({ settled: true, again });
  });

  test('does not say so of a step that has failed for good', async () => {
    const record = recordOf({ status: 'removing', resources: { role: resource } });
    dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
    const afterFailure = async (failed: string) =>
      handler(inputOf({ failures: [{ step: failed, error: { Error: 'AwsConflictError' } }] }), lambdaContext);
    expect(await afterFailure('DeleteRole')).toMatchObject({ again: 'nothing' });
    expect(await afterFailure('RevokeAccess')).toMatchObject({ again: 'DeleteRole' });
  });

  test('is journalled under its own name, and only during an undo', async () => {
    await handler(inputOf({}), lambdaContext);
    expect(dynamo.commandCalls(UpdateCommand)[0]?.args[0].input).toMatchObject({
      ExpressionAttributeNames: { '#step': step },
      ExpressionAttributeValues: { ':status0': 'rolling-back', ':status1': 'removing' },
    });
  });

  test.each([undefined, 'some time ago'])('does not guess when the wait began: %s', async (since) => {
    expect((await thrownBy(handler(inputOf({ since }), lambdaContext))).name).toBe('InvalidInputError');
  });
});
