/**
 * Dataloop's API, as far as this service uses it (Dataloop's public OpenAPI document and its cross-account
 * guide), a function a call. A Lambda function binds those that it makes to its client.
 */
import * as z from 'zod';
import { type DataloopOptions, type DataloopSettings, usualDataloopOptions } from '../../config.ts';
import type { DataloopApi, DriverSettings } from '../../domain/resources/dataloop/api.ts';
import { ServiceError } from '../../errors.ts';
import { driverSchema, integrationSchema, oneIntegrationSchema, projectSchema } from './answers.ts';
import { type Credentials, credentialsFrom, type Token } from './credentials.ts';
import { exchange, type Http, httpFor, noContent, parseJson, refusal } from './http.ts';
import { countOf, entriesOf, wholeList } from './lists.ts';
import { ifNameTaken, integrationExists, limitReached } from './refusals.ts';
import { transportOf } from './transport.ts';

/** Dataloop lets these make and change integrations. Bots of a project are neither. */
const owner = 'owner or admin of the organisation';
const ownerOrOperator = `${owner}, which a bot of a project cannot be. Without such a user, send "createdBy": "operator"`;
export const developer = 'owner or developer of the project';
/** The type of the integrations that this service makes. */
const crossAccount = 'aws-cross';

export interface Dataloop {
  readonly http: Http;
  readonly options: DataloopOptions;
  readonly apiKeyEnd: Credentials['apiKeyEnd'];
}

export function dataloopClient(settings: DataloopSettings, readSecret: () => Promise<string>): Dataloop {
  const options = { ...usualDataloopOptions, ...settings.options };
  const transport = transportOf(options);
  const tokenUrl = `${options.gateUrl ?? new URL(settings.apiUrl).origin}/token?default`;
  const credentials = credentialsFrom(settings.secretId, readSecret, async (body) => {
    const answer = await exchange(
      tokenUrl,
      { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
      8_000,
      {},
      transport,
    );
    if (answer.status >= 200 && answer.status < 300) return parseJson(answer.body);
    // A log-in that is refused answers 400, 401 or 403: each means the same to the reader.
    const refused = answer.status >= 400 && answer.status < 404 ? { ...answer, status: 401 } : answer;
    const call = { what: 'accept the log-in', role: 'a member of the organisation' };
    const sent = [body['password'], body['refresh_token']].filter((secret) => secret !== undefined);
    throw refusal(refused, call, settings.secretId, sent);
  });
  const longTimeoutMs = options.answerSeconds * 1_000;
  const http = httpFor(credentials, { ...settings, transport, longTimeoutMs });
  return { http, options, apiKeyEnd: credentials.apiKeyEnd };
}

export const apiKeyEnd = (dataloop: Dataloop): Credentials['apiKeyEnd'] => dataloop.apiKeyEnd;

const segment = encodeURIComponent;

/** Undefined where Dataloop answers 404. */
export async function ifFound<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ServiceError && error.name === 'DataloopNotFoundError') return undefined;
    throw error;
  }
}

/** What is gone already counts as deleted. */
export async function deleteAt(
  http: Http,
  path: string,
  { what, role }: { readonly what: string; readonly role: string },
): Promise<void> {
  await ifFound(http.send({ method: 'DELETE', path, schema: noContent, what, role, repeatable: true }));
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
  ({ http, options }: Dataloop): DataloopApi['getIntegration'] =>
  (organizationId, dataloopIntegrationId) =>
    ifFound(
      http.send({
        method: 'GET',
        path: integration(organizationId, dataloopIntegrationId),
        schema: oneIntegrationSchema(crossAccount, options),
        what: `read integration ${dataloopIntegrationId}`,
        role: owner,
        repeatable: true,
      }),
    );

const listOfIntegrations = (organizationId: string) =>
  ({
    method: 'GET',
    path: integrations(organizationId),
    what: `list the integrations of organisation ${organizationId}`,
    role: ownerOrOperator,
    repeatable: true,
  }) as const;

export const listIntegrations =
  ({ http, options }: Dataloop): DataloopApi['listIntegrations'] =>
  async (organizationId, concern) => {
    const call = listOfIntegrations(organizationId);
    const all = await wholeList(http, call);
    return entriesOf(all, {
      schema: integrationSchema(options),
      type: crossAccount,
      concern,
      what: call.what,
    });
  };

export const countIntegrations =
  ({ http }: Dataloop): DataloopApi['countIntegrations'] =>
  async (organizationId) =>
    countOf(await wholeList(http, listOfIntegrations(organizationId)), crossAccount);

export const createIntegration =
  ({ http, options }: Dataloop): DataloopApi['createIntegration'] =>
  (organizationId, name) =>
    http.send({
      method: 'POST',
      path: integrations(organizationId),
      body: () => ({ type: crossAccount, name, options: {} }),
      schema: oneIntegrationSchema(crossAccount, options),
      what: `create the integration "${name}"`,
      role: ownerOrOperator,
      repeatable: false,
      takesLong: true,
      refused: (status, said) =>
        limitReached(status, said, organizationId, options.integrationLimit) ??
        integrationExists(status, said, name),
    });

export const setRoleArn =
  ({ http, options }: Dataloop): DataloopApi['setRoleArn'] =>
  (organizationId, dataloopIntegrationId, roleArn) =>
    http.send({
      method: 'PATCH',
      path: integrations(organizationId),
      body: () => ({
        integrationId: dataloopIntegrationId,
        credentials: { type: crossAccount, options: { roleArn } },
      }),
      schema: oneIntegrationSchema(crossAccount, options),
      what: `set the role ARN of integration ${dataloopIntegrationId}`,
      role: owner,
      repeatable: true,
      takesLong: true,
      refused: (status, said) =>
        notYet.includes(status)
          ? new ServiceError(
              'TrustNotEstablishedError',
              `Dataloop did not take the role ${roleArn} for its integration ${dataloopIntegrationId} (${status}: ${said}).`,
            )
          : undefined,
    });

/** Dataloop tries the role. Nobody knows whether one that it cannot assume yet is answered, or refused with one of these. */
const notYet: readonly number[] = [400, 409, 422, 424];

export const deleteIntegration =
  ({ http }: Dataloop): DataloopApi['deleteIntegration'] =>
  (organizationId, dataloopIntegrationId) =>
    deleteAt(http, integration(organizationId, dataloopIntegrationId), {
      what: `delete integration ${dataloopIntegrationId}`,
      role: owner,
    });

/** The folder as Dataloop is to have it; empty: the whole bucket. */
const pathOf = (path: string, { pathStyle }: DataloopOptions): string =>
  path && pathStyle.replace('folder', () => path);

const driverPayload =
  (settings: DriverSettings, options: DataloopOptions) =>
  ({ email }: Token) => ({
    integrationId: settings.dataloopIntegrationId,
    integrationType: crossAccount,
    name: settings.name,
    type: 's3',
    metadata: { system: { projectId: settings.projectId } },
    payload: {
      bucketName: settings.bucketName,
      storageClass: options.storageClass,
      region: settings.region,
      path: pathOf(settings.path, options),
    },
    allowExternalDelete: settings.allowExternalDelete,
    ...(options.allowExternalModification === undefined
      ? {}
      : { allowExternalModification: options.allowExternalModification }),
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
  ({ http, options }: Dataloop): DataloopApi['testDriver'] =>
  async (settings) => {
    const what = `complete its test of bucket ${settings.bucketName}`;
    const test = http.send({
      method: 'POST',
      path: '/drivers/test',
      body: driverPayload(settings, options),
      schema: noContent,
      what,
      role: developer,
      repeatable: true,
      takesLong: true,
      // No client of Dataloop's own is known to make this call.
      refused: (status) =>
        status === 405 || status === 501
          ? new ServiceError('DataloopNotFoundError', `Dataloop did not ${what}: it has no such test.`)
          : undefined,
    });
    const tested = driverTest(`bucket ${settings.bucketName}`, test).then(() => 'passed' as const);
    return (await ifFound(tested)) ?? 'not offered';
  };

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
        takesLong: true,
      }),
    );

export const listDrivers =
  ({ http }: Dataloop): DataloopApi['listDrivers'] =>
  async (projectId, concern) => {
    const call = {
      method: 'GET',
      path: `/drivers?projectId=${segment(projectId)}`,
      what: `list the drivers of project ${projectId}`,
      role: developer,
      repeatable: true,
    } as const;
    // A project that is gone has no drivers.
    const all = (await ifFound(wholeList(http, call))) ?? [];
    return entriesOf(all, { schema: driverSchema, type: 's3', concern, what: call.what });
  };

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
  ({ http, options }: Dataloop): DataloopApi['createDriver'] =>
  (settings) =>
    http.send({
      method: 'POST',
      path: '/drivers',
      body: driverPayload(settings, options),
      schema: driverSchema,
      what: `create the driver "${settings.name}"`,
      role: developer,
      repeatable: false,
      takesLong: true,
      refused: ifNameTaken(
        'DriverNameTakenError',
        `the driver "${settings.name}"`,
        'Choose another dataloop.driverName, or delete the driver that has this name.',
      ),
    });

export const deleteDriver =
  ({ http }: Dataloop): DataloopApi['deleteDriver'] =>
  (driverId) =>
    deleteAt(http, `/drivers/${segment(driverId)}`, { what: `delete driver ${driverId}`, role: developer });
