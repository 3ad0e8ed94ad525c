/** SigV4-signed calls of the service's HTTP API, as any AWS client makes them. */
import * as z from 'zod';
import { type Credentials, signing } from '../../cli/connection/send.ts';

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

export interface ApiClient {
  request(
    method: string,
    path: string,
    options?: { body?: unknown; rawBody?: string; headers?: Readonly<Record<string, string>> },
  ): Promise<ApiAnswer>;
}

export function apiClient(apiUrl: string, region: string, credentials: Credentials): ApiClient {
  const sign = signing(region, credentials);
  return {
    request: async (method, path, options = {}) => {
      const url = new URL(`${apiUrl}${path}`);
      const body = options.rawBody ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
      const headers = await sign(method, url, body, options.headers);
      const response = await fetch(url, { method, headers, body: body ?? null });
      const text = await response.text();
      return {
        status: response.status,
        headers: response.headers,
        body: text === '' ? undefined : JSON.parse(text),
      };
    },
  };
}

const resourceSchema = z.object({
  type: z.string(),
  arn: z.string().optional(),
  id: z.string().optional(),
  name: z.string().optional(),
});

/** An integration or an added driver, as the API answers it. */
export const integrationSchema = z.object({
  /** Of a driver: that of the integration that it was added to. */
  integrationId: z.string(),
  /** Only of a driver. */
  driverId: z.string().optional(),
  name: z.string(),
  status: z.string(),
  createdAt: z.string(),
  updatedAt: z.string(),
  steps: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      startedAt: z.string(),
      endedAt: z.string().optional(),
      attempts: z.number(),
      reason: z.string().optional(),
    }),
  ),
  resources: z.array(resourceSchema.extend({ origin: z.string() })),
  residue: z.array(resourceSchema.extend({ reason: z.string(), advice: z.string() })),
  leftAlone: z.array(resourceSchema.extend({ reason: z.string() })).optional(),
  released: z.array(resourceSchema.extend({ reason: z.string() })).optional(),
  error: z
    .object({ type: z.string(), title: z.string(), detail: z.string(), step: z.string().optional() })
    .optional(),
  /** Added drivers of the integration. */
  drivers: z
    .array(z.object({ driverId: z.string(), name: z.string(), links: z.object({ self: z.string() }) }))
    .optional(),
  links: z.object({ self: z.string(), execution: z.string(), console: z.string() }),
});
export type IntegrationAnswer = z.infer<typeof integrationSchema>;

/** States that last. */
export const settledStatuses = ['ready', 'failed', 'residue', 'removed'];
