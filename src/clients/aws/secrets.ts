/** AWS Secrets Manager: Dataloop's credentials. */
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ServiceError } from '../../errors.ts';
import { awsCallOr } from './errors.ts';
import { clientSettings } from './settings.ts';

export const secretsClient = () => new SecretsManagerClient(clientSettings);

/** The secret's string. @throws ServiceError `DataloopCredentialsError` when it is not there or empty. */
export async function readSecret(client: SecretsManagerClient, secretId: string): Promise<string> {
  const answer = await awsCallOr(`read the secret ${secretId}`, ['ResourceNotFound'], undefined, () =>
    client.send(new GetSecretValueCommand({ SecretId: secretId })),
  );
  if (!answer?.SecretString) {
    throw new ServiceError(
      'DataloopCredentialsError',
      `The secret ${secretId} holds no Dataloop credentials. Store {"apiKey":"…"} or {"username":"…","password":"…"} in it ` +
        'with aws secretsmanager put-secret-value, then send the request again.',
    );
  }
  return answer.SecretString;
}
