/** The deployed service as the rehearsal uses it: connect, remove, read executions and journal. */
import { setTimeout as delay } from 'node:timers/promises';
import { DescribeExecutionCommand, paginateListExecutions } from '@aws-sdk/client-sfn';
import { GetCommand, paginateQuery } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { activeStatuses, pathOf } from '../../src/domain/model/record.ts';
import { accessOf, undoneBy } from '../../src/domain/model/steps.ts';
import {
  type ApiAnswer,
  type ApiClient,
  type IntegrationAnswer,
  integrationSchema,
} from '../observe/api-client.ts';
import { follow, type Screen } from '../observe/progress.ts';
import type { AwsClients, DeployedStack } from './stack.ts';

/** Tag of every integration that a rehearsal creates: the next run finds them by it, and by nothing else. */
export const rehearsalTag = 'dataloop-cross-account-rehearsal';

/** One run of the undo's state machine. */
export interface UndoRun {
  readonly executionArn: string;
  readonly status: string;
  /** Output of the execution, where it has one: what became of each resource. */
  readonly output: Readonly<Record<string, unknown>>;
}

export interface Names {
  readonly name: string;
  readonly bucketName: string;
  /** Of the role, and of the policy. */
  readonly roleName: string;
}

type Ids = Pick<IntegrationAnswer, 'integrationId' | 'driverId'>;

/** What became of a removal. */
export interface Removed extends IntegrationAnswer {
  /** How long after DELETE Dataloop's access had ended; undefined where this removal did not end it. */
  readonly accessSeconds?: number | undefined;
}

/** By the clocks of the service alone. */
function accessSecondsOf(
  begun: IntegrationAnswer,
  { driverId, steps }: IntegrationAnswer,
): number | undefined {
  const wanted = undoneBy[accessOf[driverId === undefined ? 'integration' : 'added bucket']];
  const step = steps.find(({ name }) => name === wanted);
  if (step?.status !== 'succeeded' || step.endedAt === undefined) return undefined;
  const seconds = (Date.parse(step.endedAt) - Date.parse(begun.updatedAt)) / 1000;
  // An earlier removal has ended it.
  return seconds < 0 ? undefined : seconds;
}

const idIn = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** A name that the deployment's pattern allows. */
export const nameLike = (pattern: string, name: string): string => pattern.replace('*', name);

/** An API client that asks again, as the service's answers and a network on its way may want it. */
export function patient(api: ApiClient, pauseMs = 1_000): ApiClient {
  return {
    request: async (...call) => {
      for (let attempt = 1; ; attempt += 1) {
        const last = attempt === 5;
        try {
          const answer = await api.request(...call);
          if (last || ![429, 500, 502, 503, 504].includes(answer.status)) return answer;
        } catch (error) {
          // No answer (`fetch failed`), or one of something on the way that is not JSON.
          if (last || !(error instanceof TypeError || error instanceof SyntaxError)) throw error;
        }
        await delay(pauseMs * attempt);
      }
    },
  };
}

export type RehearsalService = ReturnType<typeof rehearsalService>;

export function rehearsalService(
  api: ApiClient,
  stack: DeployedStack,
  clients: Pick<AwsClients, 'stepFunctions' | 'table'>,
  options: {
    readonly runId: string;
    readonly projectId: string;
    readonly screen: Screen;
    readonly timeoutSeconds: number;
    readonly isStopping: () => boolean;
  },
) {
  const { screen, timeoutSeconds } = options;
  /** Paths of integrations and added drivers that may own resources; the oldest first. */
  const open = new Set<string>();
  /** The request under way: what it has started is known once it is answered. */
  let posting: Promise<ApiAnswer> | undefined;
  let count = 0;
  // Only the redrawn line of the progress: the outcome is printed at the end.
  const spinner: Screen = {
    isTerminal: screen.isTerminal,
    write: (text) => {
      if (screen.isTerminal && !text.endsWith('\n')) screen.write(text);
    },
  };

  const taken = ({ status, body }: ApiAnswer, call: string): IntegrationAnswer => {
    if (status !== 202) throw new Error(`${call} answered ${status}: ${JSON.stringify(body)}`);
    return integrationSchema.parse(body);
  };

  const settled = async (path: string): Promise<IntegrationAnswer> => {
    const integration = await follow(api, path, spinner, { timeoutSeconds });
    if (['failed', 'removed'].includes(integration.status)) {
      // With an integration, what was added to it has gone.
      for (const each of [...open]) if (`${each}/`.startsWith(`${path}/`)) open.delete(each);
    }
    return integration;
  };

  const remove = async (path: string, { keepBucket = false } = {}): Promise<Removed> => {
    open.add(path);
    const call = `${path}${keepBucket ? '?keepBucket=true' : ''}`;
    const begun = taken(await api.request('DELETE', call), `DELETE ${call}`);
    const ended = await settled(path);
    return { ...ended, accessSeconds: accessSecondsOf(begun, ended) };
  };

  /** Removes an integration or driver in any state. @returns what is left of it, if anything */
  const removeForGood = async (path: string): Promise<string | undefined> => {
    try {
      let { status } = await remove(path);
      // An undo under way may have met a denial that is gone now.
      if (status === 'residue') ({ status } = await remove(path));
      return open.has(path) ? `${idIn(path)} is ${status}` : undefined;
    } catch (error) {
      return `${idIn(path)}: ${error instanceof Error ? error.message : String(error)}`;
    }
  };

  const post = async (path: string, body: object, name: string): Promise<IntegrationAnswer> => {
    if (options.isStopping()) {
      throw new Error('Not connected: the rehearsal is stopping.');
    }
    // The key makes a repeated request the same one.
    posting = api.request('POST', path, { body, headers: { 'idempotency-key': name } });
    const begun = taken(await posting, `POST ${path}`);
    open.add(begun.links.self);
    return begun;
  };

  const common = {
    description: 'Created and removed by npm run rehearse',
    tags: { [rehearsalTag]: options.runId },
  };

  return {
    /** Names that no other connection uses. */
    nextNames: (): Names => {
      count += 1;
      const name = `rehearsal-${options.runId}-${count}`;
      return {
        name,
        bucketName: nameLike(stack.settings.BUCKET_NAME_PATTERN, name),
        roleName: nameLike(stack.settings.ROLE_NAME_PATTERN, name),
      };
    },

    /** Connects a bucket by an integration of its own. @returns what becomes of it */
    connect: async (
      { name, bucketName, roleName }: Names,
      withDataset = false,
    ): Promise<IntegrationAnswer> => {
      const body = {
        ...common,
        name,
        bucket: { name: bucketName },
        role: { name: roleName },
        dataloop: { projectId: options.projectId },
        ...(withDataset ? { dataset: { name } } : {}),
      };
      const begun = await post('/integrations', body, name);
      const machine = stack.outputs.ProvisionStateMachineArn.replace(':stateMachine:', ':execution:');
      if (!begun.links.execution.startsWith(`${machine}:`)) {
        throw new Error(
          `${stack.apiUrl} is the API of another deployment: it started ${begun.links.execution}, but the state machine ` +
            `of this stack is ${stack.outputs.ProvisionStateMachineArn}. Correct --api-url (or API_URL).`,
        );
      }
      return settled(begun.links.self);
    },

    /** Adds a bucket to an integration. @returns how it ended */
    addDriver: async (
      { links }: Pick<IntegrationAnswer, 'links'>,
      { name, bucketName }: Names,
    ): Promise<IntegrationAnswer> => {
      const body = { ...common, bucket: { name: bucketName }, dataloop: { projectId: options.projectId } };
      const begun = await post(`${links.self}/drivers`, body, name);
      return settled(begun.links.self);
    },

    /** DELETE, and what becomes of it. */
    remove,
    removeForGood,

    /** GET of an integration, or of a driver. */
    read: async (path: string): Promise<IntegrationAnswer> => {
      const { status, body } = await api.request('GET', path);
      if (status !== 200) throw new Error(`GET ${path} answered ${status}: ${JSON.stringify(body)}`);
      return integrationSchema.parse(body);
    },

    /** Has the service test a connection. @returns what is wrong with it, in the service's words */
    faultsOf: async (path: string): Promise<string[]> => {
      const { status, body } = await api.request('POST', `${path}/test`);
      if (status !== 200) throw new Error(`POST ${path}/test answered ${status}: ${JSON.stringify(body)}`);
      return connectionTestSchema
        .parse(body)
        .checks.filter((check) => check.status === 'failed')
        .map(({ name, detail }) => `${name}: ${detail}`);
    },

    /** The runs of the undo of an integration, or of a driver, in their order. */
    undoRuns: async ({ integrationId, driverId }: Ids, mode: 'rollback' | 'remove'): Promise<UndoRun[]> => {
      const stateMachineArn = stack.outputs.DeprovisionStateMachineArn;
      // The end of a name is random.
      const named = new RegExp(`^${driverId ?? integrationId}-${mode}-(\\d+)(-|$)`);
      const found = new Map<number, string>();
      for await (const { executions = [] } of paginateListExecutions(
        { client: clients.stepFunctions },
        { stateMachineArn },
      )) {
        for (const { name = '', executionArn } of executions) {
          const [, run] = named.exec(name) ?? [];
          if (run !== undefined && executionArn !== undefined) found.set(Number(run), executionArn);
        }
      }
      const inOrder = [...found].sort(([one], [other]) => one - other);
      return Promise.all(
        inOrder.map(async ([, executionArn]) => {
          const { status = '', output = '{}' } = await clients.stepFunctions.send(
            new DescribeExecutionCommand({ executionArn }),
          );
          return {
            executionArn,
            status,
            output: z.record(z.string(), z.unknown()).parse(JSON.parse(output)),
          };
        }),
      );
    },

    /**
     * Removes what still stands of this run.
     * @param keeping paths of what is to stay
     * @returns what could not be removed
     */
    tidy: async (keeping: readonly string[] = []): Promise<string[]> => {
      await posting?.catch(() => undefined);
      const left = new Map<string, string>();
      // The newest first: drivers before the integrations that they were added to.
      for (const path of [...open].reverse()) {
        const rest = keeping.includes(path) ? undefined : await removeForGood(path);
        if (rest) left.set(path, rest);
      }
      return [...left].filter(([path]) => open.has(path)).map(([, rest]) => rest);
    },

    /**
     * Integrations and added drivers that exist in the stage already: the paths of those of runs
     * that were killed, and others in which something is happening right now.
     */
    standingIntegrations: async (): Promise<{ ours: string[]; busy: string[]; others: number }> => {
      const [ours, busy]: [string[], string[]] = [[], []];
      let others = 0;
      for (const status of [...activeStatuses, 'ready', 'residue'] as const) {
        const query = {
          TableName: stack.outputs.TableName,
          IndexName: 'byStatus',
          KeyConditionExpression: '#status = :status',
          ExpressionAttributeNames: { '#status': 'status' },
          ExpressionAttributeValues: { ':status': status },
        };
        for await (const page of paginateQuery({ client: clients.table }, query)) {
          for (const { integrationId } of itemsSchema.parse(page.Items ?? [])) {
            const Key = { pk: `integration#${integrationId}` };
            const found = await clients.table.send(
              new GetCommand({ TableName: stack.outputs.TableName, Key }),
            );
            const { name, request, parent } = recordSchema.parse(found.Item);
            const isOurs = request.tags?.[rehearsalTag] !== undefined;
            // Drivers come before the integrations that they were added to.
            if (isOurs && parent) ours.unshift(pathOf({ id: integrationId, parent }));
            else if (isOurs) ours.push(pathOf({ id: integrationId }));
            else if (status === 'ready' || status === 'residue') others += 1;
            else busy.push(`${integrationId} ("${name}", ${status})`);
          }
        }
      }
      return { ours, busy, others };
    },
  };
}

const connectionTestSchema = z.object({
  checks: z.array(z.object({ name: z.string(), status: z.string(), detail: z.string() })),
});
const itemsSchema = z.array(z.object({ integrationId: z.string() }));
const recordSchema = z.object({
  name: z.string(),
  request: z.object({ tags: z.record(z.string(), z.string()).optional() }),
  parent: z.object({ integrationId: z.string(), dataloopIntegrationId: z.string() }).optional(),
});
