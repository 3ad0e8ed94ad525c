/** A bucket with a KMS key of the customer's: encrypted with it, and nobody gets more of it than S3 needs. */
import { DecryptCommand, EncryptCommand, KMSClient } from '@aws-sdk/client-kms';
import { GetBucketEncryptionCommand } from '@aws-sdk/client-s3';
import { expect, test } from '@jest/globals';
import { dataloopSession } from '../dataloop-session.ts';
import { api, client, connect, control, disconnect, params, requestFor, s3, settled } from '../deployment.ts';
import { faultyName } from '../faulty.ts';
import { policyOf } from '../policy-documents.ts';

const kmsKeyArn = String(params['kmsKeyArns']);
const withKey = (name: string, arn = kmsKeyArn) => ({
  bucket: { name: `dataloop-${name}`, kmsKeyArn: arn },
});

test('a bucket is encrypted with the key that the request names, and Dataloop uses it through S3 only', async () => {
  const name = await faultyName('kms');
  const ready = await settled((await connect(name, withKey(name))).integrationId);
  expect(ready.error).toBeUndefined();
  expect(ready.status).toBe('ready');

  const { ServerSideEncryptionConfiguration } = await s3.send(
    new GetBucketEncryptionCommand({ Bucket: `dataloop-${name}` }),
  );
  expect(ServerSideEncryptionConfiguration?.Rules).toMatchObject([
    {
      ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: kmsKeyArn },
      BucketKeyEnabled: true,
    },
  ]);
  expect((await policyOf(ready)).Statement).toContainEqual({
    Sid: 'AllowUseOfKey',
    Effect: 'Allow',
    Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
    Resource: kmsKeyArn,
    Condition: { StringEquals: { 'kms:ViaService': 's3.eu-west-1.amazonaws.com' } },
  });

  const kms = new KMSClient(client);
  const { CiphertextBlob } = await kms.send(
    new EncryptCommand({ KeyId: kmsKeyArn, Plaintext: Buffer.from('theirs') }),
  );
  await expect(kms.send(new DecryptCommand({ CiphertextBlob }))).resolves.toBeDefined();
  const theirs = new KMSClient({ ...client, credentials: await dataloopSession(ready) });
  await expect(theirs.send(new DecryptCommand({ CiphertextBlob }))).rejects.toMatchObject({
    name: expect.stringMatching(/^AccessDenied/),
  });
  expect((await disconnect(ready.integrationId)).status).toBe('removed');
});

test('a key that the deployment does not name is refused before anything happens, with the parameter', async () => {
  const name = await faultyName('otherkey');
  const answer = await api.request('POST', '/integrations', {
    body: requestFor(name, withKey(name, kmsKeyArn.replace(/[^/]+$/, 'other'))),
  });
  expect(answer.status).toBe(400);
  expect(answer.body).toMatchObject({
    errors: [{ pointer: '/bucket/kmsKeyArn', detail: expect.stringContaining('kmsKeyArns') }],
  });
});

test('a bucket that Dataloop cannot use: the error says that the key’s own policy may be in the way', async () => {
  const name = await faultyName('kmsclosed');
  await control.set(name, { driverTest: 'fail' });
  const failed = await settled((await connect(name, withKey(name))).integrationId);
  expect(failed).toMatchObject({
    status: 'failed',
    error: {
      detail: expect.stringContaining(
        `${kmsKeyArn}. Make sure that the key is enabled, and that its key policy`,
      ),
    },
  });
});
