/** Dataloop's client as deployed: settings from the environment, credentials from Secrets Manager. */
import { readSecret, secretsClient } from '../clients/aws/secrets.ts';
import { type Dataloop, dataloopClient } from '../clients/dataloop/client.ts';
import { dataloopSettings } from '../config.ts';

export function deployedDataloop(): Dataloop {
  const settings = dataloopSettings();
  const secrets = secretsClient();
  return dataloopClient(settings, () => readSecret(secrets, settings.secretId));
}
