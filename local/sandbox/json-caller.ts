/** JSON over HTTP, as the control servers of the sandbox and of the fault proxy speak it. */
import type { ControlAddress } from './control-access.ts';

export type JsonCaller = (method: string, path: string, body?: unknown) => Promise<unknown>;

/**
 * @param whose who answers, as in "The sandbox"
 * @returns calls of a control server; each throws an Error with the server's own words where it refuses
 */
export function jsonCaller({ controlUrl, controlToken }: ControlAddress, whose: string): JsonCaller {
  return async (method, path, body) => {
    const response = await fetch(`${controlUrl}/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${controlToken}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${whose} refused ${method} ${path}: ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };
}
