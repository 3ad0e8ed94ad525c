import { expect, test } from '@jest/globals';
import { withSagaTable } from '../../../scripts/saga-table.ts';
import { projectFile } from '../../bundle.ts';

test('README.md has the table of the saga as `npm run saga` writes it', () => {
  const readme = projectFile('README.md');
  expect(withSagaTable(readme)).toBe(readme);
});

test('each step that makes something stands beside its undo, with its place in the order', () => {
  const page = withSagaTable('a\n<!-- saga -->\nold\n<!-- /saga -->\nb');
  expect(page).toMatch(/^a\n<!-- saga -->\n\| Step .*\n<!-- \/saga -->\nb$/s);
  expect(page).toContain('| CreateDriver | driver | DeleteDriver | 4 |\n');
  expect(page).toContain('| CompleteIntegration | | | |\n');
  expect(page).not.toContain('old');
});

test('a page without a place for it is refused', () => {
  expect(() => withSagaTable('README')).toThrow('has no <!-- saga -->');
});
