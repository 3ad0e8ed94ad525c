/** What tests of adoption have in common. */
import { expect } from '@jest/globals';
import type { IntegrationAnswer } from '../../../local/observe/api-client.ts';
import { adoptable, bucketName } from '../../adoptable.ts';
import { type Snapshot, takeSnapshot } from '../../faults/snapshot.ts';
import { connect, dataloopCall, environment, iam, s3, settled } from '../deployment.ts';

/** What can be adopted is made and taken away by its number, which no two tests have in common. */
export const world = adoptable({ s3, iam, dataloopCall, organizationId: environment.sandbox.organizationId });

export const adopting = (number: number, more: object = {}) => ({
  bucket: { name: bucketName(number), mode: 'adopt', ...more },
});

/** Everything of these names, in AWS and at Dataloop. */
export const snapshot = (...names: string[]): Promise<Snapshot> =>
  takeSnapshot(environment, (each) => names.some((name) => each.includes(name)));

export async function connectReady(name: string, more: Record<string, unknown>): Promise<IntegrationAnswer> {
  const ready = await settled((await connect(name, more)).integrationId);
  expect(ready.error).toBeUndefined();
  expect(ready.status).toBe('ready');
  return ready;
}

export const originsOf = ({ resources }: IntegrationAnswer) =>
  Object.fromEntries(resources.map(({ type, origin }) => [type.split('::').at(-1), origin]));
