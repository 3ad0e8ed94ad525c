import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { readSecret } from '../../../../src/clients/aws/secrets.ts';
import { sdkError } from './sdk-answers.ts';

const client = new SecretsManagerClient({ region: 'eu-west-1' });
const secrets = mockClient(client);
const secretId = 'dataloop-cross-account/dev/dataloop';

test("the secret's text is read by its name", async () => {
  secrets.on(GetSecretValueCommand, { SecretId: secretId }).resolves({ SecretString: '{"apiKey":"k"}' });
  await expect(readSecret(client, secretId)).resolves.toBe('{"apiKey":"k"}');
});

test('a secret without a value says which, and how to fill it', async () => {
  const expected = {
    name: 'DataloopCredentialsError',
    message: expect.stringMatching(/dataloop-cross-account\/dev\/dataloop.*put-secret-value/),
  };
  secrets.on(GetSecretValueCommand).rejectsOnce(sdkError('ResourceNotFoundException', 400)).resolves({});
  await expect(readSecret(client, secretId)).rejects.toMatchObject(expected);
  await expect(readSecret(client, secretId)).rejects.toMatchObject(expected);
});

test('a secret that may not be read is a matter of AWS, not of Dataloop', async () => {
  secrets.on(GetSecretValueCommand).rejects(sdkError('AccessDeniedException', 400));
  await expect(readSecret(client, secretId)).rejects.toMatchObject({ name: 'AwsAccessDeniedError' });
});
