/** What readers meet in the pages: links and paths that lead somewhere, commands that any shell takes, lines that fit. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { projectRoot } from '../../../local/environment/paths.ts';
import { provisionSteps, stepNames } from '../../../src/domain/model/steps.ts';
import { projectFile } from '../../bundle.ts';

const pages = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'],
  ...readdirSync(join(projectRoot, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
/** Nobody breaks its lines by hand. */
const generated = ['docs/iam-statements.md'];
const readme = projectFile('README.md');

const fences = /^ *```(\w*)\n(.*?)^ *```$/gms;
const blocksOf = (page: string) =>
  [...projectFile(page).matchAll(fences)].map(([, language = '', text = '']) => ({ page, language, text }));
const proseOf = (page: string) => projectFile(page).replaceAll(fences, '');
const inlineCode = (text: string) => [...text.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);

/** As GitHub makes anchors of headings. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');
const anchorsOf = (page: string) =>
  [...proseOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading));

describe.each(pages)('%s', (page) => {
  test('links to files and headings that exist', () => {
    for (const [, target = ''] of proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : join(dirname(page), path);
      expect([target, existsSync(join(projectRoot, file))]).toEqual([target, true]);
      if (anchor !== undefined)
        expect([target, anchorsOf(file)]).toEqual([target, expect.arrayContaining([anchor])]);
    }
  });

  test('names files and folders that exist', () => {
    const ours =
      /^(?:src|functions|statemachines|resources|cli|local|test|scripts|events|docs|\.ci|\.github)\/[\w./-]*$/;
    const named = inlineCode(proseOf(page)).filter((code) => ours.test(code));
    expect(named.filter((path) => !existsSync(join(projectRoot, path)))).toEqual([]);
  });

  test('has no line of more than 120 characters outside of tables', () => {
    const lines = generated.includes(page) ? [] : proseOf(page).split('\n');
    expect(lines.filter((line) => [...line].length > 120 && !line.startsWith('|'))).toEqual([]);
  });

  test('has commands in its tables that can be copied: without quotes and comments', () => {
    const cells = proseOf(page)
      .split('\n')
      .filter((line) => line.startsWith('|'));
    const commands = cells
      .flatMap(inlineCode)
      .filter((code) => /^(?:npm|npx|aws|curl|git|[A-Z_]+=\S+) /.test(code));
    expect(commands.filter((command) => /['"#]/.test(command))).toEqual([]);
  });
});

const commands = pages
  .flatMap(blocksOf)
  .filter(({ language }) => language === 'sh')
  .map((block) => ({ ...block, begins: block.text.split('\n')[0] }));

test('commands are found', () => {
  expect(commands.length).toBeGreaterThan(15);
});

describe.each(commands)('$page: $begins', ({ text }) => {
  const unquoted = text.replaceAll(/'[^']*'|"(?:\\.|[^"\\])*"/g, '');

  test('is shell, and pasted into zsh means the same as in bash', () => {
    expect(() => execFileSync('sh', ['-n'], { input: text })).not.toThrow();
    // An interactive zsh takes a comment for arguments, fails on a pattern that matches no file,
    // and reads "$NAME:e" as a modifier of the value.
    expect(unquoted).not.toMatch(/[#*?[\]!]/);
    expect(text).not.toMatch(/\$\w+:[a-zA-Z&]/);
    // What is to be filled in is a word in capitals: a shell takes angle brackets for files.
    expect(unquoted).not.toMatch(/[<>…]/);
  });
});

describe('README.md', () => {
  test('has at most 1,000 words', () => {
    expect(readme.split(/\s+/).filter((word) => word !== '').length).toBeLessThanOrEqual(1_000);
  });

  test('leads to every page', () => {
    const others = pages.filter((page) => page !== 'README.md');
    expect(others.filter((page) => !readme.includes(`](${page})`))).toEqual([]);
  });

  test('shows steps that exist, and every one that connects', () => {
    const [, picture = ''] = /<!-- saga -->\n(.*?)<!-- \/saga -->/s.exec(readme) ?? [];
    const terminal = projectFile('docs/connect.svg');
    const undone = /(?<=✓ )[A-Z]\w+(?= +succeeded)/g;
    const shown = terminal.match(undone) ?? [];
    expect(shown.filter((name) => !stepNames.some((step) => step === name))).toEqual([]);
    for (const step of provisionSteps.filter((each) => each !== 'RollBack')) {
      expect([step, picture]).toEqual([step, expect.stringContaining(step)]);
    }
    // Its command asks for no dataset.
    const usual = provisionSteps.filter((step) => step !== 'RollBack' && !step.endsWith('Dataset'));
    expect(shown).toEqual(expect.arrayContaining(usual));
  });

  test('names the oldest Node.js and Python that the code takes, and CI runs all tests there', () => {
    const { engines } = z
      .object({ engines: z.object({ node: z.string() }) })
      .parse(JSON.parse(projectFile('package.json')));
    // Of each line of versions the first: `^20.19.0 || ^22.13.0 || >=24`.
    const lines = engines.node.split(' || ').map((range) => range.replace(/^(\^|>=)|\.0$/g, ''));
    const [node] = lines;
    const [, python] =
      /^const minimum = \[(\d+, \d+)\]/m.exec(projectFile('local/environment/python.ts')) ?? [];
    const oldest = python?.replace(', ', '.');
    expect(readme).toContain(`Node.js ${lines.slice(0, -1).join('+, ')}+ or ${lines.at(-1)}+`);
    expect(readme).toContain(`Python ${oldest} or newer`);
    const workflow = projectFile('.github/workflows/ci.yml');
    expect(workflow).toContain(`{ node: "${node}", python: "${oldest}" }`);
    expect(workflow).toContain('- run: .ci/run\n');
    expect(projectFile('.ci/run')).toContain('\nnpm ci && npm test\n');
    expect(readme).toContain('```sh\nnpm ci && npm test\n```');
  });
});
