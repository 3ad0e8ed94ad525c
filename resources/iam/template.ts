/** The CloudFormation template of the functions' roles, for serverless.yml. */
import { roles } from './roles.ts';
import type { Statement } from './statement.ts';

/** A statement without the reason, for which a policy has no place. */
function inTemplate({ Sid, Effect, Action, Resource, Condition, onlyIf }: Statement) {
  const statement = { Sid, Effect: Effect ?? 'Allow', Action, Resource, ...(Condition && { Condition }) };
  return onlyIf ? { 'Fn::If': [onlyIf, statement, { Ref: 'AWS::NoValue' }] } : statement;
}

const resources = roles.map(({ roleId, functionName, description, statements }) => [
  roleId,
  {
    Type: 'AWS::IAM::Role',
    Properties: {
      Description: description,
      AssumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
        ],
      },
      Policies: [
        {
          PolicyName: functionName,
          PolicyDocument: { Version: '2012-10-17', Statement: statements.map(inTemplate) },
        },
      ],
    },
  },
]);

export const template = { Resources: Object.fromEntries(resources) };
