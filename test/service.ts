/** The deployed service as its callers use it: requests over the API, and the wait for what becomes of them. */
import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ApiClient,
  apiClient,
  type IntegrationAnswer,
  integrationSchema,
  settledStatuses,
} from '../local/observe/api-client.ts';
import type { SandboxDescription } from '../local/sandbox/schemas.ts';
import { contradictions } from './contradictions.ts';
import type { Place } from './faults/clients.ts';
import { type JournalItem, recordItem } from './faults/journal.ts';
import { untilTaken } from './faults/until-taken.ts';
import { hangSeconds, until as untilSeen } from './until.ts';

export interface ServiceSettings {
  readonly environment: Place & {
    /** Folder of the run: every answer is kept there. */
    readonly folder: string;
    readonly sandbox: Pick<SandboxDescription, 'projectId'>;
  };
  readonly deployment: { readonly apiUrl: string; readonly outputs: { readonly TableName: string } };
}

/** How an undo ends. */
export const undoneStatuses = ['failed', 'removed', 'residue'];

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
      const wrong = contradictions(answer.body);
      if (wrong.length > 0) throw new Error(`${wrong.join(' ')} ${JSON.stringify(answer.body)}`);
      return answer;
    },
  };

  const requestFor = (name: string, more: Record<string, unknown> = {}) => ({
    name,
    bucket: { name: `dataloop-${name}` },
    dataloop: { projectId: environment.sandbox.projectId },
    ...more,
  });

  /** Sends the request until it is taken: on a busy machine a function may not live long enough to answer. */
  const connect = async (
    name: string,
    more?: Record<string, unknown>,
    key: string = randomUUID(),
    onRefusal?: () => Promise<void>,
  ): Promise<IntegrationAnswer> => {
    const headers = { 'idempotency-key': key };
    const body = requestFor(name, more);
    const post = () => api.request('POST', '/integrations', { body, headers });
    const answer = await untilTaken(post, onRefusal);
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

  /** The record as it stands in the journal: cheaper to ask for, time and again, than the API. */
  const recordOf = (integrationId: string) => recordItem({ environment, deployment }, integrationId);

  /**
   * Waits until the integration is as wanted; the API is asked where the journal has something new.
   * @param limitSeconds longest wait, where more than a hang's may pass
   * @throws Error with its last state where that never comes
   */
  const until = (
    integrationId: string,
    wanted: (integration: IntegrationAnswer) => boolean,
    limitSeconds = 0,
  ): Promise<IntegrationAnswer> => {
    let known: string | undefined;
    let seen: IntegrationAnswer | undefined;
    return untilSeen(
      () => JSON.stringify(seen, undefined, 1),
      async () => {
        const item = JSON.stringify(await recordOf(integrationId));
        if (seen && item === known) return undefined;
        seen = await look(integrationId);
        // Read before the answer: whatever changes after it is asked about again.
        known = item;
        return seen && wanted(seen) ? seen : undefined;
      },
      { limitSeconds: Math.max(limitSeconds, hangSeconds) },
    );
  };

  /** Waits until the journal has one of these states, then asks the API. */
  const untilStatus = async (
    integrationId: string,
    statuses: readonly string[],
  ): Promise<IntegrationAnswer> => {
    let item: JournalItem | undefined;
    await untilSeen(
      () => `${integrationId} ${statuses.join(' or ')}: ${JSON.stringify(item, undefined, 1)}`,
      async () => {
        item = await recordOf(integrationId);
        return statuses.includes(item?.status ?? '');
      },
    );
    return until(integrationId, ({ status }) => statuses.includes(status));
  };

  const settled = (integrationId: string): Promise<IntegrationAnswer> =>
    untilStatus(integrationId, settledStatuses);

  /** DELETE and wait for its end. */
  const disconnect = async (
    integrationId: string,
    query = '',
    onRefusal?: () => Promise<void>,
  ): Promise<IntegrationAnswer> => {
    const path = `/integrations/${integrationId}${query}`;
    const answer = await untilTaken(() => api.request('DELETE', path), onRefusal);
    if (answer.status !== 202) {
      throw new Error(`DELETE answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
    return untilStatus(integrationId, undoneStatuses);
  };

  /** Takes away what is left of an integration, where anything is. */
  const discard = async (integrationId: string): Promise<void> => {
    const isGone = ['failed', 'removed'].includes((await recordOf(integrationId))?.status ?? 'removed');
    if (!isGone) await disconnect(integrationId, forced);
  };

  return { api, requestFor, connect, read, until, untilStatus, settled, disconnect, discard };
}
