/** The deployment that test/run.ts made, and how the tests use it. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { IAMClient } from '@aws-sdk/client-iam';
import { S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { jest } from '@jest/globals';
import * as z from 'zod';
import {
  apiClient,
  type IntegrationAnswer,
  integrationSchema,
  settledStatuses,
} from '../../local/api-client.ts';
import { takeListing } from '../../local/listing.ts';
import { sandboxControl } from '../../local/sandbox/control-client.ts';
import { sandboxDescriptionSchema } from '../../local/sandbox/schemas.ts';

// No measure of speed: only a hang must not last for ever.
jest.setTimeout(180_000);

const deployedSchema = z.object({
  environment: z.object({
    folder: z.string(),
    endpointUrl: z.string(),
    region: z.string(),
    certificate: z.object({ certFile: z.string(), keyFile: z.string() }),
    credentials: z.object({ accessKeyId: z.string(), secretAccessKey: z.string() }),
    sandbox: sandboxDescriptionSchema,
  }),
  deployment: z.object({
    apiUrl: z.string(),
    templateFile: z.string(),
    stage: z.string(),
    outputs: z.object({
      ProvisionStateMachineArn: z.string(),
      DeprovisionStateMachineArn: z.string(),
      EventBusName: z.string(),
      TableName: z.string(),
      PermissionsBoundaryArn: z.string(),
    }),
  }),
  /** Folder of the programs in the tests' virtual environment. */
  python: z.string(),
});

const file = process.env['TEST_DEPLOYMENT'];
if (!file) throw new Error('These tests need a deployment: run them with npm run test:integration.');
export const { environment, deployment, python } = deployedSchema.parse(
  JSON.parse(readFileSync(file, 'utf8')),
);

const { endpointUrl: endpoint, region, credentials, sandbox } = environment;

/** Settings of an AWS client with the operator's credentials. */
export const client = { endpoint, region, credentials };
export const s3 = new S3Client(client);
export const iam = new IAMClient(client);
export const stepFunctions = new SFNClient(client);
export const api = apiClient(deployment.apiUrl, region, credentials);
export const control = sandboxControl(sandbox.controlUrl);
export const listing = () => takeListing(environment);

/** Settings of an AWS client of another customer's account. */
export const foreignClient = {
  endpoint,
  region,
  credentials: { accessKeyId: '333333333333', secretAccessKey: 'test' },
};

/** A name that no other test uses; settings and faults of the sandbox are scoped by it. */
export const uniqueName = (what: string): string => `${what}-${randomBytes(4).toString('hex')}`;

export const requestFor = (name: string, more: Record<string, unknown> = {}) => ({
  name,
  bucket: { name: `dataloop-${name}` },
  dataloop: { projectId: sandbox.projectId },
  ...more,
});

/** Sends the request and expects it to be taken. */
export async function connect(name: string, more?: Record<string, unknown>): Promise<IntegrationAnswer> {
  const answer = await api.request('POST', '/integrations', { body: requestFor(name, more) });
  if (answer.status !== 202) {
    throw new Error(`POST /integrations answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  }
  return integrationSchema.parse(answer.body);
}

export async function read(integrationId: string): Promise<IntegrationAnswer> {
  const answer = await api.request('GET', `/integrations/${integrationId}`);
  if (answer.status !== 200) {
    throw new Error(`GET answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  }
  return integrationSchema.parse(answer.body);
}

/** Waits until the integration is as wanted. @throws Error with its last state when that takes too long */
export async function until(
  integrationId: string,
  wanted: (integration: IntegrationAnswer) => boolean,
  timeoutSeconds = 60,
): Promise<IntegrationAnswer> {
  const deadline = Date.now() + timeoutSeconds * 1000;
  for (;;) {
    const integration = await read(integrationId);
    if (wanted(integration)) return integration;
    if (Date.now() > deadline) {
      throw new Error(`Not within ${timeoutSeconds} s: ${JSON.stringify(integration, undefined, 1)}`);
    }
    await delay(100);
  }
}

export const settled = (integrationId: string): Promise<IntegrationAnswer> =>
  until(integrationId, ({ status }) => settledStatuses.includes(status));

export const stepStatus = (integration: IntegrationAnswer, name: string): string | undefined =>
  integration.steps.find((step) => step.name === name)?.status;

/** DELETE and wait for its end. */
export async function disconnect(integrationId: string): Promise<IntegrationAnswer> {
  const answer = await api.request('DELETE', `/integrations/${integrationId}`);
  if (answer.status !== 202) {
    throw new Error(`DELETE answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  }
  return until(integrationId, ({ status }) => settledStatuses.includes(status) && status !== 'ready');
}

/** A call of Dataloop's API as the organisation's owner. @throws Error when it is refused */
export async function dataloopCall(method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`${sandbox.apiUrl}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${sandbox.token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
  const answer: unknown = text === '' ? undefined : JSON.parse(text);
  return answer;
}
