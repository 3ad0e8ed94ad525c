/** The deployed service as its callers use it: requests over the API, and the wait for what becomes of them. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type ApiClient,
  apiClient,
  type IntegrationAnswer,
  integrationSchema,
  settledStatuses,
} from '../local/observe/api-client.ts';
import type { SandboxDescription } from '../local/sandbox/schemas.ts';

export interface ServiceSettings {
  readonly environment: {
    /** Folder of the run: every answer is kept there. */
    readonly folder: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
    readonly sandbox: Pick<SandboxDescription, 'projectId'>;
  };
  readonly deployment: { readonly apiUrl: string };
}

/** Faults are for the workflow: whether Dataloop can be asked for drivers of others must not decide about it. */
export const forced = '?force=true';

export type Service = ReturnType<typeof serviceAt>;

export function serviceAt({ environment, deployment }: ServiceSettings) {
  const { request } = apiClient(deployment.apiUrl, environment.region, environment.credentials);
  const api: ApiClient = {
    request: async (...call) => {
      const answer = await request(...call);
      const kept = JSON.stringify({ ...answer, headers: [...answer.headers] });
      appendFileSync(join(environment.folder, 'answers.log'), `${kept}\n`);
      return answer;
    },
  };

  const requestFor = (name: string, more: Record<string, unknown> = {}) => ({
    name,
    bucket: { name: `dataloop-${name}` },
    dataloop: { projectId: environment.sandbox.projectId },
    ...more,
  });

  /** Sends the request and expects it to be taken. */
  const connect = async (name: string, more?: Record<string, unknown>): Promise<IntegrationAnswer> => {
    const answer = await api.request('POST', '/integrations', { body: requestFor(name, more) });
    if (answer.status !== 202) {
      throw new Error(`POST /integrations answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
    return integrationSchema.parse(answer.body);
  };

  /** @returns undefined where the service asks to come again */
  const look = async (integrationId: string): Promise<IntegrationAnswer | undefined> => {
    const answer = await api.request('GET', `/integrations/${integrationId}`);
    if (answer.status === 503) return undefined;
    if (answer.status !== 200) {
      throw new Error(`GET answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
    return integrationSchema.parse(answer.body);
  };

  const read = async (integrationId: string): Promise<IntegrationAnswer> => {
    const integration = await look(integrationId);
    if (!integration) throw new Error(`GET of ${integrationId} answered 503.`);
    return integration;
  };

  /** Waits until the integration is as wanted. @throws Error with its last state when that takes too long */
  const until = async (
    integrationId: string,
    wanted: (integration: IntegrationAnswer) => boolean,
    timeoutSeconds = 60,
  ): Promise<IntegrationAnswer> => {
    const deadline = Date.now() + timeoutSeconds * 1000;
    for (;;) {
      const integration = await look(integrationId);
      if (integration && wanted(integration)) return integration;
      if (Date.now() > deadline) {
        throw new Error(`Not within ${timeoutSeconds} s: ${JSON.stringify(integration, undefined, 1)}`);
      }
      await delay(200);
    }
  };

  const settled = (integrationId: string, timeoutSeconds?: number): Promise<IntegrationAnswer> =>
    until(integrationId, ({ status }) => settledStatuses.includes(status), timeoutSeconds);

  /** DELETE and wait for its end. */
  const disconnect = async (
    integrationId: string,
    timeoutSeconds?: number,
    query = '',
  ): Promise<IntegrationAnswer> => {
    const answer = await api.request('DELETE', `/integrations/${integrationId}${query}`);
    if (answer.status !== 202) {
      throw new Error(`DELETE answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
    return until(
      integrationId,
      ({ status }) => settledStatuses.includes(status) && status !== 'ready',
      timeoutSeconds,
    );
  };

  return { api, requestFor, connect, read, until, settled, disconnect };
}
