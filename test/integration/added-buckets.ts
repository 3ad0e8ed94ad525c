/** Buckets that are added to an integration and taken away, by the API. */
import { expect } from '@jest/globals';
import type * as z from 'zod';
import {
  addedDriverViewSchema,
  connectionTestSchema,
  driverTestSchema,
} from '../../src/domain/api/responses.ts';
import { recordItem } from '../faults/journal.ts';
import { undoneStatuses } from '../service.ts';
import { hangSeconds, until } from '../until.ts';
import { api, deployment, environment } from './deployment.ts';

export type Driver = z.infer<typeof addedDriverViewSchema>;
/** How many times as many as usual come at once: `npm run faults` adds 42 buckets. */
export const crowd = process.env['THOROUGH'] ? 7 : 1;
const over: readonly string[] = ['ready', 'failed', 'residue', 'removed'];

export const driverRequest = (bucketName: string, more: object = {}, dataloop: object = {}) => ({
  bucket: { name: bucketName, ...more },
  dataloop: { projectId: environment.sandbox.projectId, ...dataloop },
});

export async function add(integrationId: string, request: object): Promise<Driver> {
  const { status, body } = await api.request('POST', `/integrations/${integrationId}/drivers`, {
    body: request,
  });
  if (status !== 202) throw new Error(`POST of a driver answered ${status}: ${JSON.stringify(body)}`);
  return addedDriverViewSchema.parse(body);
}

export async function driverSettled({ driverId, links }: Driver, wanted = over): Promise<Driver> {
  await until(
    `the driver ${driverId} is ${wanted.join(' or ')}`,
    async () => wanted.includes((await recordItem({ environment, deployment }, driverId))?.status ?? ''),
    { limitSeconds: crowd * hangSeconds },
  );
  return addedDriverViewSchema.parse((await api.request('GET', links.self)).body);
}

export async function takeAway(driver: Driver, query = ''): Promise<Driver> {
  const { status, body } = await api.request('DELETE', `${driver.links.self}${query}`);
  if (status !== 202) throw new Error(`DELETE of a driver answered ${status}: ${JSON.stringify(body)}`);
  return driverSettled(driver, undoneStatuses);
}

export async function testOf(integrationId: string) {
  const { status, body } = await api.request('POST', `/integrations/${integrationId}/test`);
  expect(status).toBe(200);
  return connectionTestSchema.parse(body);
}

export async function driverTestOf({ links }: Driver) {
  const { status, body } = await api.request('POST', `${links.self}/test`);
  expect([status, body]).toEqual([200, expect.anything()]);
  return driverTestSchema.parse(body);
}
