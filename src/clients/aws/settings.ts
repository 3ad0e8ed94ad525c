/** What every AWS client shares. Endpoint, region and credentials come from the environment, as everywhere. */

/** Without `throwOnRequestTimeout` a hanging call would last as long as the function. */
export const clientSettings = {
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 2_000, requestTimeout: 6_000, throwOnRequestTimeout: true },
} as const;
