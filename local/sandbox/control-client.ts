/** Tells the Dataloop sandbox how to behave, and looks into it. */
import * as z from 'zod';
import type { ControlAddress } from './control-access.ts';
import { jsonCaller } from './json-caller.ts';
import type { FaultInput, Settings } from './schemas.ts';

const standingSchema = z.object({
  integrations: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      metadata: z.array(z.object({ name: z.string(), value: z.string() })),
    }),
  ),
  drivers: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      integrationId: z.string().optional(),
      path: z.string(),
      allowExternalDelete: z.boolean(),
    }),
  ),
  datasets: z.array(z.object({ id: z.string(), name: z.string(), itemsCount: z.number() })),
});
export type SandboxStanding = z.infer<typeof standingSchema>;

const stateSchema = standingSchema.extend({
  iamUsers: z.array(z.string()),
  requests: z.array(z.object({ time: z.string(), method: z.string(), path: z.string(), status: z.number() })),
  apiKeys: z.array(z.string()),
});
export type SandboxState = z.infer<typeof stateSchema>;

export interface SandboxControl {
  state(): Promise<SandboxState>;
  /** Integrations and drivers alone. */
  standing(): Promise<SandboxStanding>;
  /** @param scope text in the names of the integrations meant; empty: all */
  set(scope: string, settings: Settings): Promise<void>;
  fail(fault: FaultInput): Promise<void>;
  clearFaults(): Promise<void>;
  /** From now on this token is refused. */
  revokeToken(token: string): Promise<void>;
  /** From now on every API key, and every token of a log-in before, is refused. */
  revokeAllTokens(): Promise<void>;
  acceptAllTokens(): Promise<void>;
  /** Writes an object as Dataloop does: through the driver, with the assumed role. */
  writeObject(driverId: string, key: string, content: string): Promise<{ bucket: string; key: string }>;
  /** Lets another IAM user of Dataloop's account try the integration's role. */
  assumeAsStranger(integrationId: string): Promise<{ assumed: boolean; errorName?: string | undefined }>;
}

export function sandboxControl(address: ControlAddress): SandboxControl {
  const call = jsonCaller(address, 'The sandbox');
  const id = encodeURIComponent;
  return {
    state: async () => stateSchema.parse(await call('GET', 'state')),
    standing: async () => standingSchema.parse(await call('GET', 'standing')),
    set: async (scope, settings) => {
      await call('PUT', `settings/${id(scope)}`, settings);
    },
    fail: async (fault) => {
      await call('POST', 'faults', fault);
    },
    clearFaults: async () => {
      await call('DELETE', 'faults');
    },
    revokeToken: async (token) => {
      await call('POST', 'revoked-tokens', { token });
    },
    revokeAllTokens: async () => {
      await call('POST', 'revoked-tokens', { all: true });
    },
    acceptAllTokens: async () => {
      await call('DELETE', 'revoked-tokens');
    },
    writeObject: async (driverId, key, content) =>
      z
        .object({ bucket: z.string(), key: z.string() })
        .parse(await call('POST', `drivers/${id(driverId)}/objects`, { key, content })),
    assumeAsStranger: async (integrationId) =>
      z
        .object({ assumed: z.boolean(), errorName: z.string().optional() })
        .parse(await call('POST', `integrations/${id(integrationId)}/assume-as-stranger`)),
  };
}
