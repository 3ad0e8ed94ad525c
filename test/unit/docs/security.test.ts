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

test('the worst case is told of each role of the stack, once', () => {
  const [, cases = ''] = /### The worst case of each session\n([\s\S]*?)\n## /.exec(text) ?? [];
  const told = [...cases.matchAll(/^\| ([A-Z]\w+(?:, \w+)*) \| [A-Z]/gm)].flatMap(([, names = '']) =>
    names.split(', '),
  );
  const machines = ['ProvisionStateMachine', 'AddDriverStateMachine', 'DeprovisionStateMachine'];
  const all = [...roles.map(({ roleId }) => roleId.replace(/Role$/, '')), ...machines];
  expect(told.filter((name) => name !== 'Stolen').toSorted()).toEqual(all.toSorted());
});
