/** What every AWS client shares. Endpoint, region and credentials come from the environment, as everywhere. */

/** Without `throwOnRequestTimeout` a hanging call would last as long as the function. */
export const clientSettings = {
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 2_000, requestTimeout: 6_000, throwOnRequestTimeout: true },
} as const;

/** One client for each region, with these settings: made when it is first asked for, and kept. */
export function regionalClients<Client>(
  create: (settings: typeof clientSettings & { readonly region: string }) => Client,
): (region: string) => Client {
  const clients = new Map<string, Client>();
  return (region) => {
    const client = clients.get(region) ?? create({ ...clientSettings, region });
    clients.set(region, client);
    return client;
  };
}
