/** AWS Secrets Manager: Dataloop's credentials. */
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ServiceError } from '../../errors.ts';
import { awsErrorCode, mapAwsError } from './errors.ts';
import { clientSettings } from './settings.ts';

export const secretsClient = () => new SecretsManagerClient(clientSettings);

/**
 * The secret's string. A secret that does not exist is refused as one that may not be read: IAM authorises the call by its
 * bare name.
 * @throws ServiceError `DataloopCredentialsError` when it is not there, not readable or empty
 */
export async function readSecret(client: SecretsManagerClient, secretId: string): Promise<string> {
  const region = await client.config.region();
  const refused = (why: string, advice: string, cause?: unknown) =>
    new ServiceError('DataloopCredentialsError', `The secret ${secretId} in ${region} ${why}. ${advice}`, {
      cause,
    });
  const content = `--secret-string '{"apiKey":"…"}'`;
  try {
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: secretId }));
    if (SecretString) return SecretString;
  } catch (error) {
    const code = awsErrorCode(error);
    if (code === 'ResourceNotFound' || code === 'AccessDenied') {
      throw refused(
        'does not exist, or the function may not read it',
        `If it does not exist, run: aws secretsmanager create-secret --region ${region} --name ${secretId} ${content}. If it ` +
          'does, look for a policy that denies secretsmanager:GetSecretValue or kms:Decrypt. Then send the request again.',
        error,
      );
    }
    if (code === 'InvalidRequest') {
      throw refused(
        'is scheduled for deletion',
        `Run: aws secretsmanager restore-secret --region ${region} --secret-id ${secretId}. Then send the request again.`,
        error,
      );
    }
    if (code === 'DecryptionFailure') {
      throw refused(
        'cannot be decrypted',
        'Check that its KMS key is enabled and that the function may use it. Then send the request again.',
        error,
      );
    }
    throw mapAwsError(error, `read the secret ${secretId}`);
  }
  throw refused(
    'holds no Dataloop credentials',
    `Store {"apiKey":"…"} or {"username":"…","password":"…"} in it: aws secretsmanager put-secret-value --region ${region} ` +
      `--secret-id ${secretId} ${content}. Then send the request again.`,
  );
}
