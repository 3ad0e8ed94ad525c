/**
 * Binds calls to the client that they are made with: `callsOf(iamClient(), { getRole, createRole })`. Only what is named
 * gets into a function's bundle, and only that its IAM role must allow.
 */
export function callsOf<Client, Calls extends Readonly<Record<string, (client: Client) => unknown>>>(
  client: Client,
  calls: Calls,
): { readonly [Name in keyof Calls]: ReturnType<Calls[Name]> };
export function callsOf<Client>(
  client: Client,
  calls: Readonly<Record<string, (client: Client) => unknown>>,
) {
  return Object.fromEntries(Object.entries(calls).map(([name, call]) => [name, call(client)]));
}
