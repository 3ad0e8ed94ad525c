/** What docs/security.md says is proven, is: each test that it names is there under that name. */
import { expect, test } from '@jest/globals';
import { roles } from '../../../resources/iam/roles.ts';
import { projectFile } from '../../bundle.ts';
import { missingProofs } from './proofs.ts';

const text = projectFile('docs/security.md');
const [, table = ''] = /## Threats\n([\s\S]*?)\n## /.exec(text) ?? [];
const rows = table.split('\n').filter((line) => line.startsWith('| **'));

test('the table has every kind of threat', () => {
  for (const kind of ['Spoofing', 'Tampering', 'Repudiation', 'Disclosure', 'Denial', 'Elevation']) {
    expect(rows.some((row) => row.startsWith(`| **${kind}**`))).toBe(true);
  }
});

test.each(rows)('%s', (row) => {
  const proof = row.split('|').at(-2) ?? '';
  expect(proof).toMatch(/`test\/|\.md\)/);
  expect(missingProofs(proof)).toEqual([]);
});

const [, cases = ''] = /### The worst case of each session\n([\s\S]*?)\n## /.exec(text) ?? [];
/** What is told of each session; "The same" and "Everything that … can do" stand for what is told of others. */
const told = new Map<string, string>();
for (const [, names = '', said = ''] of cases.matchAll(/^\| ([A-Z]\w+(?:, \w+)*) \| ([A-Z].*) \|$/gm)) {
  const [, others = ''] = /^Everything that (.*) can do/.exec(said) ?? [];
  const before = said.startsWith('The same') ? [[...told.values()].at(-1)] : [];
  const meant = others.split(/, | and /).flatMap((name) => told.get(name) ?? []);
  for (const name of names.split(', ')) told.set(name, [...before, ...meant, said].join(' '));
}

test('the worst case is told of each role of the stack, once', () => {
  const machines = ['ProvisionStateMachine', 'AddDriverStateMachine', 'DeprovisionStateMachine'];
  const all = [...roles.map(({ roleId }) => roleId.replace(/Role$/, '')), ...machines];
  expect([...told.keys()].toSorted()).toEqual(all.toSorted());
  expect(cases.match(/^\| [A-Z]/gm)?.length).toBe(new Set([...told.values()]).size + 1);
});

const rolesWith = (action: string) =>
  roles
    .filter(({ statements }) =>
      statements.some(({ Effect, Action }) => Effect !== 'Deny' && [Action].flat().includes(action)),
    )
    .map(({ roleId }) => roleId.replace(/Role$/, ''));

test.each([
  ['events:PutEvents', /publishes events of the service/],
  ['secretsmanager:GetSecretValue', /does what the credentials may do at Dataloop/i],
  ['s3:ListBucket', /lists (the )?names of (the|all) (objects|buckets)/i],
  ['s3:PutBucketPublicAccessBlock', /only these settings close/],
  ['iam:UpdateAssumeRolePolicy', /lets anybody assume the adoptable roles/],
  ['states:SendTaskSuccess', /wakes workflows/],
])('who can do %s, of them it is told, and of nobody else', (action, said) => {
  const tellers = [...told].filter(([, worst]) => said.test(worst)).map(([name]) => name);
  expect(tellers.toSorted()).toEqual(rolesWith(action).toSorted());
});

test('"only" is true where it is said of an action of IAM', () => {
  const only = [...text.matchAll(/^- `(\w+:\w+)`: ((?:[A-Z]\w+(?:, | and )?)+) only/gm)];
  expect(only.length).toBeGreaterThan(2);
  for (const [, action = '', names = ''] of only) {
    expect([action, rolesWith(action).toSorted()]).toEqual([action, names.split(/, | and /).toSorted()]);
  }
  const [, nobodys = ''] = /^- Nobody has (.*)\.$/m.exec(text) ?? [];
  const actions = [...nobodys.matchAll(/`([^`]+)`/g)].map(([, action = '']) => action);
  expect(actions.length).toBe(3);
  for (const action of actions) expect([action, rolesWith(action)]).toEqual([action, []]);
});
