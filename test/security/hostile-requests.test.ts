/** Whatever a caller sends that is not a request: it is told what is wrong, and nothing comes of it. */
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { paginateListExecutions } from '@aws-sdk/client-sfn';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as z from 'zod';
import { api, client, deployment, stepFunctions } from '../integration/deployment.ts';
import { type BadRequest, badRequest } from './bad-requests.ts';

const count = 2_000;
const seed = Number(process.env['HOSTILE_SEED'] ?? 20_261_124);
const width = 6;

const problemSchema = z.strictObject({
  type: z.string().regex(/^urn:dataloop-cross-account:problem:[a-z-]+$/),
  title: z.string().min(1),
  status: z.number(),
  detail: z.string().min(10).max(2_000),
  errors: z
    .array(z.strictObject({ pointer: z.string().regex(/^(\/([^~/]|~[01])*)*$/), detail: z.string().min(10) }))
    .min(1)
    .optional(),
  requestId: z.string().min(1),
});

async function executions(): Promise<number> {
  let found = 0;
  for (const stateMachineArn of [
    deployment.outputs.ProvisionStateMachineArn,
    deployment.outputs.AddDriverStateMachineArn,
    deployment.outputs.DeprovisionStateMachineArn,
  ]) {
    for await (const page of paginateListExecutions({ client: stepFunctions }, { stateMachineArn })) {
      found += page.executions?.length ?? 0;
    }
  }
  return found;
}

async function items(): Promise<string[]> {
  const { Items = [] } = await new DynamoDBClient(client).send(
    new ScanCommand({ TableName: deployment.outputs.TableName, ProjectionExpression: 'pk' }),
  );
  return Items.map(({ pk }) => pk?.S ?? '').sort();
}

/** @returns what is wrong with the answer; undefined where nothing is */
async function answerTo(request: BadRequest): Promise<string | undefined> {
  const { method, path, ...options } = request;
  const answer = await api.request(method, path, options);
  const wrong = (what: string) =>
    `${what}: ${JSON.stringify({ ...request, rawBody: request.rawBody?.slice(0, 300), status: answer.status, body: answer.body })}`;
  if (answer.status < 400 || answer.status > 499) return wrong('Not refused');
  if (answer.headers.get('content-type') !== 'application/problem+json') return wrong('No problem document');
  const problem = problemSchema.safeParse(answer.body);
  if (!problem.success) return wrong(`Not a problem document (${problem.error.message})`);
  if (problem.data.status !== answer.status) return wrong('Another status in the document');
  return undefined;
}

test(`${count} bad requests are refused, each with a problem document, and start nothing`, async () => {
  const before = { executions: await executions(), items: await items() };
  const requests = fc.sample(badRequest, { numRuns: count, seed });
  // All kinds of badness are met.
  expect(new Set(requests.map(({ because }) => because.split(' ')[0])).size).toBeGreaterThan(10);
  const waiting = [...requests];
  const wrong: string[] = [];
  const work = async () => {
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      const said = await answerTo(next);
      if (said) wrong.push(said);
    }
  };
  await Promise.all(Array.from({ length: width }, work));
  expect({ seed, wrong: wrong.slice(0, 5), count: wrong.length }).toEqual({ seed, wrong: [], count: 0 });
  expect({ executions: await executions(), items: await items() }).toEqual(before);
});
