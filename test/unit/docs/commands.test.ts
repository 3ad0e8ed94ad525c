/** Commands of `dataloop-connect` that the docs show, and those of its own help: each one runs. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { projectRoot } from '../../../local/environment/paths.ts';
import { projectFile } from '../../bundle.ts';
import { accepted, bucket, driverId, integration, integrationId, ok, plan, run } from '../cli/world.ts';

const files = [
  'README.md',
  ...readdirSync(join(projectRoot, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  ...readdirSync(join(projectRoot, 'cli', 'commands')).map((name) => `cli/commands/${name}`),
];

/** Arguments as the shell passes them on. */
function argumentsOf(text: string): string[] {
  const [command = ''] = text.split(/[|)`]/);
  return [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, bare]) =>
    (double ?? single ?? bare ?? '').replace(/^\$\w+$/, 'P').replace(/^int_…$/, integrationId),
  );
}

/** In a block or in code of a line, and not a word of a sentence. */
const inDocs = /(?<=^|`|\$\(|npx )dataloop-connect ([a-z]+(?:-[a-z]+)?(?: [^\n`]*)?)/gm;

/** @returns what follows the name of the program */
function commandsIn(file: string): string[] {
  const text = projectFile(file).replaceAll('\\\n', ' ');
  if (file.endsWith('.md')) return [...text.matchAll(inDocs)].map(([, command = '']) => command.trim());
  const [, examples = ''] = /^ {2}examples: \[(.*?)\],$/ms.exec(text) ?? [];
  return [...examples.matchAll(/'([^']+)'/g)].map(([, command = '']) => command);
}

const shown = files.flatMap((file) => commandsIn(file).map((command) => ({ file, command })));

const self = `/integrations/${integrationId}`;
const added = `${self}/drivers/${driverId}`;
const drivers = [
  { driverId, name: 'videos', bucket: 'dataloop-dev-acme-videos', projectId: 'P', links: { self: added } },
];
const one = (name: string) => integration('ready', { name, drivers, resources: [bucket] });
const driver = {
  ...integration('ready', { name: 'videos', links: { ...one('x').links, self: added } }),
  driverId,
};
const gone = integration('removed');
const tested = { integrationId, status: 'passed', checks: [] };
const removal = { name: 'x', clear: true, resources: [], datasets: [], foreignDrivers: [], findings: [] };
const request = 'name: acme-images\nbucket: { name: dataloop-dev-acme-images }\ndataloop: { projectId: P }\n';

test('commands are found', () => {
  expect(shown.filter(({ file }) => file.endsWith('.md')).length).toBeGreaterThan(12);
  expect(shown.filter(({ file }) => file.endsWith('.ts')).length).toBeGreaterThan(15);
});

test.each(shown)('$file: dataloop-connect $command', async ({ command }) => {
  const args = argumentsOf(command);
  const named = args.find((each) => /^acme/.test(each)) ?? 'acme-images';
  const ran = await run(args, {
    answers: [true],
    columns: 80,
    files: { 'request.yaml': request, 'request.json': request, '-': request },
    script: {
      'GET /integrations': [ok({ items: [one(named)] })],
      [`GET ${self}`]: /^disconnect/.test(command) ? [ok(one(named)), ok(gone)] : [ok(one(named))],
      [`GET ${added}`]: /^remove/.test(command)
        ? [ok(driver), ok({ ...driver, status: 'removed' })]
        : [ok(driver)],
      'POST /plans': [ok(plan())],
      'POST /integrations': [accepted(one(named))],
      [`POST ${self}/test`]: [ok(tested)],
      [`POST ${added}/test`]: [ok(tested)],
      [`POST ${self}/iam-user`]: [accepted(one(named))],
      [`POST ${self}/drivers`]: [accepted(driver)],
      [`POST ${self}/removal-plan`]: [ok(removal)],
      [`POST ${added}/removal-plan`]: [ok(removal)],
      [`DELETE ${self}`]: [accepted(one(named))],
      [`DELETE ${added}`]: [accepted(driver)],
    },
  });
  // What doctor finds is not what this is about.
  const wanted = args[0] === 'doctor' ? [4] : [0];
  expect([ran.err, wanted]).toEqual([expect.anything(), expect.arrayContaining([ran.code])]);
});
