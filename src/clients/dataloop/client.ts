/**
 * Dataloop's API, as far as this service uses it (Dataloop's public OpenAPI document and its cross-account
 * guide). Each function contains just the calls of one step.
 */
import * as z from 'zod';
import type { DataloopSettings } from '../../config.ts';
import { dataloopIdSchema } from '../../domain/model/record.ts';
import type { IntegrationCounter, ProjectReader } from '../../domain/preflight/preflight.ts';
import type {
  Driver,
  DriverCreator,
  DriverFinder,
  DriverRemover,
  DriverSettings,
  DriverVerifier,
} from '../../domain/resources/dataloop/driver.ts';
import type { DriverCounter } from '../../domain/resources/dataloop/foreign-drivers.ts';
import type {
  DataloopIntegration,
  IntegrationCompleter,
  IntegrationCreator,
  IntegrationFinder,
  IntegrationReader,
  IntegrationRemover,
} from '../../domain/resources/dataloop/integration.ts';
import { ServiceError } from '../../errors.ts';
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
    const call = { what: 'log in', role: 'a member of the organisation' };
    const sent = [body['password'], body['refresh_token']].filter((secret) => secret !== undefined);
    throw refusal(refused, call, settings.secretId, sent);
  });
  return { http: httpFor(credentials, settings) };
}

const segment = encodeURIComponent;

/** Longest text that is taken from an answer: what is longer is cut, still longer than any that is understood. */
const longestText = 2_048;

/** Metadata items have a name; which of them have a value depends on the name. */
const integrationSchema = z
  .object({
    id: dataloopIdSchema,
    name: z.string(),
    type: z.string().nullish(),
    metadata: z
      .array(z.object({ name: z.string(), value: z.unknown().optional() }))
      .nullish()
      .transform((metadata) => metadata ?? []),
  })
  .transform(({ id, name, type, metadata }): DataloopIntegration => {
    const text = (key: string) => {
      const value = metadata.find((entry) => entry.name === key)?.value;
      return typeof value === 'string' && value !== '' ? value.slice(0, longestText) : undefined;
    };
    return { id, name, type: type ?? undefined, userArn: text('userArn'), trustStatus: text('status') };
  });

const driverSchema = z
  .object({
    id: dataloopIdSchema,
    name: z.string(),
    integrationId: z.string().nullish(),
    bucketName: z.string().nullish(),
  })
  .transform(
    ({ id, name, integrationId, bucketName }): Driver => ({
      id,
      name,
      dataloopIntegrationId: integrationId ?? undefined,
      ...(bucketName ? { bucketName } : {}),
    }),
  );

const projectSchema = z
  .object({
    id: dataloopIdSchema,
    org: z.union([dataloopIdSchema, z.object({ id: dataloopIdSchema }).transform(({ id }) => id)]).nullish(),
  })
  .transform(({ id, org }) => ({ id, organizationId: org ?? undefined }));

/** Undefined where Dataloop answers 404. */
async function ifFound<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ServiceError && error.name === 'DataloopNotFoundError') return undefined;
    throw error;
  }
}

export function projectReader({ http }: Dataloop): ProjectReader {
  return {
    getProject: (projectId) =>
      http.send({
        method: 'GET',
        path: `/projects/${segment(projectId)}`,
        schema: projectSchema,
        what: `find project ${projectId}`,
        role: developer,
        repeatable: true,
      }),
  };
}

const integrations = (organizationId: string) => `/orgs/${segment(organizationId)}/integrations`;

export function integrationReader({ http }: Dataloop): IntegrationReader {
  return {
    getIntegration: (organizationId, id) =>
      ifFound(
        http.send({
          method: 'GET',
          path: `${integrations(organizationId)}/${segment(id)}`,
          schema: integrationSchema,
          what: `read integration ${id}`,
          role: owner,
          repeatable: true,
        }),
      ),
  };
}

export function integrationFinder(dataloop: Dataloop): IntegrationFinder {
  return {
    ...integrationReader(dataloop),
    listIntegrations: (organizationId) =>
      dataloop.http.send({
        method: 'GET',
        path: integrations(organizationId),
        schema: z.array(integrationSchema),
        what: `list the integrations of organisation ${organizationId}`,
        role: owner,
        repeatable: true,
      }),
  };
}

export function integrationCounter({ http }: Dataloop): IntegrationCounter {
  return {
    countIntegrations: async (organizationId) => {
      const all = await http.send({
        method: 'GET',
        path: integrations(organizationId),
        schema: z.array(z.object({ type: z.string().nullish() })),
        what: `list the integrations of organisation ${organizationId}`,
        role: owner,
        repeatable: true,
      });
      return all.filter(({ type }) => type === 'aws-cross').length;
    },
  };
}

export function integrationCreator(dataloop: Dataloop): IntegrationCreator {
  return {
    ...integrationFinder(dataloop),
    createIntegration: (organizationId, name) =>
      dataloop.http.send({
        method: 'POST',
        path: integrations(organizationId),
        body: () => ({ type: 'aws-cross', name, options: {} }),
        schema: integrationSchema,
        what: `create the integration "${name}"`,
        role: owner,
        repeatable: false,
        refused: (status, said) => limitReached(status, said, organizationId),
      }),
  };
}

/** Dataloop has no code for its limit; its words name it. */
function limitReached(status: number, said: string, organizationId: string): ServiceError | undefined {
  const mayBe = status >= 400 && status < 500 && ![401, 404, 408, 429].includes(status);
  if (!mayBe || !/\b(limit|quota|maximum|exceed)/i.test(said)) return undefined;
  return new ServiceError(
    'DataloopIntegrationLimitError',
    `Organisation ${organizationId} has as many cross-account integrations as Dataloop allows (15 by default). ` +
      "Delete one that is not used, or ask Dataloop's support for more. Then send the request again.",
  );
}

export function integrationCompleter(dataloop: Dataloop): IntegrationCompleter {
  return {
    ...integrationRemover(dataloop),
    setRoleArn: (organizationId, id, roleArn) =>
      dataloop.http.send({
        method: 'PATCH',
        path: integrations(organizationId),
        body: () => ({ integrationId: id, credentials: { type: 'aws-cross', options: { roleArn } } }),
        schema: integrationSchema,
        what: `take the role ARN into integration ${id}`,
        role: owner,
        repeatable: true,
      }),
  };
}

export function integrationRemover(dataloop: Dataloop): IntegrationRemover {
  return {
    ...integrationFinder(dataloop),
    deleteIntegration: async (organizationId, id) => {
      await ifFound(
        dataloop.http.send({
          method: 'DELETE',
          path: `${integrations(organizationId)}/${segment(id)}`,
          schema: noContent,
          what: `delete integration ${id}`,
          role: owner,
          repeatable: true,
        }),
      );
    },
  };
}

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
        `${error.message} Dataloop could not list, write, read or delete in ${bucket}: look for a service control policy ` +
          'or another policy that is in the way.',
        { cause: error },
      );
    }
    throw error;
  }
}

export function driverTester({ http }: Dataloop) {
  return {
    testDriver: (settings: DriverSettings) =>
      driverTest(
        `bucket ${settings.bucketName}`,
        http.send({
          method: 'POST',
          path: '/drivers/test',
          body: driverPayload(settings),
          schema: noContent,
          what: `pass its test of bucket ${settings.bucketName}`,
          role: developer,
          repeatable: true,
        }),
      ),
  };
}

export function driverVerifier(dataloop: Dataloop): DriverVerifier {
  return {
    ...driverRemover(dataloop),
    verifyDriver: (id: string) =>
      driverTest(
        `the bucket of driver ${id}`,
        dataloop.http.send({
          method: 'GET',
          path: `/drivers/${segment(id)}/test`,
          schema: noContent,
          what: `pass its test of driver ${id}`,
          role: developer,
          repeatable: true,
        }),
      ),
  };
}

export function driverFinder({ http }: Dataloop): DriverFinder {
  return {
    // A project that is gone has no drivers.
    listDrivers: async (projectId) =>
      (await ifFound(
        http.send({
          method: 'GET',
          path: `/drivers?projectId=${segment(projectId)}`,
          schema: z.array(driverSchema),
          what: `list the drivers of project ${projectId}`,
          role: developer,
          repeatable: true,
        }),
      )) ?? [],
  };
}

export function driverCounter({ http }: Dataloop): DriverCounter {
  return {
    countDrivers: (integrationId) =>
      http.send({
        method: 'GET',
        path: `/drivers/byIntegration/${segment(integrationId)}`,
        schema: z.number().int().nonnegative(),
        what: `count the drivers of integration ${integrationId}`,
        role: developer,
        repeatable: true,
      }),
  };
}

export function driverCreator(dataloop: Dataloop): DriverCreator {
  return {
    ...driverFinder(dataloop),
    createDriver: (settings) =>
      dataloop.http.send({
        method: 'POST',
        path: '/drivers',
        body: driverPayload(settings),
        schema: driverSchema,
        what: `create the driver "${settings.name}"`,
        role: developer,
        repeatable: false,
      }),
  };
}

export function driverRemover(dataloop: Dataloop): DriverRemover {
  return {
    ...driverFinder(dataloop),
    deleteDriver: async (id) => {
      await ifFound(
        dataloop.http.send({
          method: 'DELETE',
          path: `/drivers/${segment(id)}`,
          schema: noContent,
          what: `delete driver ${id}`,
          role: developer,
          repeatable: true,
        }),
      );
    },
  };
}
