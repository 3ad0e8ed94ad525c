/** What docs/security.md says is proven, is: each test that it names is there under that name. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { projectRoot } from '../../../local/environment/paths.ts';
import { roles } from '../../../resources/iam/roles.ts';
import { projectFile } from '../../bundle.ts';

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
  for (const [, file = '', names = ''] of proof.matchAll(/`(test\/[^`]+)`((?:: "[^"]+"(?:, "[^"]+")*)?)/g)) {
    expect([file, existsSync(join(projectRoot, file))]).toEqual([file, true]);
    for (const [, name = ''] of names.matchAll(/"([^"]+)"/g)) {
      expect(projectFile(file)).toContain(name);
    }
  }
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
