import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { projectRoot } from '../../../../local/paths.ts';
import { rehearsals } from '../../../../local/rehearsal/steps.ts';
import { deprovisionSteps, provisionSteps, stepNames } from '../../../../src/domain/steps.ts';

const roles = ['provision', 'deprovision']
  .map((folder) => readFileSync(join(projectRoot, 'resources', `roles-${folder}.yml`), 'utf8'))
  .join('\n');

/** The actions that the role of a step's function is allowed, as its YAML writes them. */
function allowedActions(step: string): string[] {
  const [, block = ''] =
    new RegExp(`^ {2}${step}Role:\\n((?: {3,}.*\\n|\\n)*)`, 'm').exec(`${roles}\n`) ?? [];
  const lists = [...block.matchAll(/Action:((?: [^\n]*)?(?:\n +- [^\n]+)*)/g)].map(([, list = '']) => list);
  return lists.flatMap((list) => list.match(/[a-z0-9]+:[A-Za-z]+/g) ?? []);
}

/** Of drivers that are added to an integration, which the rehearsal does not do. */
const ofDrivers: readonly string[] = ['GrantAccess', 'RemoveDrivers', 'RevokeAccess'];
const ofIntegrations = <T extends string>(steps: readonly T[]) =>
  steps.filter((step) => !ofDrivers.includes(step));

test('every step of an integration is rehearsed, once, in the order in which people read them', () => {
  expect(rehearsals.map(({ step }) => step)).toEqual(ofIntegrations(stepNames));
});

test('steps of the provisioning fail a connection, steps of the undo a removal', () => {
  const ofKind = (of: string) => rehearsals.filter((each) => each.of === of).map(({ step }) => step);
  expect(ofKind('connection')).toEqual([...provisionSteps]);
  expect(ofKind('removal')).toEqual(ofIntegrations(deprovisionSteps));
});

test('a role’s actions are read from one line and from a list', () => {
  expect(allowedActions('Activate')).toEqual(
    expect.arrayContaining(['dynamodb:UpdateItem', 'events:PutEvents']),
  );
  expect(allowedActions('CreateBucket')).toEqual(
    expect.arrayContaining(['s3:CreateBucket', 's3:PutBucketCORS']),
  );
  expect(allowedActions('Activate')).not.toContain('states:StartExecution');
});

describe.each(rehearsals)('$step', ({ step, denials, ...rehearsal }) => {
  test('is denied something, on its own role', () => {
    expect(denials.map(({ role }) => role)).toContain(step);
  });

  test.each(denials)('what is denied to $role is what it may do otherwise', ({ role, actions }) => {
    expect(actions.length).toBeGreaterThan(0);
    for (const action of actions) expect(allowedActions(role)).toContain(action);
  });

  test('starts anew where it is denied what it keeps in memory', () => {
    const isSecret = denials.some(({ actions }) => actions.includes('secretsmanager:GetSecretValue'));
    expect(rehearsal.startsAnew ?? false).toBe(isSecret);
  });
});
