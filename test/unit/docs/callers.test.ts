/** The policies for callers: who gets which routes. The API itself is asked in test/security/callers.test.ts. */
import { expect, test } from '@jest/globals';
import { matchesPattern } from '../../../src/domain/model/allowed.ts';
import { projectFile } from '../../bundle.ts';
import { documentSchema } from '../../policy-document.ts';

const texts = [
  ...[...projectFile('docs/deployment.md').matchAll(/^```json\n(.*?)^```/gms)].map(([, text = '']) => text),
  projectFile('examples/policies/data-team.json'),
];
const policies = texts.map((text) => documentSchema.parse(JSON.parse(text)));
const allowedBy = ({ Statement }: (typeof policies)[number]) =>
  Statement.flatMap(({ Effect, Resource }) => (Effect === 'Allow' ? [Resource].flat().map(String) : []));

const integration = '/integrations/int_00000000000000000000000000';
const api = 'arn:aws:execute-api:REGION:ACCOUNT:API_ID/prod/';
/** Whether a policy lets its caller send a request. */
const lets = (policy: (typeof policies)[number], request: string) =>
  allowedBy(policy).some((pattern) => matchesPattern(`${api}${request}`, pattern));

test('lets nobody say whom a role trusts, or disconnect, who may only connect', () => {
  const connecting = policies.filter((policy) => lets(policy, 'POST/integrations'));
  expect(connecting.length).toBeGreaterThan(1);
  for (const policy of connecting) {
    expect(lets(policy, `POST${integration}/iam-user`)).toBe(false);
    expect(lets(policy, `DELETE${integration}`)).toBe(false);
  }
  const naming = policies.filter((policy) => lets(policy, `POST${integration}/iam-user`));
  expect(naming.length).toBe(1);
  expect(naming.some((policy) => lets(policy, 'POST/integrations'))).toBe(false);
});
