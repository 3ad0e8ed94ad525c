/** When the API key in the secret ends, as deployed. The key itself stays here. */
import { readSecret, secretsClient } from '../clients/aws/secrets.ts';
import { parseSecret, readToken } from '../clients/dataloop/credentials.ts';
import { dataloopSettings } from '../config.ts';
import type { KeyWatch } from '../domain/healthcheck/api-key.ts';

export function deployedKeyEnd(): Pick<KeyWatch, 'apiKeyEnd' | 'secretId'> {
  const { secretId } = dataloopSettings();
  const secrets = secretsClient();
  return {
    secretId,
    apiKeyEnd: async () => {
      const secret = parseSecret(await readSecret(secrets, secretId), secretId);
      return 'apiKey' in secret ? readToken(secret.apiKey, secretId).expiresAt : undefined;
    },
  };
}
