import { expect, test } from '@jest/globals';
import { ownerTag, planFor, trustPolicy } from '../../../src/domain/plan.ts';
import { account, integrationId, requestOf } from './fakes.ts';

const plan = (more?: object) => planFor(integrationId, requestOf(more), account);

test('names and ARNs come from the request and the deployment', () => {
  const { bucket, policy, role, driver, dataloopIntegrationName } = plan();
  expect(bucket).toEqual({
    name: 'dataloop-acme',
    arn: 'arn:aws:s3:::dataloop-acme',
    region: 'eu-west-1',
    prefix: '',
  });
  expect(policy.arn).toBe('arn:aws:iam::111111111111:policy/dataloop-cross-account/test/dataloop-acme');
  expect(role.arn).toBe('arn:aws:iam::111111111111:role/dataloop-cross-account/test/dataloop-acme');
  expect(driver).toEqual({ name: 'acme', projectId: 'project-1', allowDelete: true });
  expect(dataloopIntegrationName).toContain(integrationId);
});

test('the owner tag is ours whatever the request says of tags', () => {
  expect(plan({ tags: { team: 'a' } }).tags).toEqual({ team: 'a', [ownerTag]: integrationId });
});

test('a whole bucket gets the guide’s one statement', () => {
  expect(plan().permissionPolicy.Statement).toEqual([
    {
      Sid: 'AllowListBucket',
      Effect: 'Allow',
      Action: ['s3:ListBucket', 's3:GetObject', 's3:PutObject', 's3:DeleteObject'],
      Resource: ['arn:aws:s3:::dataloop-acme', 'arn:aws:s3:::dataloop-acme/*'],
    },
  ]);
});

test('without allowDelete no statement lets objects be deleted, with or without a prefix', () => {
  const dataloop = { projectId: 'p', allowDelete: false };
  for (const bucket of [{ name: 'dataloop-acme' }, { name: 'dataloop-acme', prefix: 'raw/' }]) {
    expect(JSON.stringify(plan({ dataloop, bucket }).permissionPolicy)).not.toContain('s3:DeleteObject');
  }
});

test('a folder is the only one that can be listed, deeper ones included, and used', () => {
  const policy = plan({ bucket: { name: 'dataloop-acme', prefix: 'a/b/' } }).permissionPolicy;
  expect(policy.Statement[0]).toMatchObject({
    Action: 's3:ListBucket',
    Condition: { StringLike: { 's3:prefix': ['a/b', 'a/b/', 'a/b/*'] } },
  });
  expect(policy.Statement[1]).toMatchObject({ Resource: 'arn:aws:s3:::dataloop-acme/a/b/*' });
});

test('the trust policy names one user and one action', () => {
  expect(trustPolicy('arn:aws:iam::222222222222:user/x')).toEqual({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::222222222222:user/x' }, Action: 'sts:AssumeRole' },
    ],
  });
});

test('CORS is for Dataloop’s console, and only where it is wanted', () => {
  expect(plan().corsOrigins).toEqual(['https://console.dataloop.ai']);
  expect(plan({ bucket: { name: 'dataloop-acme', cors: false } }).corsOrigins).toEqual([]);
});

test('the same request comes to the same plan', () => {
  expect(plan()).toEqual(plan());
});
