import { describe, expect, test } from '@jest/globals';
import { iamStatements } from '../../../scripts/iam-statements.ts';

const Principal = { Service: 'states.amazonaws.com' };
const template = (Condition: object, Sid = 'InvokeSteps') => {
  const trust = { Effect: 'Allow', Principal, Action: 'sts:AssumeRole', Condition };
  const invoke = { Sid, Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: '*' };
  const Properties = {
    AssumeRolePolicyDocument: { Statement: [trust] },
    Policies: [{ PolicyDocument: { Statement: [invoke] } }],
  };
  return { Resources: { StatesRole: { Type: 'AWS::IAM::Role', Properties } } };
};
const thisAccount = { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } };

describe('who may assume a role is told', () => {
  test.each([
    ['without a condition', {}, ''],
    ['of this account', { StringEquals: thisAccount }, ' of this account'],
    [
      'of another account',
      { StringEquals: { 'aws:SourceAccount': '111111111111' } },
      ' where `StringEquals aws:SourceAccount: 111111111111`',
    ],
    [
      'of any account but this one',
      { StringNotEquals: thisAccount },
      ' where `StringNotEquals aws:SourceAccount: \u0024{AWS::AccountId}`',
    ],
  ])('%s', (_what, condition, said) => {
    expect(iamStatements(template(condition), 'test')).toContain(
      `### Assumed by \`states.amazonaws.com\`${said}\n`,
    );
  });
});

test('a statement without a reason cannot be written down', () => {
  expect(() => iamStatements(template({}, 'Unknown'), 'test')).toThrow('"Unknown" has no reason');
});
