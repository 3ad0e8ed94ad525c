/** What the functions take from the bus; the published contracts have their samples in events/. */
import { expect, test } from '@jest/globals';
import { executionStatusEventSchema, iamUserIssuedEventSchema } from '../../../../src/domain/api/events.ts';
import { integrationId, recordOf, userArn } from '../fakes.ts';

const issued = {
  source: 'dataloop-cross-account',
  'detail-type': 'Dataloop IAM User Issued',
  detail: { version: '1', integrationId, dataloopIntegrationId: 'dataloop-1', userArn },
};

test('an event that says the IAM user is issued is taken with all that EventBridge adds', () => {
  const event = { ...issued, id: 'x', account: '111111111111', region: 'eu-west-1', resources: [] };
  expect(iamUserIssuedEventSchema.parse(event).detail).toEqual(issued.detail);
});

test.each([
  ['of another source', { ...issued, source: 'aws.s3' }],
  ['of another type', { ...issued, 'detail-type': 'Dataloop Integration Ready' }],
  ['of a later version', { ...issued, detail: { ...issued.detail, version: '2' } }],
  [
    'whose integration id could be another key of the journal',
    { ...issued, detail: { ...issued.detail, integrationId: 'lock#name' } },
  ],
  ['without a user', { ...issued, detail: { ...issued.detail, userArn: undefined } }],
])('an event %s does not say that the IAM user is issued', (_what, event) => {
  expect(iamUserIssuedEventSchema.safeParse(event).success).toBe(false);
});

test.each([
  ['FAILED', true],
  ['TIMED_OUT', true],
  ['ABORTED', true],
  ['SUCCEEDED', false],
  ['RUNNING', false],
])('the watchdog follows up an execution that is %s: %s', (status, expected) => {
  const detail = {
    executionArn: recordOf().executionArn,
    stateMachineArn: 'arn:machine',
    name: integrationId,
    status,
  };
  expect(executionStatusEventSchema.safeParse({ detail }).success).toBe(expected);
});
