import { describe, expect, test } from '@jest/globals';
import { hinderingStatements } from '../../../../../src/domain/resources/bucket/bucket-policy.ts';

const roleArn = 'arn:aws:iam::111111111111:role/dataloop-cross-account/test/dataloop-acme';
const deny = (more: object) => ({
  Sid: 'Theirs',
  Effect: 'Deny',
  Principal: '*',
  Action: 's3:*',
  Resource: 'arn:aws:s3:::acme-photos/*',
  ...more,
});
const grant = {
  bucketArn: 'arn:aws:s3:::acme-photos',
  accountId: '111111111111',
  prefix: 'raw/',
  kmsKeyArn: undefined,
  allowDelete: true,
};
const found = (...Statement: object[]) =>
  hinderingStatements({ Version: '2012-10-17', Statement }, roleArn, grant);

describe('a bucket policy may stop Dataloop', () => {
  test.each<[string, object]>([
    ['by a VPC endpoint', { Condition: { StringNotEquals: { 'aws:SourceVpce': 'vpce-1' } } }],
    [
      'by a header that it demands',
      { Action: 's3:PutObject', Condition: { Null: { 's3:x-amz-server-side-encryption': 'true' } } },
    ],
    ['without a condition', {}],
    ['named by its role', { Principal: { AWS: [roleArn] } }],
    ['named by its account', { Principal: { AWS: '111111111111' } }],
    ['named by the root of its account', { Principal: { AWS: 'arn:aws:iam::111111111111:root' } }],
    ['by everything but an action', { Action: undefined, NotAction: 's3:GetBucketLocation' }],
    [
      'by everybody but somebody',
      { Principal: undefined, NotPrincipal: { AWS: 'arn:aws:iam::111111111111:user/u' } },
    ],
    [
      'where another role is excepted',
      { Condition: { ArnNotLike: { 'aws:PrincipalArn': 'arn:aws:iam::111111111111:role/admin' } } },
    ],
    [
      'where its path is excepted by an operator that knows no wildcards',
      { Condition: { StringNotEquals: { 'aws:PrincipalArn': 'arn:aws:iam::111111111111:role/*' } } },
    ],
    ['by a TLS that it may not use', { Condition: { NumericLessThan: { 's3:TlsVersion': 1.3 } } }],
    ['of part of its folder', { Resource: ['arn:aws:s3:::acme-photos/raw/legal/*'] }],
    ['of the list of the bucket', { Action: 's3:List*', Resource: 'arn:aws:s3:::acme-photos' }],
    ['of everything but something', { Resource: undefined, NotResource: 'arn:aws:s3:::acme-photos/x' }],
    [
      'where another account is excepted',
      { Condition: { StringNotEquals: { 'aws:PrincipalAccount': '222222222222' } } },
    ],
  ])('%s', (_how, more) => {
    expect(found(deny(more)).map(({ sid }) => sid)).toEqual(['Theirs']);
  });

  test.each<[string, object]>([
    ['by plain HTTP, which it does not use', { Condition: { Bool: { 'aws:SecureTransport': 'false' } } }],
    ['by an old TLS, which it does not use', { Condition: { NumericLessThan: { 's3:TlsVersion': '1.2' } } }],
    ['that excepts its role', { Condition: { ArnNotEquals: { 'aws:PrincipalArn': roleArn } } }],
    [
      'that excepts roles of its path',
      { Condition: { StringNotLike: { 'aws:PrincipalArn': ['arn:aws:iam::111111111111:role/dataloop-*'] } } },
    ],
    [
      'that excepts its account',
      {
        Condition: { StringNotEqualsIfExists: { 'aws:PrincipalAccount': ['222222222222', '111111111111'] } },
      },
    ],
    [
      'about buckets of other accounts',
      { Condition: { StringNotEquals: { 'aws:ResourceAccount': '111111111111' } } },
    ],
    ['of another folder', { Resource: ['arn:aws:s3:::acme-photos/legal/*'] }],
    ['of something that it does not do', { Action: ['s3:PutBucketPolicy', 's3:DeleteBucket'] }],
    ['of another account', { Principal: { AWS: 'arn:aws:iam::222222222222:root' } }],
    ['of a service', { Principal: { Service: 'logging.s3.amazonaws.com' } }],
    ['that allows', { Effect: 'Allow' }],
  ])('but not by a statement %s', (_what, more) => {
    expect(found(deny(more))).toEqual([]);
  });

  test('and each statement is named, by its Sid or its number, with the keys of its conditions', () => {
    const condition = {
      Condition: { StringNotEquals: { 'aws:SourceVpce': 'vpce-1', 'aws:PrincipalOrgID': 'o-1' } },
    };
    for (const Sid of [undefined, '']) {
      expect(found(deny({ Effect: 'Allow' }), deny({ Sid, ...condition }))).toEqual([
        { sid: 'number 2, without a Sid', keys: ['aws:SourceVpce', 'aws:PrincipalOrgID'] },
      ]);
    }
    expect(hinderingStatements({ Statement: deny({}) }, roleArn, grant)).toHaveLength(1);
  });

  test.each([undefined, {}, { Statement: 'x' }, { Statement: [{ Effect: 1 }] }])(
    '%j says nothing',
    (document) => {
      expect(hinderingStatements(document, roleArn, grant)).toEqual([]);
    },
  );
});
