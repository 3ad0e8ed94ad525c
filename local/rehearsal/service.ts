/** The deployed service as the rehearsal uses it: connect, remove, and what its executions and its journal say. */

import { setTimeout as delay } from 'node:timers/promises';
import { DescribeExecutionCommand, ExecutionDoesNotExist } from '@aws-sdk/client-sfn';
import { GetCommand, paginateQuery } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { activeStatuses } from '../../src/domain/journal.ts';
import { type ApiAnswer, type ApiClient, type IntegrationAnswer, integrationSchema } from '../api-client.ts';
import { follow, type Screen } from '../progress.ts';
import type { AwsClients, DeployedStack } from './stack.ts';

/** Tag of every integration that a rehearsal makes: by it, and by nothing else, the next run knows them. */
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
  /** Integrations of which something may stand. */
  const open = new Set<string>();
  /** The request that is being sent: what it has begun is known when it is answered. */
  let posting: Promise<ApiAnswer> | undefined;
  let count = 0;
  // Of the progress only the line that is redrawn: what happened is told when it is over.
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

  const settled = async (integrationId: string): Promise<IntegrationAnswer> => {
    const integration = await follow(api, integrationId, spinner, { timeoutSeconds });
    if (['failed', 'removed'].includes(integration.status)) open.delete(integrationId);
    return integration;
  };

  const remove = async (integrationId: string): Promise<IntegrationAnswer> => {
    open.add(integrationId);
    const path = `/integrations/${integrationId}`;
    taken(await api.request('DELETE', path), `DELETE ${path}`);
    return settled(integrationId);
  };

  /** Removes an integration in whatever state it is. @returns what is left of it, if anything */
  const removeForGood = async (integrationId: string): Promise<string | undefined> => {
    try {
      let { status } = await remove(integrationId);
      // An undo that was going on may have met a denial that is gone by now.
      if (status === 'residue') ({ status } = await remove(integrationId));
      return open.has(integrationId) ? `${integrationId} is ${status}` : undefined;
    } catch (error) {
      return `${integrationId}: ${error instanceof Error ? error.message : String(error)}`;
    }
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

    /** POST, and what becomes of it. */
    connect: async ({ name, bucketName, roleName }: Names): Promise<IntegrationAnswer> => {
      if (options.isStopping())
        throw new Error('Nothing is connected any more: the rehearsal is being stopped.');
      const body = {
        name,
        description: 'Made by npm run rehearse, and removed by it',
        bucket: { name: bucketName },
        role: { name: roleName },
        dataloop: { projectId: options.projectId },
        tags: { [rehearsalTag]: options.runId },
      };
      // The key makes a repeated request the same one.
      const headers = { 'idempotency-key': name };
      posting = api.request('POST', '/integrations', { body, headers });
      const begun = taken(await posting, 'POST /integrations');
      open.add(begun.integrationId);
      const machine = stack.outputs.ProvisionStateMachineArn.replace(':stateMachine:', ':execution:');
      if (!begun.links.execution.startsWith(`${machine}:`)) {
        throw new Error(
          `${stack.apiUrl} is the API of another deployment: it runs ${begun.links.execution}, and the stack's machine is ` +
            `${stack.outputs.ProvisionStateMachineArn}. Correct --api-url (or API_URL).`,
        );
      }
      return settled(begun.integrationId);
    },

    /** DELETE, and what becomes of it. */
    remove,
    removeForGood,

    /** The runs of an integration's undo, in their order. */
    undoRuns: async (integrationId: string, mode: 'rollback' | 'remove'): Promise<UndoRun[]> => {
      const machine = stack.outputs.DeprovisionStateMachineArn.replace(':stateMachine:', ':execution:');
      const runs: UndoRun[] = [];
      for (;;) {
        const executionArn = `${machine}:${integrationId}-${mode}-${runs.length + 1}`;
        try {
          const { status = '', output = '{}' } = await clients.stepFunctions.send(
            new DescribeExecutionCommand({ executionArn }),
          );
          runs.push({
            executionArn,
            status,
            output: z.record(z.string(), z.unknown()).parse(JSON.parse(output)),
          });
        } catch (error) {
          if (error instanceof ExecutionDoesNotExist) return runs;
          throw error;
        }
      }
    },

    /** Removes what still stands of this run's integrations. @returns what could not be removed */
    tidy: async (): Promise<string[]> => {
      const left: string[] = [];
      await posting?.catch(() => undefined);
      for (const integrationId of [...open]) {
        const rest = await removeForGood(integrationId);
        if (rest) left.push(rest);
      }
      return left;
    },

    /**
     * What stands in the stage already: integrations of runs that were killed, and others in which something is
     * happening right now.
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
            const { name, request } = recordSchema.parse(found.Item);
            if (request.tags?.[rehearsalTag] !== undefined) ours.push(integrationId);
            else if (status === 'ready' || status === 'residue') others += 1;
            else busy.push(`${integrationId} ("${name}", ${status})`);
          }
        }
      }
      return { ours, busy, others };
    },
  };
}

const itemsSchema = z.array(z.object({ integrationId: z.string() }));
const recordSchema = z.object({
  name: z.string(),
  request: z.object({ tags: z.record(z.string(), z.string()).optional() }),
});
