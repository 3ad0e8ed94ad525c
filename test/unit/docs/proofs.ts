/** Texts that say by which tests something is proven: `test/file.test.ts`: "name of a test", "another". */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../../local/environment/paths.ts';
import { projectFile } from '../../bundle.ts';

const skipped = /\b(?:test|describe)\.(?:skip|only|todo)\(|\b[fx](?:test|describe|it)\(/;

/** @returns what a text names that is not there under its name, or is not run */
export function missingProofs(text: string): string[] {
  return [...text.matchAll(/`(test\/[^`]+)`((?:: "[^"]+"(?:, "[^"]+")*)?)/g)].flatMap(
    ([, file = '', names = '']) => {
      if (!existsSync(join(projectRoot, file))) return [file];
      const source = projectFile(file);
      if (skipped.test(source)) return [`${file} skips tests`];
      return [...names.matchAll(/"([^"]+)"/g)].flatMap(([, name = '']) =>
        source.includes(name) ? [] : [`${file}: "${name}"`],
      );
    },
  );
}
