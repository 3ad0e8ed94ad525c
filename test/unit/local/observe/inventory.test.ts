import { expect, test } from '@jest/globals';
import { differences } from '../../../../local/observe/inventory.ts';

const before = { buckets: ['acme', 'logs'], roles: ['admin'], drivers: [] };

test('two equal listings have no differences', () => {
  expect(differences(before, { buckets: ['acme', 'logs'], roles: ['admin'], drivers: [] })).toEqual([]);
});

test('what came and what went is told by its kind', () => {
  const after = { buckets: ['acme', 'dataloop-acme'], roles: [], drivers: ['acme (d-1)'] };
  expect(differences(before, after)).toEqual([
    '+ buckets: dataloop-acme',
    '- buckets: logs',
    '- roles: admin',
    '+ drivers: acme (d-1)',
  ]);
});

test('a kind that was not listed before is all new', () => {
  expect(differences({}, { roles: ['admin'] })).toEqual(['+ roles: admin']);
});
