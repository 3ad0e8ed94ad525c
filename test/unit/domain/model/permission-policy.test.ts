/** What the documents of several buckets say, that they fit into IAM's limits, and what is left of edited ones. */
import { lintPolicy, validateIdentityPolicy } from '@cloud-copilot/iam-policy';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as z from 'zod';
import { canonicalJson } from '../../../../src/domain/model/canonical-json.ts';
import { desiredState, roughGrantsOf } from '../../../../src/domain/model/desired-state.ts';
import {
  earlierPolicy,
  fittingPolicy,
  type Grant,
  grantOf,
  maximumPolicySize,
  permissionPolicy,
  sizeOf,
  stillGrants,
  widerPolicy,
  withoutGrant,
} from '../../../../src/domain/model/permission-policy.ts';
import type { AddedBucket } from '../../../../src/domain/model/record.ts';
import { type PolicyKey, policyKeys } from '../../../../src/domain/model/resource-keys.ts';
import { roomFor } from '../../../../src/domain/resources/role/shared-policies.ts';
import { kmsKeyArn } from '../../arbitraries.ts';
import { runs } from '../../runs.ts';
import { account, integrationId, requestOf } from '../fakes.ts';

const numRuns = runs(1_000);
const otherKeyArn = 'arn:aws:kms:us-east-1:111111111111:key/another';

const oneOrMore = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const documentSchema = z.object({
  Version: z.literal('2012-10-17'),
  Statement: z.array(
    z.object({
      Sid: z.string(),
      Effect: z.literal('Allow'),
      Action: oneOrMore,
      Resource: oneOrMore,
      Condition: z.unknown().optional(),
    }),
  ),
});

/** Everything that a document allows: each action on each resource under each condition. */
function allowedBy(document: unknown): string[] {
  const rules = documentSchema
    .parse(document)
    .Statement.flatMap(({ Action, Resource, Condition }) =>
      Action.flatMap((action) =>
        Resource.map((resource) => `${action} ${resource} ${canonicalJson(Condition ?? 'always')}`),
      ),
    );
  return [...new Set(rules)].sort();
}

const ownPolicies = (grants: readonly Grant[], policyOf = permissionPolicy): string[] =>
  [...new Set(grants.flatMap((grant) => allowedBy(policyOf([grant]))))].sort();

const grantTo = (name: string, more: Partial<Grant> = {}): Grant => ({
  bucketArn: `arn:aws:s3:::${name}`,
  accountId: account.accountId,
  prefix: '',
  kmsKeyArn: undefined,
  allowDelete: true,
  ...more,
});

/** Few names, so that buckets, folders and keys are often shared. */
const anyGrant = fc
  .record({
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    prefix: fc.constantFrom('', 'raw/', 'cooked/', 'raw/deep/'),
    kmsKeyArn: fc.constantFrom(undefined, kmsKeyArn, otherKeyArn),
    allowDelete: fc.boolean(),
  })
  .map(({ name, ...more }) => grantTo(`dataloop-${name}`, more));
const anyGrants = fc.array(anyGrant, { minLength: 1, maxLength: 12 });

const demanded = {
  Bool: { 'aws:SecureTransport': 'true' },
  StringEquals: { 'aws:ResourceAccount': '111111111111' },
};

describe('the policy of one bucket', () => {
  const guide = {
    Sid: 'AllowListBucket',
    Effect: 'Allow',
    Action: ['s3:ListBucket', 's3:GetObject', 's3:PutObject', 's3:DeleteObject'],
    Resource: ['arn:aws:s3:::dataloop-a', 'arn:aws:s3:::dataloop-a/*'],
  };
  const own = { ...guide, Condition: demanded };
  const keyed = {
    Sid: 'AllowUseOfKey',
    Effect: 'Allow',
    Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
    Resource: kmsKeyArn,
    Condition: { StringEquals: { 'kms:ViaService': 's3.eu-west-1.amazonaws.com' } },
  };

  test('is the guide’s, over TLS and in this account', () => {
    expect(JSON.stringify(permissionPolicy([grantTo('dataloop-a')]))).toBe(
      JSON.stringify({ Version: '2012-10-17', Statement: [own] }),
    );
  });

  test('was the guide’s, to the letter, in an earlier version', () => {
    expect(JSON.stringify(earlierPolicy([grantTo('dataloop-a')]))).toBe(
      JSON.stringify({ Version: '2012-10-17', Statement: [guide] }),
    );
    expect(earlierPolicy([grantTo('dataloop-a', { kmsKeyArn })]).Statement).toEqual([guide, keyed]);
  });

  test('with a key has the use of it beside the guide’s statement', () => {
    expect(permissionPolicy([grantTo('dataloop-a', { kmsKeyArn })]).Statement).toEqual([own, keyed]);
  });

  test('of a folder is the guide’s two statements, and lists nothing beside the folder', () => {
    const grant = grantTo('dataloop-a', { prefix: 'raw/', allowDelete: false });
    expect(permissionPolicy([grant]).Statement).toEqual([
      {
        Sid: 'AllowBucketListAccessWithPrefix',
        Effect: 'Allow',
        Action: 's3:ListBucket',
        Resource: 'arn:aws:s3:::dataloop-a',
        Condition: { StringLike: { 's3:prefix': ['raw/', 'raw/*'] }, ...demanded },
      },
      {
        Sid: 'AllowBucketGetPutDelete',
        Effect: 'Allow',
        Action: ['s3:GetObject', 's3:PutObject'],
        Resource: 'arn:aws:s3:::dataloop-a/raw/*',
        Condition: demanded,
      },
    ]);
  });

  test('is what the plan of its integration has', () => {
    const request = requestOf({ bucket: { name: 'dataloop-a', prefix: 'raw/' } });
    const plan = desiredState(integrationId, request, account);
    expect(plan.permissionPolicy).toEqual(permissionPolicy([grantTo('dataloop-a', { prefix: 'raw/' })]));
  });

  test.each([
    ['aws-cn', 'cn-north-1', 's3.cn-north-1.amazonaws.com.cn'],
    ['aws-us-gov', 'us-gov-west-1', 's3.us-gov-west-1.amazonaws.com'],
    ['aws-eusc', 'eusc-de-east-1', ['s3.eusc-de-east-1.amazonaws.eu', 's3.eusc-de-east-1.amazonaws.com']],
  ])('names S3 of partition %s as KMS does', (partition, region, service) => {
    const key = `arn:${partition}:kms:${region}:111111111111:key/1`;
    const grant = grantOf(
      { bucket: { name: 'dataloop-a', kmsKeyArn: key }, dataloop: { allowDelete: true } },
      { ...account, partition },
    );
    const [first, second] = permissionPolicy([grant]).Statement;
    expect(first?.['Resource']).toEqual([
      `arn:${partition}:s3:::dataloop-a`,
      `arn:${partition}:s3:::dataloop-a/*`,
    ]);
    expect(second?.['Condition']).toEqual({ StringEquals: { 'kms:ViaService': service } });
  });
});

describe('the policy of several buckets', () => {
  test('allows exactly what the policies of each of them do', () => {
    fc.assert(
      fc.property(anyGrants, (grants) => {
        expect(allowedBy(permissionPolicy(grants))).toEqual(ownPolicies(grants));
      }),
      { numRuns },
    );
  });

  test('has a name of its own for each statement, and a linter finds nothing', () => {
    fc.assert(
      fc.property(anyGrants, (grants) => {
        const document = permissionPolicy(grants);
        const names = documentSchema.parse(document).Statement.map(({ Sid }) => Sid);
        expect(new Set(names).size).toBe(names.length);
        for (const name of names) expect(name).toMatch(/^[A-Za-z0-9]+$/);
        const read: unknown = JSON.parse(JSON.stringify(document));
        expect([...validateIdentityPolicy(read), ...lintPolicy(read)]).toEqual([]);
      }),
      { numRuns },
    );
  });

  test('is the same text each time, and names nothing twice', () => {
    fc.assert(
      fc.property(anyGrants, (grants) => {
        const text = JSON.stringify(permissionPolicy(grants));
        expect(JSON.stringify(permissionPolicy(structuredClone(grants)))).toBe(text);
        expect(JSON.stringify(permissionPolicy([...grants, ...grants]))).toBe(text);
        for (const { Resource } of documentSchema.parse(JSON.parse(text)).Statement) {
          expect(new Set(Resource).size).toBe(Resource.length);
        }
      }),
      { numRuns },
    );
  });

  test('shares one statement among whole buckets, and the use of a key among all', () => {
    const grants = ['a', 'b', 'c'].map((name) => grantTo(`dataloop-${name}`, { kmsKeyArn }));
    expect(permissionPolicy(grants).Statement.map(({ Sid }) => Sid)).toEqual([
      'AllowListBucket',
      'AllowUseOfKey',
    ]);
  });
});

describe('a hundred buckets', () => {
  const long = (index: number): string => `dataloop-${'b'.repeat(50)}-${String(index).padStart(3, '0')}`;
  const driverOf = (bucket: AddedBucket['bucket'], allowDelete = true): AddedBucket => ({
    bucket,
    dataloop: { projectId: 'project-1', driverName: bucket.name, allowDelete },
  });
  const plan = desiredState(integrationId, requestOf({ bucket: { name: long(999) } }), account);

  /** Places drivers one after the other, as GrantAccess does. */
  function placed(added: readonly AddedBucket[]) {
    const drivers: Record<string, AddedBucket> = {};
    added.forEach((driver, index) => {
      const key = roomFor({ addedBuckets: drivers }, plan, driver, account.policyNamePattern);
      drivers[`drv_${String(index).padStart(26, '0')}`] = { ...driver, placedIn: key };
    });
    return (key: PolicyKey) => roughGrantsOf({ addedBuckets: drivers }, plan, key);
  }

  test.each<[string, (index: number) => AddedBucket]>([
    ['of the longest names', (index) => driverOf({ name: long(index) })],
    ['of which some must keep what is in them', (index) => driverOf({ name: long(index) }, index % 2 === 0)],
    ['with one key', (index) => driverOf({ name: long(index), kmsKeyArn })],
    ['with keys of their own', (index) => driverOf({ name: long(index), kmsKeyArn: `${kmsKeyArn}${index}` })],
    [
      'with folders of their own',
      (index) => driverOf({ name: long(index), prefix: `labelling/batch-${index}/` }),
    ],
    ['with folders of one name', (index) => driverOf({ name: long(index), prefix: 'raw/images/' })],
    [
      'of all kinds',
      (index) =>
        driverOf(
          {
            name: long(index),
            ...(index % 3 === 0 ? { prefix: `folder-${index}/` } : {}),
            ...(index % 4 === 0 ? { kmsKeyArn } : {}),
          },
          index % 5 !== 0,
        ),
    ],
  ])('%s fit into the policies of a role', (_what, driver) => {
    const added = Array.from({ length: 100 }, (_, index) => driver(index));
    const grants = placed(added);
    const wanted = [plan.grant, ...added.map((each) => grantOf(each, account))];
    expect(policyKeys).toHaveLength(10);
    const documents = policyKeys.map(grants).map(permissionPolicy);
    for (const document of documents) {
      // As it is sent, which is what IAM counts.
      expect(JSON.stringify(document).length).toBeLessThanOrEqual(6_144);
      expect(sizeOf(document)).toBe(JSON.stringify(document).length);
    }
    expect([...new Set(documents.flatMap(allowedBy))].sort()).toEqual(ownPolicies(wanted));
    expect(maximumPolicySize).toBe(6_144);
  });
});

describe('a policy of an earlier version that loses a bucket', () => {
  const inFolders = (count: number) =>
    Array.from({ length: count }, (_, index) => grantTo(`dataloop-${index}`, { prefix: `folder-${index}/` }));

  test('is brought to what is written now', () => {
    for (const standing of [permissionPolicy(inFolders(11)), earlierPolicy(inFolders(11))]) {
      expect(fittingPolicy(inFolders(10), standing)).toEqual(permissionPolicy(inFolders(10)));
    }
  });

  test('stays of its kind where what is written now does not fit', () => {
    const many = inFolders(20);
    expect(sizeOf(permissionPolicy(many))).toBeGreaterThan(maximumPolicySize);
    expect(sizeOf(earlierPolicy(many))).toBeLessThanOrEqual(maximumPolicySize);
    expect(fittingPolicy(many, earlierPolicy(inFolders(21)))).toEqual(earlierPolicy(many));
    // Conditions that it has are never taken from it.
    expect(fittingPolicy(many, permissionPolicy(inFolders(10)))).toBeUndefined();
  });
});

const anyVersion = fc.constantFrom(permissionPolicy, widerPolicy, earlierPolicy);
// Two drivers of one bucket have folders of their own.
const distinctGrants = fc.uniqueArray(anyGrant, {
  selector: ({ bucketArn, prefix }) => `${bucketArn} ${prefix}`,
  minLength: 1,
  maxLength: 10,
});

describe('a policy that somebody edited, without one of its buckets', () => {
  const theirs = {
    Sid: 'Theirs',
    Effect: 'Allow',
    Action: ['s3:ListAllMyBuckets'],
    Resource: '*',
  };
  const both = [grantTo('dataloop-a'), grantTo('dataloop-b')] as const;
  const [one, other] = both;

  test('keeps what that person wrote, and what the other buckets need', () => {
    const document = permissionPolicy(both);
    const edited = { ...document, Id: 'Edited', Statement: [...document.Statement, theirs] };
    expect(withoutGrant(edited, one, [other])).toEqual({
      ...permissionPolicy([other]),
      Id: 'Edited',
      Statement: [...permissionPolicy([other]).Statement, theirs],
    });
  });

  test('keeps refusals, also of that bucket', () => {
    const refusal = { Effect: 'Deny', Action: 's3:*', Resource: `${one.bucketArn}/*` };
    const edited = { Version: '2012-10-17', Statement: [...permissionPolicy([one]).Statement, refusal] };
    expect(withoutGrant(edited, one, [])).toEqual({ Version: '2012-10-17', Statement: [refusal] });
  });

  test('is not widened where that person narrowed it', () => {
    const narrowed = {
      Version: '2012-10-17',
      Statement: [
        { Sid: 'Narrow', Effect: 'Allow', Action: 's3:GetObject', Resource: `${other.bucketArn}/x` },
      ],
    };
    expect(withoutGrant(narrowed, one, [other])).toEqual(narrowed);
  });

  test('takes the bucket out of a statement that person changed the actions of', () => {
    const [statement] = permissionPolicy(both).Statement;
    const changed = { ...statement, Action: ['s3:GetObject', 's3:GetObjectTagging'] };
    expect(withoutGrant({ Version: '2012-10-17', Statement: [changed] }, one, [other])).toEqual({
      Version: '2012-10-17',
      Statement: [{ ...changed, Resource: [other.bucketArn, `${other.bucketArn}/*`] }],
    });
  });

  test('may have its only statement not in a list', () => {
    const [Statement] = permissionPolicy(both).Statement;
    expect(withoutGrant({ Version: '2012-10-17', Statement }, one, [other])).toMatchObject({
      Statement: [{ Resource: [other.bucketArn, `${other.bucketArn}/*`] }],
    });
  });

  test.each([
    [
      'everything but some resources',
      { Effect: 'Allow', Action: 's3:GetObject', NotResource: one.bucketArn },
    ],
    ['no statement at all', 'text'],
  ])('leaves %s as it is', (_what, statement) => {
    const edited = { Version: '2012-10-17', Statement: [...permissionPolicy([one]).Statement, statement] };
    expect(withoutGrant(edited, one, [])).toEqual({ Version: '2012-10-17', Statement: [statement] });
  });

  test.each([
    ['no document', undefined],
    ['text', 'text'],
    ['null', null],
    ['a document of that bucket alone', permissionPolicy([one])],
  ])('is nothing where it was %s', (_what, document) => {
    expect(withoutGrant(document, one, [])).toBeUndefined();
  });

  test('keeps the key that another bucket is encrypted with, and lets go of one that none is', () => {
    const keyed = { ...one, kmsKeyArn };
    const edited = (grants: readonly Grant[]) => ({
      ...permissionPolicy(grants),
      Statement: [...permissionPolicy(grants).Statement, theirs],
    });
    const shared = { ...other, kmsKeyArn };
    expect(withoutGrant(edited([keyed, shared]), keyed, [shared])).toEqual(edited([shared]));
    expect(withoutGrant(edited([keyed, other]), keyed, [other])).toEqual(edited([other]));
  });

  test('allows exactly what the others need and that person added, buckets, folders and keys being shared', () => {
    fc.assert(
      fc.property(distinctGrants, fc.nat(), anyVersion, (grants, choice, policyOf) => {
        const index = choice % grants.length;
        const remaining = grants.toSpliced(index, 1);
        const document = policyOf(grants);
        const edited = { ...document, Statement: [...document.Statement, theirs] };
        const left = withoutGrant(edited, grants[index] ?? one, remaining);
        expect(allowedBy(left)).toEqual(
          [
            ...new Set([
              ...ownPolicies(remaining, policyOf),
              ...allowedBy({ ...document, Statement: [theirs] }),
            ]),
          ].sort(),
        );
      }),
      { numRuns },
    );
  });
});

describe('a policy may let its role use a bucket still', () => {
  const [one, other] = [grantTo('dataloop-a'), grantTo('dataloop-b')];
  const folder = { ...one, prefix: 'raw/' };
  const allowing = (more: object) => ({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: '*', ...more }],
  });

  test.each<[string, object]>([
    ['by its name', { Resource: `${one.bucketArn}/*` }],
    ['by one of its objects', { Resource: `${one.bucketArn}/raw/1.jpg` }],
    ['by the object that stands for its folder', { Resource: `${one.bucketArn}/raw/` }],
    ['by everything', {}],
    ['by a pattern that ends before its name does', { Resource: ['arn:aws:s3:::x', 'arn:aws:s3:::data*'] }],
    ['by a pattern within its objects', { Resource: `${one.bucketArn}/raw/*.jpg` }],
    ['by a question mark', { Resource: 'arn:aws:s3:::dataloop-?/raw/x' }],
    ['by a variable', { Resource: `arn:aws:s3:::dataloop-\${aws:PrincipalTag/team}/raw/x` }],
    ['by all but something', { Resource: undefined, NotResource: 'arn:aws:s3:::x' }],
    ['by a pattern of actions', { Action: ['kms:Decrypt', 'S3:Put*'] }],
    ['by a question mark in the action', { Action: 's3:?etObject' }],
    ['by all actions but some', { Action: undefined, NotAction: 's3:GetObject' }],
    ['under a condition', { Condition: { Bool: { 'aws:SecureTransport': 'true' } } }],
  ])('%s', (_how, more) => {
    expect(stillGrants(JSON.parse(JSON.stringify(allowing(more))), folder, [other])).toBe(true);
  });

  test.each<[string, object]>([
    ['by a list of it', { Action: 's3:ListBucket', Resource: one.bucketArn }],
    [
      'by a list of it, with a question mark',
      { Action: 's3:ListBucket', Resource: 'arn:aws:s3:::dataloop-?' },
    ],
  ])('%s', (_how, more) => {
    expect(stillGrants(allowing(more), one, [])).toBe(true);
  });

  test.each<[string, unknown]>([
    ['by no document', undefined],
    ['by another bucket', allowing({ Resource: `${other.bucketArn}/*` })],
    ['by a bucket whose name begins like it', allowing({ Resource: `${one.bucketArn}b/*` })],
    ['by another folder', allowing({ Resource: `${one.bucketArn}/other/*` })],
    ['by another action', allowing({ Action: 's3:ListAllMyBuckets' })],
    ['by a refusal', allowing({ Effect: 'Deny' })],
    ['by no statement', { Version: '2012-10-17', Statement: ['text'] }],
  ])('but not %s', (_how, document) => {
    expect(stillGrants(document, folder, [])).toBe(false);
  });

  test('exactly until it is taken out of it, whatever else the policy grants', () => {
    fc.assert(
      fc.property(distinctGrants, fc.nat(), anyVersion, (grants, choice, policyOf) => {
        const index = choice % grants.length;
        const remaining = grants.toSpliced(index, 1);
        const taken = grants[index] ?? one;
        const document = policyOf(grants);
        expect(stillGrants(withoutGrant(document, taken, remaining), taken, remaining)).toBe(false);
        expect(stillGrants(document, taken, grants)).toBe(false);
        const isShared = remaining.some((each) => each.bucketArn === taken.bucketArn);
        if (!isShared) expect(stillGrants(document, taken, remaining)).toBe(true);
      }),
      { numRuns },
    );
  });
});
