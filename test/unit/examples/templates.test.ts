/** Templates that people copy: what docs show of them is in them, and their properties are what the API takes. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { projectRoot } from '../../../local/environment/paths.ts';
import { stackResourceTypes } from '../../../src/domain/api/stack.ts';
import { projectFile } from '../../bundle.ts';

const folder = 'examples/cloudformation';
const files = readdirSync(join(projectRoot, folder)).map((name) => `${folder}/${name}`);
const page = projectFile('docs/infrastructure-as-code.md');

test('what the page shows of a template is in one, to the letter', () => {
  const shown = [...page.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text = '']) => text);
  expect(shown.length).toBeGreaterThan(1);
  for (const text of shown) {
    expect([text, files.some((file) => projectFile(file).includes(text))]).toEqual([text, true]);
  }
});

describe.each(files)('%s', (file) => {
  const text = projectFile(file);

  test('has resources of the types that the service makes, and is named on the page', () => {
    const types = [...text.matchAll(/^ {4}Type: (Custom::\w+)$/gm)].map(([, type]) => type);
    expect(types.length).toBeGreaterThan(0);
    expect(
      types.filter((type) => !Object.values<string | undefined>(stackResourceTypes).includes(type)),
    ).toEqual([]);
    expect(page).toContain(file);
  });

  test('takes the address of the service from its stack', () => {
    const tokens = text.match(
      /ServiceToken:\n {8}Fn::ImportValue: !Sub dataloop-cross-account-\$\{Stage\}-ServiceToken\n/g,
    );
    expect(tokens?.length).toBe(text.match(/Type: Custom::/g)?.length);
    // The name under which resources/outputs.yml exports it.
    expect(projectFile('resources/outputs.yml')).toContain(
      'Export: { Name: "\u0024{self:custom.name}-ServiceToken" }',
    );
  });
});
