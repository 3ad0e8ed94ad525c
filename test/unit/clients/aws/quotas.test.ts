import { GetAccountSummaryCommand, IAMClient } from '@aws-sdk/client-iam';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { beforeEach, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { getAccountSummary } from '../../../../src/clients/aws/iam.ts';
import { countBuckets } from '../../../../src/clients/aws/s3.ts';
import { sdkError } from './sdk-answers.ts';

const iamClient = new IAMClient({ region: 'eu-west-1' });
const iam = mockClient(iamClient);
const s3Client = new S3Client({ region: 'eu-west-1' });
const s3 = mockClient(s3Client);
beforeEach(() => {
  iam.reset();
  s3.reset();
});

const summary = { Roles: 3, RolesQuota: 1000, Policies: 4, PoliciesQuota: 1500, Users: 9 };

test('the account’s summary tells of roles and policies, and how many there may be', async () => {
  iam.on(GetAccountSummaryCommand).resolves({ SummaryMap: summary });
  await expect(getAccountSummary(iamClient)()).resolves.toEqual({
    roles: 3,
    rolesQuota: 1000,
    policies: 4,
    policiesQuota: 1500,
  });
});

test('a count that is zero is one; a count that is missing is not zero', async () => {
  iam.on(GetAccountSummaryCommand).resolvesOnce({ SummaryMap: { ...summary, Roles: 0 } });
  await expect(getAccountSummary(iamClient)()).resolves.toMatchObject({ roles: 0 });
  for (const key of ['Roles', 'RolesQuota', 'Policies', 'PoliciesQuota']) {
    const { [key]: _missing, ...rest }: Record<string, number> = summary;
    iam.on(GetAccountSummaryCommand).resolves({ SummaryMap: rest });
    await expect(getAccountSummary(iamClient)()).rejects.toMatchObject({
      name: 'AwsUnavailableError',
      message: expect.stringContaining(`lacks ${key}.`),
    });
  }
  iam.on(GetAccountSummaryCommand).resolves({});
  await expect(getAccountSummary(iamClient)()).rejects.toMatchObject({ name: 'AwsUnavailableError' });
});

test('buckets are counted by one call, not further than the default quota', async () => {
  s3.on(ListBucketsCommand).resolves({ Buckets: [{ Name: 'a' }, { Name: 'b' }] });
  const regions: string[] = [];
  const clientFor = (region: string) => {
    regions.push(region);
    return s3Client;
  };
  await expect(countBuckets('eu-west-1')(clientFor)()).resolves.toBe(2);
  expect(s3.calls().map((call) => call.args[0].input)).toEqual([{ MaxBuckets: 10_000 }]);
  expect(regions).toEqual(['eu-west-1']);
});

test('buckets that may not be listed are not counted as none', async () => {
  s3.on(ListBucketsCommand).rejects(sdkError('AccessDenied', 403));
  await expect(countBuckets('eu-west-1')(() => s3Client)()).rejects.toMatchObject({
    name: 'AwsAccessDeniedError',
  });
});
