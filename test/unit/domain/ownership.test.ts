/** The do and the undo of what lives in AWS: what is ours, in which order it is journalled, what is left alone. */
import { describe, expect, test } from '@jest/globals';
import {
  type BucketCreator,
  type BucketHolder,
  createBucket,
  deleteBucket,
} from '../../../src/domain/bucket.ts';
import type { IntegrationRecord } from '../../../src/domain/journal.ts';
import { createPolicy, deletePolicy } from '../../../src/domain/policy.ts';
import { createRole, deleteRole } from '../../../src/domain/role.ts';
import { ServiceError } from '../../../src/errors.ts';
import { ours, recordOf, stepOf, thrownBy } from './fakes.ts';

type Tags = Record<string, string>;
const theirs = { team: 'theirs' };
const userArn = 'arn:aws:iam::222222222222:user/dataloop-1';
const trust = { partition: 'aws', dataloopAccountId: '222222222222' };

/** S3 with one bucket name. */
function fakeS3(events: string[], before?: { holder: BucketHolder; tags?: Tags }) {
  let holder = before?.holder ?? 'nobody';
  let tags = before?.tags ?? {};
  const note = (what: string) => async () => {
    events.push(what);
  };
  return {
    holderOf: async () => holder,
    tagsOf: async () => tags,
    create: async (_bucket: unknown, given: Readonly<Tags>) => {
      events.push('create');
      holder = 'account';
      tags = { ...given };
      return 'created' as const;
    },
    blockPublicAccess: note('block public access'),
    enforceOwnership: note('enforce ownership'),
    encrypt: note('encrypt'),
    setPolicy: note('set policy'),
    allowOrigins: note('allow origins'),
    delete: async (): Promise<'deleted' | 'not-empty'> => {
      events.push('delete');
      holder = 'nobody';
      return 'deleted';
    },
  } satisfies BucketCreator & { delete(): Promise<'deleted' | 'not-empty'> };
}

const knowing = (resources: IntegrationRecord['resources']) => recordOf({ resources });

describe('CreateBucket', () => {
  test('journals the intent before it creates, and the outcome before it configures', async () => {
    const events: string[] = [];
    await createBucket(stepOf(recordOf(), events), fakeS3(events));
    expect(events).toEqual([
      'journal bucket intended',
      'create',
      'journal bucket created',
      'block public access',
      'enforce ownership',
      'encrypt',
      'set policy',
      'allow origins',
    ]);
  });

  test('does nothing to a bucket that was there before, in our account or another', async () => {
    for (const holder of ['account', 'another-account'] as const) {
      const events: string[] = [];
      const error = await thrownBy(
        createBucket(stepOf(recordOf(), events), fakeS3(events, { holder, tags: theirs })),
      );
      expect(error.name).toBe('BucketNameTakenError');
      expect(events).toEqual([]);
    }
  });

  test('goes on with its own bucket when the answer to an earlier attempt was lost', async () => {
    const events: string[] = [];
    const record = knowing({ bucket: { state: 'intended', arn: 'arn:aws:s3:::dataloop-acme' } });
    await createBucket(stepOf(record, events), fakeS3(events, { holder: 'account', tags: ours }));
    expect(events).not.toContain('create');
    expect(events).toContain('set policy');
  });

  test('leaves a bucket alone that somebody else made between our intent and our create', async () => {
    const events: string[] = [];
    const record = knowing({ bucket: { state: 'intended', arn: 'arn:aws:s3:::dataloop-acme' } });
    const error = await thrownBy(
      createBucket(stepOf(record, events), fakeS3(events, { holder: 'account', tags: theirs })),
    );
    expect(error.name).toBe('BucketNameTakenError');
    expect(events).toEqual([]);
  });
});

describe('DeleteBucket', () => {
  const created = {
    bucket: { state: 'created', arn: 'arn:aws:s3:::dataloop-acme', region: 'eu-west-1' },
  } as const;

  test('looks at nothing that the journal does not know', async () => {
    const events: string[] = [];
    await deleteBucket(stepOf(recordOf(), events), fakeS3(events, { holder: 'account', tags: ours }));
    expect(events).toEqual([]);
  });

  test('deletes what is ours, and a second time does nothing', async () => {
    const events: string[] = [];
    const step = stepOf(knowing(created), events);
    const s3 = fakeS3(events, { holder: 'account', tags: ours });
    await deleteBucket(step, s3);
    await deleteBucket(step, s3);
    expect(events).toEqual(['delete', 'journal bucket gone']);
  });

  test('keeps a bucket that is not empty, and says why', async () => {
    const events: string[] = [];
    const step = stepOf(knowing(created), events);
    const s3 = {
      ...fakeS3(events, { holder: 'account', tags: ours }),
      delete: async () => 'not-empty' as const,
    };
    await deleteBucket(step, s3);
    expect(events).toEqual(['journal bucket residue']);
    expect(step.resource('bucket')?.residue?.reason).toContain('not empty');
  });

  test('keeps a bucket of ours that has lost its tag, and says so', async () => {
    const events: string[] = [];
    const step = stepOf(knowing(created), events);
    await deleteBucket(step, fakeS3(events, { holder: 'account', tags: theirs }));
    expect(events).toEqual(['journal bucket residue']);
  });

  test('forgets an intent whose name turned out to be somebody else’s', async () => {
    const events: string[] = [];
    const record = knowing({ bucket: { state: 'intended', arn: 'arn:aws:s3:::dataloop-acme' } });
    await deleteBucket(stepOf(record, events), fakeS3(events, { holder: 'account', tags: theirs }));
    expect(events).toEqual(['journal bucket gone']);
  });
});

/** IAM with one policy and one role. */
function fakeIam(events: string[], before: { policy?: Tags; role?: Tags; roleArn?: string } = {}) {
  let { policy, role } = before;
  const defaultArn = 'arn:aws:iam::111111111111:role/dataloop-cross-account/test/dataloop-acme';
  return {
    trusts: '',
    policyTags: async () => policy,
    createPolicy: async ({ tags }: { tags: Readonly<Tags> }): Promise<'created' | 'exists'> => {
      events.push('create policy');
      if (policy) return 'exists';
      policy = { ...tags };
      return 'created';
    },
    deletePolicy: async () => {
      events.push('delete policy');
      policy = undefined;
    },
    findRole: async () => role && { arn: before.roleArn ?? defaultArn, tags: role },
    async createRole(given: { tags: Readonly<Tags>; trust: unknown; permissionsBoundaryArn: string }) {
      events.push(`create role with ${given.permissionsBoundaryArn}`);
      this.trusts = JSON.stringify(given.trust);
      if (role) return 'exists' as const;
      role = { ...given.tags };
      return 'created' as const;
    },
    attachPolicy: async () => {
      events.push('attach');
    },
    detachPolicy: async () => {
      events.push('detach');
    },
    deleteRole: async () => {
      events.push('delete role');
      role = undefined;
    },
  };
}

describe('CreatePolicy and DeletePolicy', () => {
  test('journal around the effect', async () => {
    const events: string[] = [];
    await createPolicy(stepOf(recordOf(), events), fakeIam(events));
    expect(events).toEqual(['journal policy intended', 'create policy', 'journal policy created']);
  });

  test('take their own policy for created when the answer was lost', async () => {
    const events: string[] = [];
    await createPolicy(stepOf(recordOf(), events), fakeIam(events, { policy: ours }));
    expect(events.at(-1)).toBe('journal policy created');
  });

  test('leave a foreign policy alone, forwards and backwards', async () => {
    const events: string[] = [];
    const step = stepOf(recordOf(), events);
    const iam = fakeIam(events, { policy: theirs });
    expect((await thrownBy(createPolicy(step, iam))).name).toBe('PolicyNameTakenError');
    await deletePolicy(step, iam);
    expect(events).not.toContain('delete policy');
    expect(events.at(-1)).toBe('journal policy gone');
  });
});

describe('CreateRole and DeleteRole', () => {
  test('trust the user that Dataloop names now, with our boundary, journalled around the effect', async () => {
    const events: string[] = [];
    const iam = fakeIam(events);
    await createRole(stepOf(recordOf(), events), iam, async () => userArn, trust);
    expect(iam.trusts).toContain(userArn);
    expect(events).toEqual([
      'journal role intended',
      'create role with arn:aws:iam::111111111111:policy/boundary',
      'journal role created',
      'attach',
    ]);
  });

  test('make no role, and no intent, for an ARN that must not be trusted', async () => {
    const events: string[] = [];
    const creating = createRole(stepOf(recordOf(), events), fakeIam(events), async () => '*', trust);
    expect((await thrownBy(creating)).name).toBe('InvalidIamUserArnError');
    expect(events).toEqual([]);
  });

  test('wait while Dataloop has named nobody', async () => {
    const readUserArn = async () => {
      throw new ServiceError('IamUserNotIssuedError', 'not yet');
    };
    const events: string[] = [];
    const creating = createRole(stepOf(recordOf(), events), fakeIam(events), readUserArn, trust);
    expect(await thrownBy(creating)).toMatchObject({ name: 'IamUserNotIssuedError', retryable: true });
    expect(events).toEqual([]);
  });

  test('attach nothing to a role of that name that is not ours, by tag or by path', async () => {
    for (const before of [
      { role: theirs },
      { role: ours, roleArn: 'arn:aws:iam::111111111111:role/dataloop-acme' },
    ]) {
      const events: string[] = [];
      const step = stepOf(recordOf(), events);
      const iam = fakeIam(events, before);
      expect((await thrownBy(createRole(step, iam, async () => userArn, trust))).name).toBe(
        'RoleNameTakenError',
      );
      await deleteRole(step, iam);
      for (const effect of ['attach', 'detach', 'delete role']) expect(events).not.toContain(effect);
    }
  });

  test('take the permissions away before the role', async () => {
    const events: string[] = [];
    const record = knowing({ role: { state: 'created', arn: 'x' } });
    await deleteRole(stepOf(record, events), fakeIam(events, { role: ours }));
    expect(events).toEqual(['detach', 'delete role', 'journal role gone']);
  });
});
