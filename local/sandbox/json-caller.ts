/** JSON over HTTP, as the control servers of the sandbox and of the fault proxy speak it. */

export type JsonCaller = (method: string, path: string, body?: unknown) => Promise<unknown>;

/**
 * @param whose who answers, as in "The sandbox"
 * @returns calls below a base URL; each throws an Error with the server's own words where it refuses
 */
export function jsonCaller(baseUrl: string, whose: string): JsonCaller {
  return async (method, path, body) => {
    const response = await fetch(`${baseUrl}/${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${whose} refused ${method} ${path}: ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };
}
