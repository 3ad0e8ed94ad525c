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

const failsWith = async (name: string, status = 400) => {
  secrets.on(GetSecretValueCommand).rejects(sdkError(name, status));
  return readSecret(client, secretId).then(
    () => undefined,
    (error: unknown) => error,
  );
};

test('a secret without a value says which, where, and how to fill it', async () => {
  secrets.on(GetSecretValueCommand).resolves({});
  await expect(readSecret(client, secretId)).rejects.toMatchObject({
    name: 'DataloopCredentialsError',
    message: expect.stringMatching(
      /^The secret dataloop-cross-account\/dev\/dataloop in eu-west-1 holds no .*put-secret-value --region eu-west-1/,
    ),
  });
});

test.each(['ResourceNotFoundException', 'AccessDeniedException'])(
  'one that is not there cannot be told from one that may not be read: %s',
  async (name) => {
    expect(await failsWith(name)).toMatchObject({
      name: 'DataloopCredentialsError',
      message: expect.stringMatching(
        /in eu-west-1 does not exist, or the function may not read it\. .*create-secret --region eu-west-1 --name dataloop-cross-account\/dev\/dataloop/,
      ),
    });
  },
);

test.each([
  [
    'InvalidRequestException',
    /is scheduled for deletion\. Run: aws secretsmanager restore-secret --region eu-west-1/,
  ],
  ['DecryptionFailureException', /cannot be decrypted\. Check that its KMS key is enabled/],
])('%s says what to do', async (name, message) => {
  expect(await failsWith(name)).toMatchObject({
    name: 'DataloopCredentialsError',
    message: expect.stringMatching(message),
  });
});

test('what passes by itself is tried again', async () => {
  expect(await failsWith('ThrottlingException')).toMatchObject({ name: 'AwsUnavailableError' });
});
