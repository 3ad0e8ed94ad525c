/**
 * The state machines as deployed, on an interpreter that is not ours: what they enter and how they end is what the
 * interpreter of the random schedules makes of them. Where the two differ, AWS's documentation decides.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { SendTaskSuccessCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import * as z from 'zod';
import { canonicalJson } from '../../src/domain/model/canonical-json.ts';
import { python } from '../integration/deployment.ts';
import { machineArn } from '../unit/environment.ts';
import { type Definition, type MachineName, readMachine, type State } from '../unit/schedules/asl.ts';
import { virtualClock } from '../unit/schedules/clock.ts';
import { type Definitions, type Execution, machines } from '../unit/schedules/machine.ts';
import type { Outcome, Worker } from '../unit/schedules/worker.ts';
import { type Answer, type Case, casesOf, isCallback, tasksOf } from './cases.ts';

/** As many attempts as show what a retrier does; a thousand would show no more. */
const fewAttempts = 5;

const names: readonly MachineName[] = ['provision', 'addDriver', 'deprovision'];

const withFewAttempts = (definition: string): string =>
  definition.replaceAll(/"MaxAttempts":\d+/g, `"MaxAttempts":${fewAttempts}`);
/** With what CloudFormation fills in. */
const deployed = (definition: string): string =>
  withFewAttempts(definition)
    .replaceAll('\u0024{Partition}', 'aws')
    .replaceAll(/\$\{(\w+)FunctionArn\}/g, 'arn:aws:lambda:eu-west-1:123456789012:function:$1');

const definitions: Definitions = {
  provision: readMachine('provision', withFewAttempts),
  addDriver: readMachine('addDriver', withFewAttempts),
  deprovision: readMachine('deprovision', withFewAttempts),
};
const cases = casesOf(definitions);

const endSchema = z.object({
  entered: z.array(z.string()),
  status: z.string(),
  output: z.unknown(),
  error: z.string().nullish(),
  cause: z.string().nullish(),
});
type End = z.infer<typeof endSchema>;

/** Names of states in the order in which they are entered; those of branches, which go side by side, by themselves. */
function orderOf({ machine }: Case, entered: readonly string[]) {
  const { States } = definitions[machine];
  const branches = Object.values(States).flatMap(({ Branches = [] }) => Branches);
  // Where one has failed, another may have been stopped before it began.
  const failed = branches.filter((branch) =>
    Object.entries(branch.States).some(([name, { Type }]) => Type === 'Fail' && entered.includes(name)),
  );
  const compared = new Set((failed.length > 0 ? failed.slice(0, 1) : branches).flatMap(statesOf));
  return {
    outer: entered.filter((name) => Object.hasOwn(States, name)),
    branches: entered.filter((name) => compared.has(name)).sort(),
  };
}

/** What must be the same. A text of JSON may have its members in another order, and other spaces. */
function told(one: Case, { entered, status, output, error, cause }: End) {
  const parsed = (value: string | null | undefined): unknown => {
    try {
      return JSON.parse(value ?? 'null');
    } catch {
      return value;
    }
  };
  const { cause: inner, ...others } =
    z.looseObject({ cause: z.string() }).safeParse(parsed(cause)).data ?? {};
  const isFailure = status === 'FAILED';
  return {
    ...orderOf(one, entered),
    status,
    ...(isFailure
      ? { error, cause: inner === undefined ? parsed(cause) : { ...others, cause: parsed(inner) } }
      : { output }),
  };
}

const stateOf = (machine: MachineName, name: string): State | undefined =>
  tasksOf(definitions[machine]).find(([each]) => each === name)?.[1];

/** Whose calls these are does not matter here. */
const nobody: Worker = {
  ...{ functionName: 'test', integrationId: undefined, label: 'test', invocation: 0, clockSkewMs: 0 },
  ...{ state: 'alive', deadline: 0, calls: 0, effects: 0 },
  looks: new Map(),
  read: new Map(),
  pending: new Set(),
};

/** Runs a case on our own interpreter. */
async function ours(one: Case): Promise<End> {
  const clock = virtualClock();
  const taken = new Map<string, number>();
  const next = (name: string): Answer => {
    const answers = one.answers[name] ?? [];
    const count = taken.get(name) ?? 0;
    taken.set(name, count + 1);
    const answer = answers[Math.min(count, answers.length - 1)];
    if (!answer) throw new Error(`${one.id} has no answer of ${name}.`);
    return answer;
  };
  const invoke = async (functionArn: string, event: unknown): Promise<Outcome> => {
    const name = functionArn.charAt(0).toUpperCase() + functionArn.slice(1);
    const answer = next(name);
    if ('error' in answer) return { ok: false, Error: answer.error, Cause: answer.cause };
    const state = stateOf(one.machine, name);
    if (!state || !isCallback(state)) {
      return { ok: true, value: z.object({ Payload: z.unknown() }).parse(answer.value).Payload };
    }
    const { taskToken } = z.object({ taskToken: z.string() }).parse(event);
    const output = JSON.stringify(answer.value);
    clock.after(1, () => {
      try {
        interpreter.service(new SendTaskSuccessCommand({ taskToken, output }), nobody);
      } catch (error) {
        // Another branch has failed meanwhile: nobody waits for it any more.
        if (!(error instanceof Error && error.name === 'TaskTimedOut')) throw error;
      }
    });
    return { ok: true, value: undefined };
  };
  const nothing = () => undefined;
  const interpreter = machines(clock, { invoke }, [], nothing, nothing, nothing, definitions);
  const input = JSON.stringify(one.input);
  interpreter.service(
    new StartExecutionCommand({ stateMachineArn: machineArn(one.machine), name: 'case', input }),
    nobody,
  );
  const [execution] = interpreter.executions.values();
  if (!execution) throw new Error('The execution did not start.');
  await clock.pass(1_000_000_000, () => execution.status !== 'RUNNING');
  return endOf(execution);
}

function endOf({ entered, status, end }: Execution): End {
  if (end?.ok === false) return { entered, status, output: null, error: end.Error, cause: end.Cause };
  return { entered, status, output: end?.output };
}

/** Runs all cases on the second interpreter, in one process. */
async function theirs(): Promise<readonly End[]> {
  const asked = {
    machines: Object.fromEntries(names.map((name) => [name, readMachine(name, deployed)])),
    cases: cases.map(({ machine, input, answers }) => ({ machine, input, answers })),
  };
  const script = join(import.meta.dirname, 'second_interpreter.py');
  // Its answer is read from standard output; what it complains of, people read.
  const interpreter = spawn(join(python, 'python'), [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  interpreter.stdin.end(JSON.stringify(asked));
  return z.array(endSchema).parse(await json(interpreter.stdout));
}

let second: readonly End[] = [];

beforeAll(async () => {
  second = await theirs();
});

afterAll(() => {
  jest.useRealTimers();
});

test('together the cases enter every state of every machine', () => {
  const entered = new Set(
    second.flatMap((end, index) => end.entered.map((name) => `${cases[index]?.machine} ${name}`)),
  );
  const all = names.flatMap((name) => statesOf(definitions[name]).map((state) => `${name} ${state}`));
  expect(all.filter((each) => !entered.has(each))).toEqual([]);
});

test.each(names)(
  '%s: the second interpreter enters the same states and ends in the same way',
  async (machine) => {
    const differing: object[] = [];
    for (const [index, one] of cases.entries()) {
      const end = second[index];
      if (one.machine !== machine || !end) continue;
      const [mine, other] = [told(one, await ours(one)), told(one, end)];
      if (canonicalJson(mine) !== canonicalJson(other)) differing.push({ id: one.id, mine, other });
    }
    expect(differing).toEqual([]);
  },
);

function statesOf({ States }: Definition): string[] {
  return Object.entries(States).flatMap(([name, { Branches = [] }]) => [name, ...Branches.flatMap(statesOf)]);
}
