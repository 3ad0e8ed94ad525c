/** The two waits of the undo: before it begins for all that was called before, at its end for its own calls. */
import * as z from 'zod';
import { inFlightCallsSettled } from '../domain/saga/in-flight-calls.ts';
import { parseInput } from './input.ts';
import { deprovisionStep } from './step.ts';

/** What states pass that look again and again: when the wait began, and now. */
export const waitSchema = z.looseObject({ since: z.coerce.date(), enteredAt: z.coerce.date() });

export const awaitCalls = (step: 'AwaitOpenCalls' | 'AwaitUndoCalls') =>
  deprovisionStep(step, async (context, input) => {
    const { since, enteredAt } = parseInput(waitSchema, input, `The input of ${step}`);
    const { kind, addedBuckets = {} } = context.record;
    // What was added to an integration goes before it does.
    const drivers = Object.keys(addedBuckets).length;
    return { ...inFlightCallsSettled(context, since, enteredAt), kind, drivers };
  });
