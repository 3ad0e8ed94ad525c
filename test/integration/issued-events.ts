/** "Dataloop IAM User Issued" as anybody could put it on the bus, and workflows that wait for it. */
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { IntegrationAnswer } from '../../local/observe/api-client.ts';
import { eventSource } from '../../src/domain/api/events.ts';
import { until as untilSeen } from '../until.ts';
import { client, connect, control, deployment, environment, stepStatus, until } from './deployment.ts';
import { faults } from './faulty.ts';

const events = new EventBridgeClient(client);

export const dataloopIdOf = ({ resources }: IntegrationAnswer): string =>
  resources.find(({ type }) => type === 'Dataloop::Integration')?.id ?? '';

/** Puts the event on the bus, so many times in one call. */
export async function publishIssued(
  integrationId: string,
  dataloopIntegrationId: string,
  times = 1,
  userArn = `arn:aws:iam::${environment.sandbox.accountId}:user/dataloop`,
): Promise<void> {
  const entry = {
    EventBusName: deployment.outputs.EventBusName,
    Source: eventSource,
    DetailType: 'Dataloop IAM User Issued',
    Detail: JSON.stringify({ version: '1', integrationId, dataloopIntegrationId, userArn }),
  };
  await events.send(new PutEventsCommand({ Entries: Array.from({ length: times }, () => entry) }));
}

/** Waits until a function was called so many times in a scope, by what it reads first. */
export async function untilCalled(name: string, caller: string, count: number): Promise<void> {
  let reads = 0;
  await untilSeen(
    () => `${caller} is called ${count} times, not ${reads}`,
    async () => {
      reads = (await faults.calls(name)).filter(
        (call) => call.function === caller && call.operation === 'dynamodb:GetItem',
      ).length;
      return reads >= count;
    },
  );
}

/** A provisioning that waits for Dataloop's IAM user, which does not come. */
export async function waitingFor(name: string): Promise<IntegrationAnswer> {
  await control.set(name, { userArnDelaySeconds: 'never' });
  const { integrationId } = await connect(name);
  return until(integrationId, (now) => stepStatus(now, 'RequestIamUser') === 'waiting');
}
