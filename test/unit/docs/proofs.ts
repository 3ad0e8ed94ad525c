/** Texts that say by which tests something is proven: `test/file.test.ts`: "name of a test", "another". */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../../local/environment/paths.ts';
import { projectFile } from '../../bundle.ts';

/** But for a choice: a system may not have what a test needs. */
const skipped =
  /(?<!\? test : )\b(?:test|describe|it)(?:\.\w+)*\.(?:skip|only|todo|failing)\b|\b[fx](?:test|describe|it)\b\s*[.(]/;

/** Lines of comments: the formatter begins each with one of these. */
const comments = /^\s*(?:\/\/|\/\*\*?|\*).*$/gm;

/** @returns what a text names that is not there under its name, or is not run */
export function missingProofs(text: string): string[] {
  return [...text.matchAll(/`(test\/[^`]+)`((?:: "[^"]+"(?:, "[^"]+")*)?)/g)].flatMap(
    ([, file = '', names = '']) => {
      if (!existsSync(join(projectRoot, file))) return [file];
      const source = projectFile(file).replaceAll(comments, '');
      if (skipped.test(source)) return [`${file} skips tests`];
      return [...names.matchAll(/"([^"]+)"/g)].flatMap(([, name = '']) =>
        source.includes(name) ? [] : [`${file}: "${name}"`],
      );
    },
  );
}
