/** The policy that people paste: what deploys with it, and nothing else, is the second lane of `npm test`. */
import { expect, test } from '@jest/globals';
import * as z from 'zod';
import { projectFile } from '../../bundle.ts';

const oneOrMore = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const policySchema = z.object({
  Version: z.literal('2012-10-17'),
  Statement: z.array(
    z.strictObject({
      Sid: z.string(),
      Effect: z.literal('Allow'),
      Action: oneOrMore,
      Resource: oneOrMore,
      Condition: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
    }),
  ),
});
const policy: unknown = JSON.parse(projectFile('docs/deployer-policy.json'));
const { Statement } = policySchema.parse(policy);

test('fits into a managed policy of IAM', () => {
  // AWS counts no white space; account and region are longer than what stands for them.
  const filled = JSON.stringify(policy)
    .replaceAll('ACCOUNT', '111111111111')
    .replaceAll('REGION', 'ap-southeast-1');
  expect(filled.length).toBeLessThanOrEqual(6_144);
});

test('names what it is about, but where AWS has no resources or a condition says it', () => {
  const everywhere = Statement.filter(({ Resource }) => Resource.includes('*'));
  expect(everywhere.map(({ Sid }) => Sid)).toEqual(['QueueReaders', 'WithoutResource']);
  for (const { Resource, Sid } of Statement) {
    for (const resource of Resource.filter((each) => each !== '*')) {
      const isNamed =
        /dataloop-cross-account[-/]|^arn:aws:apigateway:REGION::\/|:event-source-mapping:\*$/.test(resource);
      expect([Sid, isNamed || Sid === 'KeysThroughServices']).toEqual([Sid, true]);
    }
    expect(
      Sid === 'KeysThroughServices' ? Statement.find((each) => each.Sid === Sid)?.Condition : {},
    ).toBeDefined();
  }
});

test('tags what CloudFormation tags, the mapping of the queue included, whose name nobody chooses', () => {
  const tagging = Statement.filter(({ Action }) => Action.includes('lambda:TagResource'));
  expect(tagging.flatMap(({ Resource }) => Resource)).toEqual([
    'arn:aws:lambda:REGION:ACCOUNT:function:dataloop-cross-account-*',
    'arn:aws:lambda:REGION:ACCOUNT:event-source-mapping:*',
  ]);
});

test('lets nobody do everything of a service, or give roles to others than functions and workflows', () => {
  const actions = Statement.flatMap(({ Action }) => Action);
  expect(actions.filter((action) => /^[^:]+:\*$|^\*$/.test(action))).toEqual([]);
  expect(new Set(actions).size).toBe(actions.length);
  const passing = Statement.filter(({ Action }) => Action.includes('iam:PassRole'));
  expect(passing.map(({ Condition }) => Condition)).toEqual([
    { StringEquals: { 'iam:PassedToService': ['lambda.amazonaws.com', 'states.amazonaws.com'] } },
  ]);
});
