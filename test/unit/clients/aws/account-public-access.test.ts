import { S3Client } from '@aws-sdk/client-s3';
import { describe, expect, test } from '@jest/globals';
import { getAccountPublicAccessBlock } from '../../../../src/clients/aws/account-public-access.ts';
import { answering } from './sdk-answers.ts';

const accountId = '111111111111';
const bucket = { name: 'acme-photos', region: 'eu-west-1', ownerAccountId: accountId };

/** What is asked of AWS in a region: the address, and the headers that matter. */
async function asked(region: string, name: string): Promise<unknown> {
  const sent: unknown[] = [];
  const client = new S3Client({
    ...answering(200),
    region,
    requestHandler: {
      handle: async (request: { hostname: string; path: string; query: object; headers: object }) => {
        const { hostname, path, query, headers } = request;
        sent.push({ url: `${hostname}${path}`, query, headers });
        throw new Error('No network.');
      },
    },
  });
  await getAccountPublicAccessBlock(() => client)({ ...bucket, region, name }).catch(() => undefined);
  return sent[0];
}

describe('the account’s public-access block', () => {
  test.each([
    ['us-east-1', 'acme-photos', 'us-east-1.amazonaws.com'],
    ['eu-west-1', 'acme.s3.photos', 'eu-west-1.amazonaws.com'],
    ['eu-west-1', 's3-photos', 'eu-west-1.amazonaws.com'],
    ['cn-north-1', 'acme-photos', 'cn-north-1.amazonaws.com.cn'],
    ['eusc-de-east-1', 'acme-photos', 'eusc-de-east-1.amazonaws.eu'],
  ])('is asked for at S3 Control: %s, %s', async (region, name, suffix) => {
    const host = `${accountId}.s3-control.${suffix}`;
    expect(await asked(region, name)).toEqual({
      url: `${host}/v20180820/configuration/publicAccessBlock`,
      query: {},
      headers: expect.objectContaining({
        host,
        'x-amz-account-id': accountId,
        authorization: expect.stringMatching(
          `/${region}/s3/aws4_request, SignedHeaders=.*;x-amz-account-id;`,
        ),
      }),
    });
  });

  const read = (status: number, body: string) =>
    getAccountPublicAccessBlock(() => new S3Client(answering(status, body)))(bucket);
  const refused = (code: string) =>
    `<ErrorResponse><Error><Code>${code}</Code><Message>No.</Message></Error></ErrorResponse>`;

  test('is as S3 Control says it', async () => {
    const answer =
      '<PublicAccessBlockConfiguration xmlns="http://awss3control.amazonaws.com/doc/2018-08-20/">' +
      '<BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>' +
      '<BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>false</RestrictPublicBuckets>' +
      '</PublicAccessBlockConfiguration>';
    expect(await read(200, answer)).toEqual({
      BlockPublicAcls: true,
      IgnorePublicAcls: true,
      BlockPublicPolicy: true,
      RestrictPublicBuckets: false,
    });
  });

  test('may not be there, or may not be read', async () => {
    expect(await read(404, refused('NoSuchPublicAccessBlockConfiguration'))).toBeUndefined();
    await expect(read(403, refused('AccessDenied'))).rejects.toMatchObject({ name: 'AwsAccessDeniedError' });
    await expect(read(503, refused('SlowDown'))).rejects.toMatchObject({ name: 'AwsUnavailableError' });
  });
});
