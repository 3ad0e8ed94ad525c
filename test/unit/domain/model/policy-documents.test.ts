/** Policy documents of every request that is taken: what they say, what a linter says of them, and how long they are. */
import {
  lintPolicy,
  lintResourcePolicy,
  type ValidationError,
  validateIdentityPolicy,
  validateResourcePolicy,
  validateTrustPolicy,
} from '@cloud-copilot/iam-policy';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as z from 'zod';
import { parseRequest } from '../../../../src/domain/model/allowed.ts';
import { desiredState, trustPolicy } from '../../../../src/domain/model/desired-state.ts';
import type { PolicyDocument } from '../../../../src/domain/model/permission-policy.ts';
import type { IntegrationRequest } from '../../../../src/domain/model/request.ts';
import { trustedUserArn } from '../../../../src/domain/resources/role/trusted-user.ts';
import { allowed, kmsKeyArn, longestBody, takenRequest } from '../../arbitraries.ts';
import { runs } from '../../runs.ts';
import { account, integrationId, userArn } from '../fakes.ts';

const numRuns = runs(1_000);
const policiesOf = (request: IntegrationRequest) => {
  const desired = desiredState(integrationId, request, { ...account, denyPlainHttp: true });
  if (!desired.bucketPolicy) throw new Error('There is no bucket policy.');
  return { ...desired, bucketPolicy: desired.bucketPolicy };
};
const longest = policiesOf(parseRequest(longestBody, allowed));

/** A document as IAM and S3 read it. */
const read = (document: PolicyDocument): unknown => JSON.parse(JSON.stringify(document));

/** What is wrong with a document, by every check that there is for its kind. */
const findings = (document: unknown, checks: readonly ((document: unknown) => ValidationError[])[]) =>
  checks.flatMap((check) => check(document));
const identityFindings = (document: unknown) => findings(document, [validateIdentityPolicy, lintPolicy]);
const bucketFindings = (document: unknown) =>
  findings(document, [validateResourcePolicy, lintResourcePolicy]);
const trustFindings = (document: unknown) => findings(document, [validateTrustPolicy]);

/** IAM counts no white space (IAM User Guide, "IAM and AWS STS quotas"); here it counts all the same. */
const limits = { policy: 6_144, trust: 2_048, bucketPolicy: 20_480, description: 1_000 } as const;
const lengthOf = (document: PolicyDocument) => JSON.stringify(document).length;

describe('the permission policy of any request', () => {
  test('says what it is meant to say, and no name adds a word', () => {
    fc.assert(
      fc.property(takenRequest, (request) => {
        const { name, prefix, kmsKeyArn: key } = request.bucket;
        const arn = `arn:aws:s3:::${name}`;
        const objects = [
          's3:GetObject',
          's3:PutObject',
          ...(request.dataloop.allowDelete ? ['s3:DeleteObject'] : []),
        ];
        const demanded = {
          Bool: { 'aws:SecureTransport': 'true' },
          StringEquals: { 'aws:ResourceAccount': account.accountId },
        };
        const whole = [
          {
            Sid: 'AllowListBucket',
            Effect: 'Allow',
            Action: ['s3:ListBucket', ...objects],
            Resource: [arn, `${arn}/*`],
            Condition: demanded,
          },
        ];
        const folder = [
          {
            Sid: 'AllowBucketListAccessWithPrefix',
            Effect: 'Allow',
            Action: 's3:ListBucket',
            Resource: arn,
            Condition: {
              StringLike: { 's3:prefix': [prefix, `${prefix}*`] },
              ...demanded,
            },
          },
          {
            Sid: 'AllowBucketGetPutDelete',
            Effect: 'Allow',
            Action: objects,
            Resource: `${arn}/${prefix}*`,
            Condition: demanded,
          },
        ];
        const keyed = {
          Sid: 'AllowUseOfKey',
          Effect: 'Allow',
          Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
          Resource: kmsKeyArn,
          Condition: { StringEquals: { 'kms:ViaService': 's3.eu-west-1.amazonaws.com' } },
        };
        expect(read(policiesOf(request).permissionPolicy)).toEqual({
          Version: '2012-10-17',
          Statement: [...(prefix ? folder : whole), ...(key ? [keyed] : [])],
        });
      }),
      { numRuns },
    );
  });

  test('has no wildcard but at the end of a folder, and no policy variable', () => {
    const texts = (value: unknown): string[] => {
      if (typeof value === 'string') return [value];
      return typeof value === 'object' && value !== null ? Object.values(value).flatMap(texts) : [];
    };
    fc.assert(
      fc.property(takenRequest, (request) => {
        for (const text of texts(policiesOf(request).permissionPolicy)) {
          expect(text).not.toMatch(/[?$]|\*(?!$)|[^/]\*$/);
        }
      }),
      { numRuns },
    );
  });

  test('stays inside of the bucket, and of the folder where there is one', () => {
    const statements = z.array(z.looseObject({ Resource: z.union([z.string(), z.array(z.string())]) }));
    fc.assert(
      fc.property(takenRequest, (request) => {
        const { bucket, permissionPolicy } = policiesOf(request);
        const resources = statements
          .parse(permissionPolicy.Statement)
          .flatMap(({ Resource }) => Resource)
          .filter((resource) => resource !== kmsKeyArn && resource !== bucket.arn);
        for (const resource of resources) {
          expect(resource.startsWith(`${bucket.arn}/${bucket.prefix}`)).toBe(true);
          // S3 has no parts of a path that lead up; the console and others have.
          expect(resource).not.toMatch(/\/\.{1,2}(\/|$)|\/\//);
        }
      }),
      { numRuns },
    );
  });
});

describe('a linter', () => {
  test('finds nothing in the policies of any request', () => {
    fc.assert(
      fc.property(takenRequest, (request) => {
        const { permissionPolicy, bucketPolicy } = policiesOf(request);
        expect(identityFindings(read(permissionPolicy))).toEqual([]);
        expect(bucketFindings(read(bucketPolicy))).toEqual([]);
      }),
      { numRuns: runs(500) },
    );
    expect(identityFindings(read(longest.permissionPolicy))).toEqual([]);
    expect(bucketFindings(read(longest.bucketPolicy))).toEqual([]);
  });

  test('finds nothing in the trust policy of any user', () => {
    const name = fc.stringMatching(/^(?:[\w+=,.@-]{1,20}\/){0,3}[\w+=,.@-]{1,64}$/);
    fc.assert(
      fc.property(name, (path) => {
        const trust = trustPolicy(trustedUserArn(`arn:aws:iam::222222222222:user/${path}`, 'aws'));
        expect(trustFindings(read(trust))).toEqual([]);
        expect(lengthOf(trust)).toBeLessThan(limits.trust);
      }),
      { numRuns: runs(500) },
    );
  });

  test('would find what is wrong', () => {
    const [statement] = longest.permissionPolicy.Statement;
    const broken = (more: object) => ({
      ...longest.permissionPolicy,
      Statement: [{ ...statement, ...more }, statement],
    });
    expect(identityFindings(broken({ Sid: 'Other', Effect: 'allow' })).length).toBeGreaterThan(0);
    expect(identityFindings(broken({ Sid: 'Other', Resource: 5 })).length).toBeGreaterThan(0);
    expect(identityFindings(broken({})).length).toBeGreaterThan(0);
    expect(bucketFindings({ ...longest.bucketPolicy, Statement: [statement] }).length).toBeGreaterThan(0);
    expect(trustFindings({ ...trustPolicy(userArn), Statement: [statement] }).length).toBeGreaterThan(0);
  });
});

test('the longest request stays below what AWS takes', () => {
  expect(lengthOf(longest.permissionPolicy)).toBeLessThan(limits.policy);
  expect(lengthOf(longest.bucketPolicy)).toBeLessThan(limits.bucketPolicy);
  expect(longest.description.length).toBeLessThan(limits.description);
  expect(Object.keys(longest.tags).length).toBeLessThanOrEqual(50);
  const longestUser = trustedUserArn(
    `arn:aws:iam::222222222222:user/${'p'.repeat(105)}/${'u'.repeat(63)}`,
    'aws',
  );
  expect(longestUser).toHaveLength(200);
  expect(lengthOf(trustPolicy(longestUser))).toBeLessThan(limits.trust);
});
