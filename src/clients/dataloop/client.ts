/**
 * Dataloop's API, as far as this service uses it (Dataloop's public OpenAPI document and its cross-account
 * guide), a function a call. A Lambda function binds those that it makes to its client.
 */
import * as z from 'zod';
import type { DataloopSettings } from '../../config.ts';
import type { DataloopApi, DriverSettings } from '../../domain/resources/dataloop/api.ts';
import { ServiceError } from '../../errors.ts';
import { driverSchema, integrationSchema, kindSchema, listOf, projectSchema } from './answers.ts';
import { credentialsFrom, type Token } from './credentials.ts';
import { exchange, type Http, httpFor, noContent, parseJson, refusal } from './http.ts';

const owner = 'owner of the organisation';
const developer = 'owner or developer of the project';

export interface Dataloop {
  readonly http: Http;
}

export function dataloopClient(settings: DataloopSettings, readSecret: () => Promise<string>): Dataloop {
  const tokenUrl = `${new URL(settings.apiUrl).origin}/token?default`;
  const credentials = credentialsFrom(settings.secretId, readSecret, async (body) => {
    const answer = await exchange(
      tokenUrl,
      { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
      8_000,
    );
    if (answer.status >= 200 && answer.status < 300) return parseJson(answer.body);
    // A log-in that is refused answers 400, 401 or 403: each means the same to the reader.
    const refused = answer.status >= 400 && answer.status < 404 ? { ...answer, status: 401 } : answer;
    const call = { what: 'accept the log-in', role: 'a member of the organisation' };
    const sent = [body['password'], body['refresh_token']].filter((secret) => secret !== undefined);
    throw refusal(refused, call, settings.secretId, sent);
  });
  return { http: httpFor(credentials, settings) };
}

const segment = encodeURIComponent;

/** Undefined where Dataloop answers 404. */
async function ifFound<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ServiceError && error.name === 'DataloopNotFoundError') return undefined;
    throw error;
  }
}

const integrations = (organizationId: string) => `/orgs/${segment(organizationId)}/integrations`;
const integration = (organizationId: string, dataloopIntegrationId: string) =>
  `${integrations(organizationId)}/${segment(dataloopIntegrationId)}`;

export const getProject =
  ({ http }: Dataloop): DataloopApi['getProject'] =>
  (projectId) =>
    http.send({
      method: 'GET',
      path: `/projects/${segment(projectId)}`,
      schema: projectSchema,
      what: `find project ${projectId}`,
      role: developer,
      repeatable: true,
    });

export const getIntegration =
  ({ http }: Dataloop): DataloopApi['getIntegration'] =>
  (organizationId, dataloopIntegrationId) =>
    ifFound(
      http.send({
        method: 'GET',
        path: integration(organizationId, dataloopIntegrationId),
        schema: integrationSchema,
        what: `read integration ${dataloopIntegrationId}`,
        role: owner,
        repeatable: true,
      }),
    );

/** @param schema what is needed of each: others' integrations may be of another shape in the rest */
const listed = <T>({ http }: Dataloop, organizationId: string, schema: z.ZodType<T>): Promise<T[]> =>
  http.send({
    method: 'GET',
    path: integrations(organizationId),
    schema: listOf(schema),
    what: `list the integrations of organisation ${organizationId}`,
    role: owner,
    repeatable: true,
  });

export const listIntegrations =
  (dataloop: Dataloop): DataloopApi['listIntegrations'] =>
  (organizationId) =>
    listed(dataloop, organizationId, integrationSchema);

export const countIntegrations =
  (dataloop: Dataloop): DataloopApi['countIntegrations'] =>
  async (organizationId) => {
    const all = await listed(dataloop, organizationId, kindSchema);
    return all.filter(({ type }) => type === 'aws-cross').length;
  };

export const createIntegration =
  ({ http }: Dataloop): DataloopApi['createIntegration'] =>
  (organizationId, name) =>
    http.send({
      method: 'POST',
      path: integrations(organizationId),
      body: () => ({ type: 'aws-cross', name, options: {} }),
      schema: integrationSchema,
      what: `create the integration "${name}"`,
      role: owner,
      repeatable: false,
      refused: (status, said) => limitReached(status, said, organizationId),
    });

/** Dataloop has no code for its limit; its words name it. */
function limitReached(status: number, said: string, organizationId: string): ServiceError | undefined {
  const mayBe = status >= 400 && status < 500 && ![401, 404, 408, 429].includes(status);
  if (!mayBe || !/\b(limit|quota|maximum|exceed)/i.test(said)) return undefined;
  return new ServiceError(
    'DataloopIntegrationLimitError',
    `Organisation ${organizationId} has reached Dataloop's limit of cross-account integrations (15 by default). Delete one ` +
      "that nobody uses, or ask Dataloop's support for more, then send the request again.",
  );
}

export const setRoleArn =
  ({ http }: Dataloop): DataloopApi['setRoleArn'] =>
  (organizationId, dataloopIntegrationId, roleArn) =>
    http.send({
      method: 'PATCH',
      path: integrations(organizationId),
      body: () => ({
        integrationId: dataloopIntegrationId,
        credentials: { type: 'aws-cross', options: { roleArn } },
      }),
      schema: integrationSchema,
      what: `set the role ARN of integration ${dataloopIntegrationId}`,
      role: owner,
      repeatable: true,
    });

export const deleteIntegration =
  ({ http }: Dataloop): DataloopApi['deleteIntegration'] =>
  async (organizationId, dataloopIntegrationId) => {
    await ifFound(
      http.send({
        method: 'DELETE',
        path: integration(organizationId, dataloopIntegrationId),
        schema: noContent,
        what: `delete integration ${dataloopIntegrationId}`,
        role: owner,
        repeatable: true,
      }),
    );
  };

const driverPayload =
  (settings: DriverSettings) =>
  ({ email }: Token) => ({
    integrationId: settings.dataloopIntegrationId,
    integrationType: 'aws-cross',
    name: settings.name,
    type: 's3',
    metadata: { system: { projectId: settings.projectId } },
    payload: {
      bucketName: settings.bucketName,
      storageClass: '',
      region: settings.region,
      path: settings.path,
    },
    allowExternalDelete: settings.allowExternalDelete,
    creator: email ?? '',
  });

/** A test that Dataloop answers with a refusal is a bucket that it cannot use, whatever status it chooses. */
async function driverTest(bucket: string, call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ServiceError && error.name === 'DataloopRequestRefusedError') {
      throw new ServiceError(
        'DriverTestFailedError',
        `${error.message} Dataloop could not list, write, read or delete objects in ${bucket}: look for a service control ` +
          'policy or another policy that denies it.',
        { cause: error },
      );
    }
    throw error;
  }
}

export const testDriver =
  ({ http }: Dataloop): DataloopApi['testDriver'] =>
  (settings) =>
    driverTest(
      `bucket ${settings.bucketName}`,
      http.send({
        method: 'POST',
        path: '/drivers/test',
        body: driverPayload(settings),
        schema: noContent,
        what: `complete its test of bucket ${settings.bucketName}`,
        role: developer,
        repeatable: true,
      }),
    );

export const verifyDriver =
  ({ http }: Dataloop): DataloopApi['verifyDriver'] =>
  (driverId) =>
    driverTest(
      `the bucket of driver ${driverId}`,
      http.send({
        method: 'GET',
        path: `/drivers/${segment(driverId)}/test`,
        schema: noContent,
        what: `complete its test of driver ${driverId}`,
        role: developer,
        repeatable: true,
      }),
    );

export const listDrivers =
  ({ http }: Dataloop): DataloopApi['listDrivers'] =>
  async (projectId) =>
    // A project that is gone has no drivers.
    (await ifFound(
      http.send({
        method: 'GET',
        path: `/drivers?projectId=${segment(projectId)}`,
        schema: listOf(driverSchema),
        what: `list the drivers of project ${projectId}`,
        role: developer,
        repeatable: true,
      }),
    )) ?? [];

export const countDrivers =
  ({ http }: Dataloop): DataloopApi['countDrivers'] =>
  (dataloopIntegrationId) =>
    http.send({
      method: 'GET',
      path: `/drivers/byIntegration/${segment(dataloopIntegrationId)}`,
      schema: z.number().int().nonnegative(),
      what: `count the drivers of integration ${dataloopIntegrationId}`,
      role: developer,
      repeatable: true,
    });

export const createDriver =
  ({ http }: Dataloop): DataloopApi['createDriver'] =>
  (settings) =>
    http.send({
      method: 'POST',
      path: '/drivers',
      body: driverPayload(settings),
      schema: driverSchema,
      what: `create the driver "${settings.name}"`,
      role: developer,
      repeatable: false,
    });

export const deleteDriver =
  ({ http }: Dataloop): DataloopApi['deleteDriver'] =>
  async (driverId) => {
    await ifFound(
      http.send({
        method: 'DELETE',
        path: `/drivers/${segment(driverId)}`,
        schema: noContent,
        what: `delete driver ${driverId}`,
        role: developer,
        repeatable: true,
      }),
    );
  };
