import { awaitCalls } from '../../src/runtime/await-calls.ts';

/** AwaitOpenCalls: says whether a function of the provisioning may still be at work behind the undo's back. */
export const handler = awaitCalls('AwaitOpenCalls');
