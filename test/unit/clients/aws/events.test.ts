import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { beforeEach, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { publisher } from '../../../../src/clients/aws/events.ts';
import { sdkError } from './sdk-answers.ts';

const client = new EventBridgeClient({ region: 'eu-west-1' });
const eventBridge = mockClient(client);
beforeEach(() => {
  eventBridge.reset();
});

const publish = publisher(client, 'dataloop-bus');
const detail = {
  version: '1',
  integrationId: 'int_01M85CZQP0Y0YS5TZMSXQSHEJR',
  dataloopIntegrationId: '9c130d42121095bfa5ac8e6f',
  userArn: 'arn:aws:iam::222222222222:user/dataloop-1',
} as const;
const announce = () => publish('Dataloop IAM User Issued', detail);

test('the event goes to our own bus, under our source', async () => {
  eventBridge.on(PutEventsCommand).resolves({ FailedEntryCount: 0, Entries: [{ EventId: '1' }] });
  await announce();
  expect(eventBridge.call(0).args[0].input).toEqual({
    Entries: [
      {
        EventBusName: 'dataloop-bus',
        Source: 'dataloop-cross-account',
        DetailType: 'Dataloop IAM User Issued',
        Detail: JSON.stringify(detail),
      },
    ],
  });
});

test('nothing but the contract goes out', async () => {
  eventBridge.on(PutEventsCommand).resolves({ FailedEntryCount: 0, Entries: [{ EventId: '1' }] });
  const more = { ...detail, taskToken: 'a-very-secret-task-token' };
  await publish('Dataloop IAM User Issued', more);
  expect(JSON.stringify(eventBridge.call(0).args[0].input)).not.toContain(more.taskToken);
});

test('whatever Dataloop names as its user goes out as it is: CreateRole refuses it with a clear error', async () => {
  eventBridge.on(PutEventsCommand).resolves({ FailedEntryCount: 0, Entries: [{ EventId: '1' }] });
  for (const userArn of ['*', '222222222222', `arn:aws:iam::222222222222:user/${'x'.repeat(1_000)}`]) {
    await publish('Dataloop IAM User Issued', { ...detail, userArn });
  }
  expect(eventBridge.calls()).toHaveLength(3);
});

test('a detail that breaks the contract is not sent', async () => {
  const foreign = { ...detail, integrationId: 'somebody-elses' };
  await expect(publish('Dataloop IAM User Issued', foreign)).rejects.toThrow('integrationId');
  expect(eventBridge.calls()).toHaveLength(0);
});

test('an entry that is refused under status 200 is an error, tried again', async () => {
  eventBridge
    .on(PutEventsCommand)
    .resolves({ FailedEntryCount: 1, Entries: [{ ErrorCode: 'ThrottlingException', ErrorMessage: 'slow' }] });
  await expect(announce()).rejects.toMatchObject({
    name: 'AwsUnavailableError',
    message: expect.stringMatching(/Dataloop IAM User Issued.*ThrottlingException/),
  });
});

test('an answer without an event id is no success', async () => {
  eventBridge.on(PutEventsCommand).resolves({ Entries: [] });
  await expect(announce()).rejects.toMatchObject({ name: 'AwsUnavailableError' });
});

test('a call that fails as a whole names the event', async () => {
  eventBridge.on(PutEventsCommand).rejects(sdkError('AccessDeniedException', 400));
  await expect(announce()).rejects.toMatchObject({
    name: 'AwsAccessDeniedError',
    message: expect.stringContaining('Dataloop IAM User Issued'),
  });
});
