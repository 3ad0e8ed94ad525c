import { awaitCalls } from '../../src/runtime/await-calls.ts';

/**
 * AwaitUndoCalls: says whether a function of the undo itself may still be at work. Once the names are free, a
 * deletion that comes late would meet what somebody else has made under them.
 */
export const handler = awaitCalls('AwaitUndoCalls');
