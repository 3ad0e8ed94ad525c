/** Requests that come at once: whatever they ask for and however many they are, one of them is carried out. */
import { setTimeout as delay } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { paginateListExecutions } from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient, paginateScan } from '@aws-sdk/lib-dynamodb';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as z from 'zod';
import type { ApiAnswer } from '../../../local/observe/api-client.ts';
import {
  api,
  client,
  control,
  deployment,
  disconnect,
  listing,
  requestFor,
  settled,
  stepFunctions,
  uniqueName,
} from '../deployment.ts';

/** Each kind of collision for each size of crowd; `npm run faults` goes on with other times of arrival. */
const seeds = process.env['THOROUGH'] ? 20 : 5;
const crowds = [2, 5, 10];
/** Rounds that go on at the same time. */
const width = 4;

/** What the callers of a round have in common, and how each differs. */
const kinds = [
  'same body',
  'same key',
  'same key, other bodies',
  'same name, other bodies',
  'same bucket',
] as const;
type Kind = (typeof kinds)[number];

interface Caller {
  readonly body: object;
  readonly key: string | undefined;
  readonly delayMs: number;
}

function callersOf(kind: Kind, name: string, size: number, seed: number): Caller[] {
  const [delays = []] = fc.sample(fc.array(fc.nat(30), { minLength: size, maxLength: size }), {
    seed,
    numRuns: 1,
  });
  const base = requestFor(name);
  return delays.map((delayMs, index) => {
    const differing = { ...base, description: `Caller ${index}` };
    const key = kind.startsWith('same key') ? `key-${name}` : index % 2 ? `key-${name}-${index}` : undefined;
    const body = {
      'same body': base,
      'same key': base,
      'same key, other bodies': { ...differing, name: `${name}-${index}` },
      'same name, other bodies': differing,
      // Each with a driver name of its own.
      'same bucket': { ...base, name: `${name}-${index}` },
    }[kind];
    return { body, key, delayMs };
  });
}

/** How the callers who came too late are answered. */
const lateAnswers: Readonly<Record<Kind, number>> = {
  'same body': 202,
  'same key': 202,
  'same key, other bodies': 422,
  'same name, other bodies': 409,
  'same bucket': 409,
};

const answerSchema = z.looseObject({ integrationId: z.string().optional(), detail: z.string().optional() });

async function call({ body, key, delayMs }: Caller): Promise<ApiAnswer> {
  await delay(delayMs);
  const headers = key === undefined ? {} : { 'idempotency-key': key };
  return api.request('POST', '/integrations', { body, headers });
}

async function round(name: string, kind: Kind, size: number, seed: number): Promise<string> {
  // The organisation's limit is for all tests together.
  await control.set(name, { integrationLimit: 1000 });
  const answers = await Promise.all(callersOf(kind, name, size, seed).map(call));
  const told = answers.map(({ status, body }) => ({ ...answerSchema.parse(body), status }));
  const started = told.filter(({ status }) => status === 202);
  const [winner, ...others] = new Set(started.map(({ integrationId }) => integrationId));
  if (!winner) throw new Error(`Nobody was taken: ${JSON.stringify(told)}`);
  expect(others).toEqual([]);
  const late = told.filter(({ status }) => status !== 202);
  expect(late.map(({ status }) => status)).toEqual(late.map(() => lateAnswers[kind]));
  expect(started).toHaveLength(lateAnswers[kind] === 202 ? size : 1);
  // Whoever is refused is told who was first.
  for (const { detail } of late) expect(detail).toContain(winner);

  expect(await settled(winner)).toMatchObject({ status: 'ready' });
  const { buckets, roles, policies, integrations, drivers } = await listing(name);
  expect([buckets, roles, policies, integrations].map((each) => each?.length)).toEqual([1, 1, 1, 1]);
  if (kind !== 'same bucket') expect(drivers).toHaveLength(1);
  expect(await disconnect(winner)).toMatchObject({ status: 'removed' });
  return winner;
}

/** The integrations of all rounds that the journal knows, and those of them that have an execution. */
async function registered(scope: string) {
  const dynamo = DynamoDBDocumentClient.from(new DynamoDBClient(client));
  const records: string[] = [];
  const query = {
    TableName: deployment.outputs.TableName,
    FilterExpression: 'begins_with(pk, :record) AND begins_with(#name, :scope)',
    ExpressionAttributeNames: { '#name': 'name' },
    ExpressionAttributeValues: { ':record': 'integration#', ':scope': scope },
  };
  for await (const page of paginateScan({ client: dynamo }, query)) {
    records.push(
      ...(page.Items ?? []).map((item) => z.object({ integrationId: z.string() }).parse(item).integrationId),
    );
  }
  const executions: string[] = [];
  const stateMachineArn = deployment.outputs.ProvisionStateMachineArn;
  for await (const page of paginateListExecutions({ client: stepFunctions }, { stateMachineArn })) {
    executions.push(...(page.executions ?? []).map(({ name = '' }) => name));
  }
  return { records: records.sort(), executions: executions.filter((each) => records.includes(each)).sort() };
}

test(`${crowds.join(', ')} at once, ${seeds} times each: one execution, one integration, one role`, async () => {
  const scope = uniqueName('crowd');
  const rounds = crowds.flatMap((size) =>
    Array.from({ length: seeds }, (_, seed) => ({
      size,
      seed,
      kind: kinds[seed % kinds.length] ?? kinds[0],
    })),
  );
  const winners: string[] = [];
  const work = async () => {
    for (let next = rounds.shift(); next; next = rounds.shift()) {
      const { size, seed, kind } = next;
      winners.push(await round(`${scope}-${size}-${seed}x`, kind, size, seed));
    }
  };
  await Promise.all(Array.from({ length: width }, work));

  expect(winners).toHaveLength(seeds * crowds.length);
  // Nothing else was registered, and each that was has been executed.
  expect(await registered(scope)).toEqual({ records: winners.toSorted(), executions: winners.toSorted() });
});
