/** The fault proxy from another process. */
import * as z from 'zod';
import type { ControlAddress } from '../../../local/sandbox/control-access.ts';
import { jsonCaller } from '../../../local/sandbox/json-caller.ts';
import { recordedCallSchema } from './call-log.ts';
import { type FaultControl, failureSchema } from './fault-control.ts';

/** @param address a FaultProxy, or its address. Each method throws an Error with the proxy's own words. */
export function faultControl(address: ControlAddress): FaultControl {
  const call = jsonCaller(address, 'The fault proxy');
  const id = encodeURIComponent;
  return {
    open: async (scope) => {
      await call('POST', `scopes/${id(scope)}`);
    },
    close: async (scope) => {
      await call('DELETE', `scopes/${id(scope)}`);
    },
    registerIntegration: async (scope, integrationId) => {
      await call('PUT', `scopes/${id(scope)}/integrations/${id(integrationId)}`);
    },
    addRule: async (rule) =>
      z.object({ id: z.string() }).parse(await call('POST', `scopes/${id(rule.scope)}/rules`, rule)).id,
    clearRules: async (scope) => {
      await call('DELETE', `scopes/${id(scope)}/rules`);
    },
    calls: async (scope) =>
      z
        .array(recordedCallSchema)
        .parse(await call('GET', scope === undefined ? 'calls' : `scopes/${id(scope)}/calls`)),
    release: async (name) =>
      z.object({ released: z.number() }).parse(await call('POST', `release/${id(name)}`)).released,
    held: async () => z.array(z.string()).parse(await call('GET', 'held')),
    failures: async () => z.array(failureSchema).parse(await call('GET', 'failures')),
  };
}
