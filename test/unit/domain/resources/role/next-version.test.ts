/**
 * A version of the service whose policies read otherwise takes over from this one, and this one from that: buckets are added
 * and taken away as before, and nobody is called an editor who was none.
 */
import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Grant, PolicyDocument } from '../../../../../src/domain/model/permission-policy.ts';

const module = '../../../../../src/domain/model/permission-policy.ts';
const real = await import('../../../../../src/domain/model/permission-policy.ts');
let isNext = false;
jest.unstable_mockModule(module, () => ({
  ...real,
  permissionPolicy: (grants: readonly Grant[]): PolicyDocument => {
    const document = real.permissionPolicy(grants);
    const Statement = document.Statement.map((statement) => ({ ...statement, Sid: 'Next' }));
    return isNext ? { ...document, Statement } : document;
  },
}));
const { accessWorld, addedTo, driverIdOf } = await import('../../fake-access.ts');

const [one, two] = [driverIdOf(1), driverIdOf(2)];
const saysNext = (document: unknown) => JSON.stringify(document).includes('"Sid":"Next"');

beforeEach(() => {
  isNext = false;
});

describe.each([
  ['this version to the next', true],
  ['the next version to this', false],
])('from %s', (_which, goesTo) => {
  /** An integration with one added bucket, made by the version before; the other version is deployed then. */
  async function upgraded() {
    isNext = !goesTo;
    const world = accessWorld({ drivers: { [one]: addedTo('dataloop-b'), [two]: addedTo('dataloop-c') } });
    const first = world.driverOf(one);
    await first.grant();
    expect(saysNext(world.document('policy'))).toBe(!goesTo);
    isNext = goesTo;
    return { world, first };
  }

  test('a bucket is added, and the policy says what is written now', async () => {
    const { world } = await upgraded();
    await world.driverOf(two).grant();
    expect(world.document('policy')).toEqual(world.documentOf('policy'));
    expect(saysNext(world.document('policy'))).toBe(goesTo);
  });

  test('a bucket is taken away again', async () => {
    const { world, first } = await upgraded();
    expect(await first.revoke()).toEqual({ outcome: 'removed' });
    expect(JSON.stringify(world.document('policy'))).not.toContain('dataloop-b');
  });

  test('a policy that somebody edited is still left as it is', async () => {
    const { world } = await upgraded();
    const edited = { ...world.documentOf('policy'), Id: 'mine' };
    world.edit('policy', edited);
    world.wait(60_000);
    await expect(world.driverOf(two).grant(6)).rejects.toMatchObject({ name: 'PolicyChangedError' });
    expect(world.document('policy')).toEqual(edited);
  });
});
