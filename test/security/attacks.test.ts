/**
 * A session of each role of the stack is stolen, and everything is tried with it that would hurt. Each attempt is
 * made twice: decided from the packaged template by a policy simulator, and made with the session on the emulator.
 */
import { GetRolePolicyCommand } from '@aws-sdk/client-iam';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { iam } from '../integration/deployment.ts';
import { attempts, meant } from './attacks.ts';
import { expectRefused } from './refusal.ts';
import { rewrites } from './rewrites.ts';
import { borrowSessions, type Session } from './sessions.ts';
import { isAllowed } from './simulator.ts';
import { makeTargets, removeTargets } from './targets.ts';
import { physicalId, roleIds, roleOf } from './template.ts';

let sessions = new Map<string, Session>();
const sessionOf = (roleId: string): Session => {
  const session = sessions.get(roleId);
  if (!session) throw new Error(`There is no session of ${roleId}.`);
  return session;
};

beforeAll(async () => {
  await makeTargets();
  sessions = await borrowSessions(roleIds);
});
afterAll(removeTargets);

const identity = (roleId: string) => roleOf(roleId).Policies.map(({ PolicyDocument }) => PolicyDocument);

test('the suite knows every role of the stack, and tries more than sixty things', () => {
  expect(roleIds.length).toBeGreaterThan(25);
  expect(new Set(attempts.map(({ call }) => call.action)).size).toBeGreaterThan(30);
  expect(new Set(attempts.map(({ name }) => name)).size).toBe(attempts.length);
});

describe.each(roleIds)('%s', (roleId) => {
  test('is deployed as packaged, and its session is its own', async () => {
    for (const { PolicyName, PolicyDocument } of roleOf(roleId).Policies) {
      const deployed = await iam.send(new GetRolePolicyCommand({ RoleName: physicalId(roleId), PolicyName }));
      expect(JSON.parse(decodeURIComponent(deployed.PolicyDocument ?? ''))).toEqual(PolicyDocument);
    }
    const { Arn } = await sessionOf(roleId).sts.send(new GetCallerIdentityCommand({}));
    expect(Arn).toContain(`:assumed-role/${physicalId(roleId)}/`);
  });

  test('rewrites only those attributes of a record that are its business', async () => {
    const { dynamodb } = sessionOf(roleId);
    for (const { attribute, writers, call, command } of rewrites()) {
      const isMeant = writers.includes(roleId);
      const decided = await isAllowed({ identity: identity(roleId) }, call);
      expect([attribute, decided]).toEqual([attribute, isMeant]);
      if (!isMeant) await expectRefused(dynamodb.send(command));
    }
  });

  test.each(attempts.filter(({ as }) => as === roleId))('$name', async ({ call, make }) => {
    await expect(isAllowed({ identity: identity(roleId) }, call)).resolves.toBe(false);
    await expectRefused(make(sessionOf(roleId)));
  });
});

test.each(meant)('$name', async ({ as, call }) => {
  await expect(isAllowed({ identity: identity(as) }, call)).resolves.toBe(true);
});
