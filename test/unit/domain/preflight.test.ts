import { describe, expect, test } from '@jest/globals';
import { type PreflightChecks, preflight } from '../../../src/domain/preflight.ts';
import { ServiceError } from '../../../src/errors.ts';
import { ours, recordOf, requestOf, stepOf, theirs, thrownBy } from './fakes.ts';

/** An account and a Dataloop in which nothing stands in the way, but for what is given. */
const checksOf = (more: Partial<PreflightChecks> = {}): PreflightChecks => ({
  callerAccountId: async () => '111111111111',
  getProject: async (id) => ({ id, organizationId: 'org-1' }),
  holderOf: async () => 'nobody',
  findRole: async () => undefined,
  findPolicy: async () => undefined,
  ...more,
});
const project = (organizationId: string | undefined): Partial<PreflightChecks> => ({
  getProject: async (id) => ({ id, organizationId }),
});
const naming = (organizationId: string) =>
  recordOf({ request: requestOf({ dataloop: { projectId: 'project-1', organizationId } }) });

describe('the organisation', () => {
  test.each([
    ['is the project’s', recordOf(), 'org-1', undefined, 'org-1'],
    [
      'is the project’s where request and deployment name the same',
      naming('org-1'),
      'org-1',
      'org-1',
      'org-1',
    ],
    ['is the requested one where Dataloop does not say', naming('org-2'), undefined, undefined, 'org-2'],
    [
      'is the deployment’s one where neither Dataloop nor the request says',
      recordOf(),
      undefined,
      'org-3',
      'org-3',
    ],
  ])('%s', async (_which, record, ofProject, onlyOrganizationId, organizationId) => {
    const found = await preflight(stepOf(record), checksOf(project(ofProject)), onlyOrganizationId);
    expect(found).toEqual({ organizationId });
  });

  test.each([
    [
      'nobody names one',
      recordOf(),
      undefined,
      undefined,
      'DataloopNotFoundError',
      'dataloop.organizationId',
    ],
    [
      'the request names another than the project’s',
      naming('org-2'),
      'org-1',
      undefined,
      'DataloopForbiddenError',
      'org-2',
    ],
    [
      'the deployment serves another than the project’s',
      recordOf(),
      'org-1',
      'org-3',
      'DataloopForbiddenError',
      'org-3',
    ],
    [
      'the deployment serves another than the requested one',
      naming('org-2'),
      undefined,
      'org-3',
      'DataloopForbiddenError',
      'org-3',
    ],
  ])('is refused where %s', async (_why, record, ofProject, onlyOrganizationId, name, named) => {
    const thrown = await thrownBy(
      preflight(stepOf(record), checksOf(project(ofProject)), onlyOrganizationId),
    );
    expect(thrown).toMatchObject({ name, message: expect.stringContaining(named) });
  });
});

describe('what stands in the way is refused', () => {
  const role = (tags: Readonly<Record<string, string>>): Partial<PreflightChecks> => ({
    findRole: async (name) => ({
      arn: `arn:aws:iam::111111111111:role/${name}`,
      uniqueId: 'AROA1',
      tags,
      trust: {},
      permissionsBoundaryArn: undefined,
    }),
  });
  const policy = (tags: Readonly<Record<string, string>>): Partial<PreflightChecks> => ({
    findPolicy: async () => ({ tags, uniqueId: 'ANPA1' }),
  });
  test.each<[string, Partial<PreflightChecks>, string]>([
    ['credentials of another account', { callerAccountId: async () => '999999999999' }, 'WrongAccountError'],
    ['a bucket in this account', { holderOf: async () => 'account' }, 'BucketNameTakenError'],
    ['a bucket in another account', { holderOf: async () => 'another-account' }, 'BucketNameTakenError'],
    ['somebody else’s role', role(theirs), 'RoleNameTakenError'],
    ['an untagged role', role({}), 'RoleNameTakenError'],
    ['somebody else’s policy', policy(theirs), 'PolicyNameTakenError'],
    ['an untagged policy', policy({}), 'PolicyNameTakenError'],
  ])('%s', async (_what, more, name) => {
    expect((await thrownBy(preflight(stepOf(recordOf()), checksOf(more), undefined))).name).toBe(name);
  });

  test('before Dataloop is asked, where the account is the wrong one', async () => {
    const asked: string[] = [];
    const checks = checksOf({
      callerAccountId: async () => '999999999999',
      getProject: async (id) => {
        asked.push(id);
        return { id, organizationId: 'org-1' };
      },
    });
    await thrownBy(preflight(stepOf(recordOf()), checks, undefined));
    expect(asked).toEqual([]);
  });

  test('by the very names that would be used', async () => {
    const looked: unknown[] = [];
    const request = requestOf({
      bucket: { name: 'dataloop-pictures', region: 'us-west-2' },
      role: { name: 'dataloop-reader' },
      dataloop: { projectId: 'project-2' },
    });
    const checks = checksOf({
      getProject: async (id) => {
        looked.push(id);
        return { id, organizationId: 'org-1' };
      },
      holderOf: async ({ name, region }) => {
        looked.push(`${name} in ${region}`);
        return 'nobody';
      },
      findRole: async (name) => void looked.push(name),
      findPolicy: async (arn) => void looked.push(arn),
    });
    await preflight(stepOf(recordOf({ request })), checks, undefined);
    expect(looked).toEqual([
      'project-2',
      'dataloop-pictures in us-west-2',
      'dataloop-reader',
      'arn:aws:iam::111111111111:policy/dataloop-cross-account/test/dataloop-reader',
    ]);
  });

  test('but not a role and a policy that are this integration’s own', async () => {
    const own = checksOf({ ...role(ours), ...policy(ours) });
    await expect(preflight(stepOf(recordOf()), own, undefined)).resolves.toEqual({ organizationId: 'org-1' });
  });
});

test('hands on what Dataloop says of the project', async () => {
  const missing = new ServiceError('DataloopNotFoundError', 'no such project');
  const checks = checksOf({ getProject: () => Promise.reject(missing) });
  expect(await thrownBy(preflight(stepOf(recordOf()), checks, undefined))).toBe(missing);
});

test('journals no resource: nothing is made before everything is known to be free', async () => {
  const events: string[] = [];
  await preflight(stepOf(recordOf(), events), checksOf(), undefined);
  expect(events).toEqual([]);
});
