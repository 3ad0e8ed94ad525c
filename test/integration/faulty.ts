/** Faults for the tests of whole paths: the proxy between the functions and what they call, and the oracle. */
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { expect } from '@jest/globals';
import type { IntegrationAnswer } from '../../local/observe/api-client.ts';
import { clientsAt } from '../faults/clients.ts';
import { age as ageIn } from '../faults/journal.ts';
import { violations } from '../faults/oracle.ts';
import { faultControl } from '../faults/proxy/control-client.ts';
import { until } from '../until.ts';
import { deployment, environment, faultAddress, uniqueName, whenTestsEnd } from './deployment.ts';

export const faults = faultControl(faultAddress);
const { lambda } = clientsAt(environment);

const opened: string[] = [];

/** A name whose calls the proxy knows by it: it is the scope of rules, too. Closed when the test ends. */
export async function faultyName(what: string): Promise<string> {
  const name = uniqueName(what);
  await faults.open(name);
  opened.push(name);
  return name;
}

// Before what the test has made is taken away: no fault is to be in the way.
whenTestsEnd(async () => {
  for (const name of opened.splice(0)) await faults.close(name);
  // What the proxy itself did not manage must not pass for an injected fault.
  expect(await faults.failures()).toEqual([]);
});

/** Waits until a call is held back under a name. @throws Error where none is made in time */
export async function untilHeld(name: string): Promise<void> {
  await until(`a call is held under "${name}"`, async () => (await faults.held()).includes(name));
}

/** AWS, Dataloop and journal, read directly, say nothing against what the service says. */
export async function expectPromiseKept(integration: IntegrationAnswer): Promise<void> {
  expect(await violations({ environment, deployment }, integration)).toEqual([]);
}

/** Runs the function of the sweep now. @returns the error that it ended with, where it did */
export async function runSweep(): Promise<string | undefined> {
  const answer = await lambda.send(
    new InvokeCommand({ FunctionName: `dataloop-cross-account-${deployment.stage}-sweep` }),
  );
  return answer.FunctionError && Buffer.from(answer.Payload ?? []).toString('utf8');
}

/** Makes an integration look untouched for a while: the sweep leaves alone what has just been written. */
export const age = (integrationId: string): Promise<void> =>
  ageIn({ environment, deployment }, integrationId);
