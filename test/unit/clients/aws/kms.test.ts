import { DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { describeKey, kmsClients } from '../../../../src/clients/aws/kms.ts';
import { sdkError } from './sdk-answers.ts';

const client = new KMSClient({ region: 'eu-west-1' });
const kms = mockClient(client);
const regions: string[] = [];
const look = describeKey((region) => {
  regions.push(region);
  return client;
});
const arn = 'arn:aws:kms:us-west-2:111111111111:key/1';
beforeEach(() => {
  kms.reset();
  regions.length = 0;
});

describe('a KMS key', () => {
  test.each([
    ['Enabled', 'SYMMETRIC_DEFAULT', true],
    ['PendingDeletion', 'SYMMETRIC_DEFAULT', true],
    ['Enabled', 'RSA_2048', false],
    ['Enabled', 'HMAC_256', false],
  ] as const)('is %s and of the kind %s', async (KeyState, KeySpec, encryptsSymmetrically) => {
    kms.on(DescribeKeyCommand).resolves({ KeyMetadata: { KeyId: '1', KeyState, KeySpec } });
    await expect(look(arn)).resolves.toEqual({ state: KeyState, encryptsSymmetrically });
    expect(kms.call(0).args[0].input).toEqual({ KeyId: arn });
  });

  test('is looked for in its own region', async () => {
    kms.on(DescribeKeyCommand).resolves({ KeyMetadata: { KeyId: '1', KeyState: 'Enabled' } });
    await look(arn);
    expect(regions).toEqual(['us-west-2']);
  });

  test('that does not exist is not there', async () => {
    kms.on(DescribeKeyCommand).rejects(sdkError('NotFoundException', 400));
    await expect(look(arn)).resolves.toBeUndefined();
  });

  test('that may not be looked at is an error, not a missing key', async () => {
    kms.on(DescribeKeyCommand).rejects(sdkError('AccessDeniedException', 400));
    await expect(look(arn)).rejects.toMatchObject({
      name: 'AwsAccessDeniedError',
      message: expect.stringContaining(arn),
    });
  });

  test.each([{}, { KeyMetadata: { KeyId: '1' } }])(
    'of which an answer says no state is not known: %j',
    async (answer) => {
      kms.on(DescribeKeyCommand).resolves(answer);
      await expect(look(arn)).rejects.toMatchObject({ name: 'AwsUnavailableError' });
    },
  );
});

test('each region has one client of its own', async () => {
  const clientFor = kmsClients();
  expect(clientFor('eu-west-1')).toBe(clientFor('eu-west-1'));
  expect(clientFor('us-east-1')).not.toBe(clientFor('eu-west-1'));
  await expect(clientFor('us-east-1').config.region()).resolves.toBe('us-east-1');
});
