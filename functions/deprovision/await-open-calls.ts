import { openCallsSettled } from '../../src/domain/lifecycle.ts';
import { deprovisionStep } from '../../src/handlers/step.ts';

/** AwaitOpenCalls: says whether a function of the provisioning may still be at work behind the undo's back. */
export const handler = deprovisionStep('AwaitOpenCalls', async (step) => openCallsSettled(step, Date.now()));
