import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { getCallerAccountId } from '../../../../src/clients/aws/sts.ts';
import { sdkError } from './sdk-answers.ts';

const client = new STSClient({ region: 'eu-west-1' });
const sts = mockClient(client);

test('the account is that of the credentials', async () => {
  sts.on(GetCallerIdentityCommand).resolves({ Account: '111111111111' });
  await expect(getCallerAccountId(client)()).resolves.toBe('111111111111');
});

test('credentials that AWS does not take are said to be the matter', async () => {
  sts.on(GetCallerIdentityCommand).rejects(sdkError('InvalidClientTokenId', 403));
  await expect(getCallerAccountId(client)()).rejects.toMatchObject({
    name: 'AwsAccessDeniedError',
    message: expect.stringContaining('identify the credentials of the service'),
  });
});
