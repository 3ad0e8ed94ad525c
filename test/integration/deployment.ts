/** The deployment that test/run.ts made, and how the tests use it. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { IAMClient } from '@aws-sdk/client-iam';
import { S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { afterEach, beforeEach, jest } from '@jest/globals';
import * as z from 'zod';
import type { IntegrationAnswer } from '../../local/observe/api-client.ts';
import { type Listing, takeListing } from '../../local/observe/inventory.ts';
import { sandboxControl } from '../../local/sandbox/control-client.ts';
import { sandboxDescriptionSchema } from '../../local/sandbox/schemas.ts';
import { serviceAt } from '../service.ts';
import { hangSeconds } from '../until.ts';

// No measure of speed: only a hang must not last for ever.
jest.setTimeout(3 * hangSeconds * 1000);

const keysSchema = z.object({ accessKeyId: z.string(), secretAccessKey: z.string() });

const deployedSchema = z.object({
  environment: z.object({
    folder: z.string(),
    endpointUrl: z.string(),
    region: z.string(),
    certificate: z.object({ certFile: z.string(), keyFile: z.string() }),
    rootKeys: z.object({ customer: keysSchema, dataloop: keysSchema, stranger: keysSchema }),
    credentials: keysSchema,
    sandbox: sandboxDescriptionSchema,
  }),
  deployment: z.object({
    apiUrl: z.string(),
    templateFile: z.string(),
    stage: z.string(),
    outputs: z.object({
      ProvisionStateMachineArn: z.string(),
      AddDriverStateMachineArn: z.string(),
      DeprovisionStateMachineArn: z.string(),
      EventBusName: z.string(),
      TableName: z.string(),
      PermissionsBoundaryArn: z.string(),
    }),
  }),
  /** Parameters that it was deployed with. */
  params: z.record(z.string(), z.union([z.string(), z.number()])),
  /** Keys of who deploys it. */
  deployer: keysSchema,
  /** Control server of the fault proxy between the functions and what they call. */
  faultAddress: z.object({ controlUrl: z.string(), controlToken: z.string() }),
  /** Folder of the programs in the tests' virtual environment. */
  python: z.string(),
});

const file = process.env['TEST_DEPLOYMENT'];
if (!file) throw new Error('These tests need a deployment: run them with npm run test:integration.');
export const { environment, deployment, params, deployer, faultAddress, python } = deployedSchema.parse(
  JSON.parse(readFileSync(file, 'utf8')),
);

/** Tags that the deployment gives to everything that it creates. */
export const defaultTags: Readonly<Record<string, string>> = Object.fromEntries(
  String(params['defaultTags'] ?? '')
    .split(',')
    .filter(Boolean)
    .map((tag) => tag.split('=')),
);

const { endpointUrl: endpoint, region, credentials, sandbox } = environment;

/** Settings of an AWS client with the operator's credentials. */
export const client = { endpoint, region, credentials };
export const s3 = new S3Client(client);
export const iam = new IAMClient(client);
export const stepFunctions = new SFNClient(client);
export const control = sandboxControl(sandbox);
/** What stands of a name; without one, everything. */
export async function listing(name = ''): Promise<Listing> {
  const all = Object.entries(await takeListing(environment));
  return Object.fromEntries(all.map(([kind, names]) => [kind, names.filter((each) => each.includes(name))]));
}

/** Settings of an AWS client of another customer's account. */
export const foreignClient = {
  endpoint,
  region,
  credentials: environment.rootKeys.stranger,
};

/** A name that no other test uses; settings and faults of the sandbox are scoped by it. */
export const uniqueName = (what: string): string => `${what}-${randomBytes(4).toString('hex')}`;

const service = serviceAt({ environment, deployment });
export const { api, requestFor, read, until, untilStatus, settled, disconnect } = service;

/** What is done when a test has ended, before what it made is taken away. */
const endings: (() => Promise<void>)[] = [];
export const whenTestsEnd = (work: () => Promise<void>): void => {
  endings.push(work);
};

let isInTest = false;
/** Integrations that the test has made. */
const made: string[] = [];

/** Sends the request and expects it to be taken. What a test makes goes with it, also where it fails. */
export async function connect(
  ...[name, more]: Parameters<typeof service.connect>
): Promise<IntegrationAnswer> {
  const integration = await service.connect(name, more);
  if (isInTest) made.push(integration.integrationId);
  return integration;
}

beforeEach(() => {
  isInTest = true;
});
afterEach(async () => {
  isInTest = false;
  for (const work of endings) await work();
  for (const integrationId of made.splice(0)) await service.discard(integrationId);
});

export const stepStatus = (integration: IntegrationAnswer, name: string): string | undefined =>
  integration.steps.find((step) => step.name === name)?.status;

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
