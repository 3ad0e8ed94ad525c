/**
 * Attacks of two steps, made from the template: every pair of roles with the rights of both, and the question whether
 * anybody gets what nobody may have. docs/security.md says what is accepted; a result that is not here is a new hole.
 */
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Template } from '../../security/resolve.ts';
import { packagedWith } from './packaged.ts';
import { findReach } from './takeover.ts';
import { adoptable, logDeliveries, opened } from './takeover-rules.ts';

type Reach = Readonly<Record<string, readonly string[]>>;

// It matches the buckets of other stages, and the one with the code of the functions.
const wide = { bucketNamePattern: 'dataloop-*' };
const params = {
  default: {},
  adopting: {
    ...wide,
    adoptableBucketArns: adoptable.bucketArn,
    adoptableRoleArns: `${adoptable.bareRoleArn},${adoptable.boundedRoleArn}`,
    kmsKeyArns: 'arn:aws:kms:eu-west-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab',
  },
  denyPlainHttp: { ...wide, denyPlainHttp: 'true' },
};
type Parameters = keyof typeof params;
const everyParameters: readonly Parameters[] = ['default', 'adopting', 'denyPlainHttp'];

const connected = 'objects of a connected bucket';
const other = 'objects of another bucket of the pattern';
const otherStage = 'objects of a bucket of another stage';
const asItself = 'what an adoptable role may do by itself';
const inAdoptable = 'objects of an adoptable bucket';
const ofOthers = 'anything is in a policy that others made under the path';

const to = (who: 'anybody' | 'Dataloop', ...what: readonly string[]) => what.map((each) => `${who}: ${each}`);

/** Of whoever may change the public-access block of buckets. */
const opens = (...what: readonly string[]) => to('anybody', ...what.map(opened));

/** @param within all that the boundary allows beside what is connected */
const whateverIsNamed = (...within: readonly string[]): Reach => ({
  CreateBucket: opens(connected, ...within),
  // Of a state machine itself, whose session no code has: AWS knows no narrower right.
  AddDriverStateMachine: [logDeliveries],
  DeprovisionStateMachine: [logDeliveries],
  ProvisionStateMachine: [logDeliveries],
  CreateRole: to('anybody', connected),
  GrantAccess: [...to('Dataloop', ...within), ofOthers],
  RevokeAccess: to('Dataloop', ...within),
  // One says whom a role trusts, the other what it may do.
  'CreatePolicy + CreateRole': to('anybody', ...within),
  'CreateRole + GrantAccess': to('anybody', ...within),
  'CreateRole + RevokeAccess': to('anybody', ...within),
  // A policy that is not attached yet is deleted, and another one made under its name.
  'CreatePolicy + DeletePolicy': to('Dataloop', ...within),
  // The tag makes a policy one of the service's, and whoever creates policies may set it.
  'CreatePolicy + RevokeAccess': [ofOthers],
});

/** By whose sessions: what anybody gets, or Dataloop with the roles that trust it. */
const accepted: Readonly<Record<Parameters, Reach>> = {
  default: whateverIsNamed(other),
  adopting: {
    ...whateverIsNamed(other, otherStage, inAdoptable),
    CreateRole: to('anybody', connected, asItself),
    DeleteBucket: opens(inAdoptable),
    DeleteRole: to('anybody', asItself),
    'DeleteRole + GrantAccess': to('anybody', inAdoptable),
    'DeleteRole + RevokeAccess': to('anybody', inAdoptable),
  },
  denyPlainHttp: {
    ...whateverIsNamed(other, otherStage),
    CreateBucket: [...to('anybody', connected, other, otherStage), ...opens(connected, other, otherStage)],
  },
};

const templates = new Map<Parameters, Template>();
const templateOf = (which: Parameters): Template => {
  const template = templates.get(which);
  if (!template) throw new Error(`There is no template with the parameters "${which}".`);
  return template;
};
beforeAll(async () => {
  await Promise.all(
    everyParameters.map(async (which) => templates.set(which, await packagedWith(params[which]))),
  );
});

const sorted = (reach: Reach) =>
  Object.fromEntries(Object.entries(reach).map(([whose, results]) => [whose, results.toSorted()]));

test.each(everyParameters)(
  'two stolen sessions give what docs/security.md says, and no more, with the parameters "%s"',
  async (which) => {
    expect(await findReach(templateOf(which))).toEqual(sorted(accepted[which]));
  },
);

interface Statement {
  readonly Sid: string;
  readonly Action?: string | string[];
  readonly Condition?: Readonly<Record<string, unknown>>;
}
type Change = (statement: Statement) => unknown;

const nothing: Change = () => ({ Ref: 'AWS::NoValue' });
const unconditional: Change = ({ Condition: _condition, ...statement }) => statement;
const withoutCondition =
  (operator: string): Change =>
  ({ Condition = {}, ...statement }) => ({
    ...statement,
    Condition: Object.fromEntries(Object.entries(Condition).filter(([name]) => name !== operator)),
  });
const on =
  (Resource: string): Change =>
  (statement) => ({ ...statement, Resource });
const allowing =
  (action: string): Change =>
  (statement) => ({ ...statement, Action: [statement.Action ?? []].flat().concat(action) });

/** The template with every statement of a Sid changed. */
function changed(template: Template, sid: string, ...changes: readonly Change[]): Template {
  let count = 0;
  const after: Template = JSON.parse(JSON.stringify(template), (_key, value) => {
    if (value?.Sid !== sid) return value;
    count += 1;
    return changes.reduce((statement, change) => change(statement) as Statement, value);
  });
  if (count === 0) throw new Error(`No statement is called ${sid}.`);
  return after;
}

const underPath = 'arn:aws:iam::111111111111:role/dataloop-cross-account/unit/*';

describe('a fault in a role or in the boundary is found:', () => {
  test('a function may write the policy of a bucket by default', async () => {
    const { Conditions, ...template } = templateOf('default');
    const always = { 'Fn::Equals': ['true', 'true'] };
    const reach = await findReach({ ...template, Conditions: { ...Conditions, DeniesPlainHttp: always } });
    expect(reach['CreateBucket']).toContain(`anybody: ${other}`);
  });

  test.each<[string, Parameters, string, readonly Change[], string, string]>([
    [
      'the deployment bucket is denied to no role',
      'denyPlainHttp',
      'KeepOffDeploymentBucket',
      [nothing],
      'CreateBucket',
      'anybody: objects of the deployment bucket',
    ],
    [
      'the deployment bucket is denied to no role, and no bucket policy may be written',
      'adopting',
      'KeepOffDeploymentBucket',
      [nothing],
      'CreateBucket',
      'settings of the deployment bucket',
    ],
    [
      'the boundary does not deny the deployment bucket',
      'adopting',
      'NotTheDeploymentBucket',
      [nothing],
      'CreatePolicy + CreateRole',
      'anybody: objects of the deployment bucket',
    ],
    [
      'the boundary allows only',
      'default',
      'NowhereElse',
      [nothing],
      'CreatePolicy + CreateRole',
      'anybody: objects of a bucket outside of the pattern',
    ],
    [
      'a role is created without the boundary',
      'default',
      'CreateRole',
      [unconditional],
      'CreateRole',
      'anybody assumes a new role without a boundary',
    ],
    [
      'a policy is attached to a role without the boundary',
      'default',
      'AttachPolicy',
      [withoutCondition('StringEquals')],
      'CreateRole',
      'a role that others made under the path has a policy of the service’s',
    ],
    [
      'a policy of others is attached',
      'default',
      'AttachPolicy',
      [withoutCondition('ArnLike')],
      'CreateRole',
      `anybody: ${other}`,
    ],
    [
      'a policy of others is attached to an adopted role',
      'adopting',
      'AttachToAdoptedRole',
      [withoutCondition('ArnLike')],
      'CreateRole',
      `anybody: ${inAdoptable}`,
    ],
    [
      'a policy is attached to an adopted role without a boundary, and gets a new version',
      'adopting',
      'AttachToAdoptedRole',
      [withoutCondition('Null')],
      'GrantAccess',
      'Dataloop: everything',
    ],
    [
      'a policy is attached to an adopted role without a boundary, whom others let anybody assume',
      'adopting',
      'AttachToAdoptedRole',
      [withoutCondition('Null')],
      'DeleteRole + RevokeAccess',
      'anybody: everything',
    ],
    [
      'a policy without the tag gets a new version',
      'default',
      'WritePolicy',
      [unconditional],
      'RevokeAccess',
      ofOthers,
    ],
    [
      'the boundary gets a new version',
      'default',
      'WritePolicy',
      [unconditional, on('*')],
      'CreateRole + RevokeAccess',
      'anybody: everything',
    ],
    [
      'the trust of roles under the path is changed',
      'adopting',
      'ReleaseRole',
      [on(underPath)],
      'DeleteRole',
      'anybody: everything',
    ],
    [
      'a function reads objects',
      'default',
      'ReadBucket',
      [allowing('s3:GetObject')],
      'TestIntegration',
      `anybody: ${other}`,
    ],
    [
      'a function passes roles',
      'default',
      'DeleteRole',
      [allowing('iam:PassRole')],
      'DeleteRole',
      `anybody: ${connected}`,
    ],
    [
      'a function assumes roles',
      'default',
      'DeleteRole',
      [allowing('sts:AssumeRole')],
      'DeleteRole',
      `anybody: ${connected}`,
    ],
    [
      'a function writes policies into roles',
      'default',
      'DeleteRole',
      [allowing('iam:PutRolePolicy')],
      'DeleteRole',
      `Dataloop: ${other}`,
    ],
    [
      'a function takes boundaries away, and another one writes policies',
      'default',
      'DeleteRole',
      [allowing('iam:DeleteRolePermissionsBoundary')],
      'DeleteRole + GrantAccess',
      'Dataloop: everything',
    ],
    [
      'a function deletes roles without the tag',
      'default',
      'DeleteRole',
      [unconditional],
      'DeleteRole',
      'a role that others made under the path is deleted',
    ],
  ])('%s', async (_fault, which, sid, changes, whose, result) => {
    const reach = await findReach(changed(templateOf(which), sid, ...changes));
    expect(reach[whose]).toContain(result);
  });
});
