/**
 * The two waits of the undo: once Dataloop's access has ended for all that was called before, at its end for its own calls.
 * And what comes before the first of them.
 */
import * as z from 'zod';
import { standingResources } from '../domain/model/record.ts';
import { accessOf, undoneBy } from '../domain/model/steps.ts';
import { inFlightCallsSettled, whileCallsAreInFlight } from '../domain/saga/in-flight-calls.ts';
import type { UndoOutcome } from '../domain/saga/ownership.ts';
import { failedUndoSchema } from '../domain/saga/residue.ts';
import type { StepContext } from '../domain/saga/step.ts';
import { parseInput } from './input.ts';
import { deprovisionStep } from './step.ts';

/** What states pass that look again and again: when the wait began, and now. */
export const waitSchema = z.looseObject({ since: z.coerce.date(), enteredAt: z.coerce.date() });

/** With the steps that the state machine has given up on so far. */
const afterAccessSchema = waitSchema.extend({ failures: z.array(failedUndoSchema).default([]) });

export const awaitCalls = (step: 'AwaitOpenCalls' | 'AwaitUndoCalls') =>
  deprovisionStep(step, async (context, input) => {
    const { since, enteredAt, failures } = parseInput(afterAccessSchema, input, `The input of ${step}`);
    const { kind, addedBuckets = {} } = context.record;
    // What was added to an integration goes before its integration at Dataloop does.
    const drivers = Object.keys(addedBuckets).length;
    const access = accessOf[kind];
    const standing = standingResources(context.record).map(([key]) => key);
    const isLeft = standing.includes(access);
    const hasFailed = failures.some((failure) => failure.step === undoneBy[access]);
    // Left while calls were in flight, or by an execution that an earlier version started, which begins with the wait.
    const again = isLeft && !hasFailed ? undoneBy[access] : 'nothing';
    const dataset = standing.includes('dataset') ? { dataset: true } : {};
    return { ...inFlightCallsSettled(context, since, enteredAt), kind, drivers, again, ...dataset };
  });

/** Executions of an earlier definition have waited, and do not say so. */
const accessSchema = z.looseObject({ callsEnded: z.boolean().default(true) });

/** A step with which Dataloop's access ends. It comes before the wait for in-flight calls and, where it must, again after it. */
export const accessStep = (
  step: 'DeleteRole' | 'RevokeAccess',
  work: (context: StepContext) => Promise<UndoOutcome>,
) =>
  deprovisionStep(step, (context, input) => {
    const { callsEnded } = parseInput(accessSchema, input, `The input of ${step}`);
    return work(callsEnded ? context : whileCallsAreInFlight(context, accessOf[context.record.kind]));
  });
