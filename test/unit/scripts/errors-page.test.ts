/** docs/errors.md: as npm run errors-page writes it, complete, and with details that the code really says. */
import { describe, expect, test } from '@jest/globals';
import { errorCatalog, errorGroups } from '../../../scripts/error-catalog.ts';
import { errorsPage } from '../../../scripts/errors-page.ts';
import { type ErrorName, errorKinds, isErrorName, problemType } from '../../../src/errors.ts';
import { projectFile } from '../../bundle.ts';
import { finder, messagesBelow, messagesOf } from './messages.ts';

const names = Object.keys(errorKinds).filter(isErrorName);
const page = projectFile('docs/errors.md');

describe('the page', () => {
  test('is as npm run errors-page writes it', () => {
    expect(page).toBe(errorsPage());
  });

  test('has a section for each error, under the last part of its type', () => {
    const sections = [...page.matchAll(/^### (.*)$/gm)].map(([, type]) => type);
    const types = names.map((name) => problemType(name).split(':').at(-1));
    expect(sections.toSorted()).toEqual(types.toSorted());
    for (const type of types) expect(page).toContain(`](#${type})`);
  });

  test('has no empty group, and no line of more than 120 characters', () => {
    const used = new Set(names.map((name) => errorCatalog[name].group));
    expect(used).toEqual(new Set(Object.keys(errorGroups)));
    expect(page.split('\n').filter((line) => line.length > 120)).toEqual([]);
  });
});

describe('the typical detail', () => {
  const said = messagesBelow(['src', 'functions']);
  const find = finder(said);
  /**
   * Files that throw or record an error, by its name. The API itself speaks for those of which it shows nothing, and
   * src/errors.ts adds that the service tries again.
   */
  const mentions = (file: string, name: ErrorName): boolean =>
    said.some((each) => each.file === file && each.fixed.join() === name) ||
    (errorKinds[name].retryable && file === 'src/errors.ts') ||
    (name === 'InternalError' && file === 'src/runtime/api.ts');

  test.each(names)('of %s is what the code says', (name) => {
    const files = find(errorCatalog[name].detail).map(({ file }) => file);
    expect(files.filter((file) => mentions(file, name))).not.toEqual([]);
  });

  test.each(names.flatMap((name) => errorCatalog[name].errors ?? []))('of $pointer, too', ({ detail }) => {
    expect(find(detail)).not.toEqual([]);
  });
});

describe('a text comes from a message', () => {
  const find = finder(
    messagesOf(
      'const who = isOurs ? "this account" : "account " + id;' +
        'throw new Error(`The bucket \u0024{name} belongs to ` + (who + "; it was left as it is (") + count + ").");',
      'bucket.ts',
    ),
  );
  const text = (who: string, end = 'it was left as it is (7).') => `The bucket a-b belongs to ${who}; ${end}`;

  test.each(['this account', 'account 1', 'somebody'])('where its values can: "%s"', (who) => {
    expect(find(text(who))).toHaveLength(1);
  });

  test.each([
    ['a value that nobody says', text('some other account')],
    ['another end', text('this account', 'it was left alone (7).')],
    ['another begin', `Now: ${text('this account')}`],
    ['something more', `${text('this account')} Bye.`],
    ['a part of it', 'The bucket a-b belongs to'],
  ])('not with %s', (_what, other) => {
    expect(find(other)).toEqual([]);
  });
});
