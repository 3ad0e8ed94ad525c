/** What AWS bills of a run, counted from the calls that the fault proxy saw and from the histories of the executions. */
import type { HistoryEvent } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import type { Usage } from '../../scripts/costs.ts';
import type { RecordedCall } from '../faults/proxy/call-log.ts';
import type { HttpRequest } from '../faults/proxy/calls.ts';
import type { Usual } from '../faults/proxy/proxy.ts';

/** Milliseconds of a call, as `npm run bench` has them. */
const latencies: Readonly<Record<string, number>> = { dynamodb: 10, dataloop: 300 };
const latencyOfAws = 100;
/** What a function does itself, once its environment runs, and what it takes to start one: milliseconds, on the generous side. */
const ownMilliseconds = 30;
const initMilliseconds = 400;

interface CountedCall {
  readonly function: string | undefined;
  readonly service: string;
  readonly operation: string;
  readonly request: unknown;
  answer: unknown;
}

const json = (body: Buffer | undefined): unknown => {
  try {
    return JSON.parse(body?.toString('utf8') ?? '');
  } catch {
    return undefined;
  }
};

/** Keeps each call with what was asked and answered. */
export class CountingWorld implements Usual {
  readonly calls: CountedCall[] = [];

  meet(call: RecordedCall, { body }: HttpRequest): ReturnType<Usual['meet']> {
    const { function: name, service, operation } = call;
    const counted: CountedCall = {
      function: name,
      service,
      operation,
      request: json(body),
      answer: undefined,
    };
    this.calls.push(counted);
    return {
      milliseconds: 0,
      fault: undefined,
      answered: (answer) => {
        counted.answer = json(answer);
      },
    };
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

const sizeOfText = (text: string): number => Buffer.byteLength(text);
const mapSchema = z.record(z.string(), z.unknown());

/** Bytes of a value as DynamoDB counts them, written as its API does: `{"S": "…"}`. */
function sizeOfValue(value: unknown): number {
  const [[type, content] = ['', undefined]] = Object.entries(mapSchema.parse(value));
  if (type === 'S') return sizeOfText(String(content));
  if (type === 'N') return Math.ceil(String(content).length / 2) + 1;
  if (type === 'M') return 3 + sizeOfItem(content) + Object.keys(mapSchema.parse(content)).length;
  if (type === 'L') {
    const items = z.array(z.unknown()).parse(content);
    return 3 + sum(items.map((each) => sizeOfValue(each) + 1));
  }
  return 1;
}

/** Bytes of an item. */
export const sizeOfItem = (item: unknown): number =>
  sum(Object.entries(mapSchema.parse(item)).map(([name, value]) => sizeOfText(name) + sizeOfValue(value)));

const unitsOf = (item: unknown, bytes: number): number =>
  item === undefined ? 1 : Math.max(1, Math.ceil(sizeOfItem(item) / bytes));

const writeSchema = z.looseObject({ Item: z.unknown().optional() });
const requestSchema = z.looseObject({
  Item: z.unknown().optional(),
  TransactItems: z
    .array(z.looseObject({ Put: writeSchema.optional(), Update: writeSchema.optional() }))
    .optional(),
});
const answerSchema = z
  .looseObject({
    Attributes: z.unknown().optional(),
    Item: z.unknown().optional(),
    Responses: z.record(z.string(), z.array(z.unknown())).optional(),
  })
  .catch({});

/** Writes of up to 1 KB, and consistent reads of up to 4 KB. */
function capacityOf({ operation, request, answer }: CountedCall): { writes: number; reads: number } {
  const asked = requestSchema.safeParse(request).data ?? {};
  const answered = answerSchema.parse(answer ?? {});
  const kind = operation.replace('dynamodb:', '');
  if (kind === 'TransactWriteItems') {
    const items = (asked.TransactItems ?? []).map(({ Put }) => unitsOf(Put?.Item, 1_024));
    return { writes: 2 * sum(items), reads: 0 };
  }
  if (kind === 'UpdateItem') return { writes: unitsOf(answered.Attributes, 1_024), reads: 0 };
  if (kind === 'PutItem') return { writes: unitsOf(asked.Item, 1_024), reads: 0 };
  if (kind === 'DeleteItem') return { writes: 1, reads: 0 };
  const items = [answered.Item, ...Object.values(answered.Responses ?? {}).flat()].filter(Boolean);
  return { writes: 0, reads: Math.max(1, sum(items.map((item) => unitsOf(item, 4_096)))) };
}

/** What whoever waits asks, and what comes by the clock. */
const besides = new Set(['getIntegration', 'sweep']);

/**
 * States and events of an execution as AWS has them. The emulator leaves out that a task starts or waits for its token, and
 * what a Parallel state does with the states of its branches.
 * @throws Error for an execution in which a step was tried again
 */
export function executionOf(events: readonly HistoryEvent[]) {
  const of = (type: string) => events.filter((event) => event.type === type).length;
  const tasks = of('TaskScheduled');
  if (of('TaskSucceeded') < tasks) throw new Error('A step was tried again. Count once more.');
  const inBranches = tasks - of('TaskStateEntered');
  const waiting = events.filter(({ taskScheduledEventDetails: task }) =>
    task?.resource?.endsWith('.waitForTaskToken'),
  );
  const wanted: [string, number][] = [
    ['TaskStarted', tasks],
    ['TaskSubmitted', waiting.length],
    ['ParallelStateStarted', of('ParallelStateEntered')],
    ['ParallelStateSucceeded', of('ParallelStateEntered')],
  ];
  const entered = events.filter(({ type }) => String(type).endsWith('StateEntered')).length;
  return {
    states: entered + inBranches,
    events: events.length + 2 * inBranches + sum(wanted.map(([type, count]) => count - of(type))),
    tasks,
  };
}

/**
 * @param histories of all executions of the run
 * @param more requests to the API, and writes of the table's index
 */
export function usageOf(
  all: readonly CountedCall[],
  histories: readonly (readonly HistoryEvent[])[],
  more: { readonly apiRequests: number; readonly indexWrites: number },
): Usage {
  const calls = all.filter(({ function: name }) => name !== undefined && !besides.has(name));
  const of = (service: string) => calls.filter((call) => call.service === service);
  const executions = histories.map(executionOf);
  const scheduled = JSON.stringify(histories.flat().map((event) => event.taskScheduledEventDetails));
  const functions = new Set(calls.map((call) => call.function));
  // No execution calls the API, and what takes events and polls.
  const others = [...functions].filter((name) => !scheduled.includes(`-${name}`));
  const invocations = sum(executions.map(({ tasks }) => tasks)) + others.length;
  const waits = sum(calls.map(({ service }) => latencies[service] ?? latencyOfAws));
  const capacities = of('dynamodb').map(capacityOf);
  return {
    // Its start and its end count, too.
    transitions: sum(executions.map(({ states }) => states + 2)),
    historyEvents: sum(executions.map(({ events }) => events)),
    executions: histories.length,
    invocations,
    milliseconds: waits + invocations * ownMilliseconds,
    initMilliseconds: functions.size * initMilliseconds,
    writes: sum(capacities.map(({ writes }) => writes)) + more.indexWrites,
    reads: sum(capacities.map(({ reads }) => reads)),
    // A role's key of the table is kept for five minutes.
    keyUses: new Set(of('dynamodb').map((call) => call.function)).size + of('secretsmanager').length,
    secretReads: of('secretsmanager').length,
    bucketRequests: of('s3').length,
    events: of('events').length,
    // Each message is sent, received and deleted.
    queueRequests: 3 * of('sqs').length,
    apiRequests: more.apiRequests,
  };
}
