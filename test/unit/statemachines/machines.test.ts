/**
 * What the state machines do is what they did at commit 5fc8d57, where they were written as JSON by hand.
 * definitions-5fc8d57.json holds the outlines of those files, with 3600 for the parameter iamUserTimeoutSeconds.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import aslValidator from 'asl-validator';
import * as z from 'zod';
import { projectRoot } from '../../../local/environment/paths.ts';
import { aslFiles } from '../../../scripts/asl-files.ts';
import { stateMachines, stepsOf } from '../../../statemachines/machines.ts';
import { type Outline, outlineOf, parseMachine, statesOf } from './outline.ts';

const texts = z.record(z.string(), z.array(z.string()));
const outlineSchema = z.strictObject({ machine: z.string(), states: texts, payload: texts, errors: texts });
const recordedSchema = z.strictObject({
  provision: outlineSchema,
  addDriver: outlineSchema,
  deprovision: outlineSchema,
});
const recorded = recordedSchema.parse(
  JSON.parse(readFileSync(join(import.meta.dirname, 'definitions-5fc8d57.json'), 'utf8')),
);

/**
 * Wanted since for every function: the id, which may be of an added bucket, is its `recordId`. The input of an execution
 * may have it under that name or, started by an earlier version, under the earlier one.
 */
function withRecordId({
  machine,
  states,
  payload: { integrationId: _earlier, ...payload },
  errors,
}: Outline) {
  return {
    machine,
    states: Object.fromEntries(
      Object.entries(states).map(([name, lines]) => [
        name,
        lines.map((line) => line.replace(' with integrationId, ', ' with recordId, ')),
      ]),
    ),
    payload: {
      recordId: ['{% $states.context.Execution.Input.(recordId ? recordId : integrationId) %}'],
      ...payload,
    },
    errors,
  };
}

/** Where a state is wanted to do something else than at 5fc8d57: its outline, and above it the reason. */
const wanted: Readonly<Record<keyof typeof recorded, Readonly<Record<string, readonly string[]>>>> = {
  provision: {},
  addDriver: {},
  deprovision: {
    // The record says what it is of, not the beginning of its id.
    WasAdded: [
      'Choice',
      "if {% $states.input.openCalls.kind = 'added bucket' %}, leads to RevokeAccess",
      'otherwise leads to DeleteIntegration',
    ],
  },
};

const iamUserTimeoutSeconds = 3600;
const machines = stateMachines({ iamUserTimeoutSeconds });
const names = ['provision', 'addDriver', 'deprovision'] as const;

describe.each(names)('%s', (name) => {
  const { Definition, DefinitionSubstitutions, functionArns } = machines[name];
  const outline = outlineOf(Definition);
  const before = withRecordId(recorded[name]);
  const states = statesOf(parseMachine(Definition).States);

  test('has the same states, and starts as before', () => {
    expect(Object.keys(outline.states)).toEqual(Object.keys({ ...before.states, ...wanted[name] }));
    expect(outline.machine).toBe(before.machine);
  });

  test.each(Object.keys({ ...before.states, ...wanted[name] }))(
    '%s calls, catches, retries and leads to what it did',
    (state) => {
      expect(outline.states[state]).toEqual(wanted[name][state] ?? before.states[state]);
    },
  );

  test('sends its functions the same, and means the same by its lists of errors', () => {
    expect(outline.payload).toEqual(before.payload);
    expect(outline.errors).toEqual(before.errors);
  });

  test('differs from before wherever it is said to', () => {
    for (const [state, lines] of Object.entries(wanted[name])) {
      expect(lines).not.toEqual(before.states[state]);
    }
  });

  test.each([['the machine', Definition], ...states] as const)(
    '%s says what happens there',
    (_name, { Comment = '' }) => {
      expect(Comment).toMatch(/^[A-Z][^\n]{29,219}\.$/);
    },
  );

  test('is valid Amazon States Language', () => {
    // The validator writes into what it is given.
    const { isValid, errorsText } = aslValidator(structuredClone(Definition), {
      checkArn: false,
      checkPaths: true,
    });
    expect(isValid ? '' : errorsText()).toBe('');
  });

  test('has an ARN for each function that it calls', () => {
    const called = states.flatMap(([, { Arguments }]) => (Arguments ? [Arguments.FunctionName] : []));
    expect(Object.keys(DefinitionSubstitutions).map((each) => `\u0024{${each}}`)).toEqual(called);
    expect(Object.values(DefinitionSubstitutions)).toEqual(functionArns);
    expect(functionArns).toEqual(
      stepsOf(Definition.States).map((step) => ({ 'Fn::GetAtt': [`${step}LambdaFunction`, 'Arn'] })),
    );
  });

  test('every change but one of a Comment shows in its outline', () => {
    const parts = [
      { ...Definition, States: {} },
      ...Object.entries(Definition.States).map(([each, state]) => ({
        ...Definition,
        States: { [each]: state },
      })),
    ];
    for (const part of parts) {
      const expected = JSON.stringify(outlineOf(part));
      for (const { path, changed } of changesOf(part)) {
        expect([path, isSeen(changed, expected)]).toEqual([path, !path.endsWith('.Comment')]);
      }
    }
  });
});

test('the wait for the IAM user is as long as the parameter says', () => {
  const waits = (seconds: number) =>
    outlineOf(stateMachines({ iamUserTimeoutSeconds: seconds }).provision.Definition).states[
      'PrepareBothSides/RequestIamUser'
    ];
  expect(waits(86_400)).toContain('times out after 86400');
  expect(waits(10)).toContain('times out after 10');
});

test('`npm run asl` writes what is deployed with the default parameters', () => {
  expect(aslFiles().map(({ name, text }) => [name, JSON.parse(text)])).toEqual([
    ['provision.asl.json', machines.provision.Definition],
    ['add-driver.asl.json', machines.addDriver.Definition],
    ['deprovision.asl.json', machines.deprovision.Definition],
  ]);
  const serverless = readFileSync(join(projectRoot, 'serverless.yml'), 'utf8');
  expect(serverless).toContain(`\n    iamUserTimeoutSeconds: ${iamUserTimeoutSeconds}\n`);
});

/** Copies of a definition, each with one value changed, or one list shortened. */
function changesOf(value: unknown, path = ''): { path: string; changed: unknown }[] {
  if (Array.isArray(value)) {
    return [
      ...value.map((_, index) => ({ path: `${path}[-${index}]`, changed: value.toSpliced(index, 1) })),
      ...value.flatMap((each, index) =>
        changesOf(each, `${path}[${index}]`).map(({ path: at, changed }) => ({
          path: at,
          changed: value.with(index, changed),
        })),
      ),
    ];
  }
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([key, each]) =>
      changesOf(each, `${path}.${key}`).map(({ path: at, changed }) => ({
        path: at,
        changed: { ...value, [key]: changed },
      })),
    );
  }
  return [
    {
      path,
      changed: typeof value === 'string' ? `${value}x` : typeof value === 'number' ? value + 1 : undefined,
    },
  ];
}

/** Whether a changed definition is refused, or has another outline. */
function isSeen(changed: unknown, outline: string): boolean {
  try {
    return JSON.stringify(outlineOf(changed)) !== outline;
  } catch {
    return true;
  }
}
