/**
 * Puts the old behaviour behind each finding back, one at a time, in a copy of the project, and looks whether its test
 * fails there. Before that, the same test must pass in a copy that nobody has changed.
 */
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import * as z from 'zod';
import { projectRoot } from '../../local/environment/paths.ts';
import { start } from '../../local/environment/processes.ts';
import type { Count } from '../jest.ts';
import { changesOf, findings } from '../security/findings.ts';
import { hangSeconds } from '../until.ts';

type OldBehaviour = (typeof findings)[number]['old'][number];

/** Shared with the copies, since nobody writes there what differs; or of no use there. */
const shared = ['node_modules', '.venv'];
const left = [...shared, '.git', '.local', '.serverless', '.esbuild', 'asl', 'reports'];

async function copyTo(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await cp(projectRoot, folder, {
    recursive: true,
    filter: (path) => !left.includes(relative(projectRoot, path).split(sep)[0] ?? ''),
  });
  for (const name of shared) await symlink(join(projectRoot, name), join(folder, name));
}

const reportSchema = z.object({
  testResults: z.array(
    z.object({ assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })) }),
  ),
});

/** How tests ended, by their full names. */
type Ends = ReadonlyMap<string, string>;

/** Runs unit tests of a copy. */
async function unitTests(folder: string, files: readonly string[], more: readonly string[]): Promise<Ends> {
  const report = join(folder, 'jest.json');
  const options = [
    '--experimental-vm-modules',
    '--no-warnings',
    join('node_modules', 'jest', 'bin', 'jest.js'),
    `--testTimeout=${hangSeconds * 1000}`,
    '--selectProjects=unit',
    '--json',
    `--outputFile=${report}`,
    ...more,
    '--runTestsByPath',
    ...files,
  ];
  await start(process.execPath, options, {
    cwd: folder,
    env: process.env,
    logFile: join(folder, 'jest.log'),
  }).ended;
  const { testResults } = reportSchema.parse(JSON.parse(await readFile(report, 'utf8')));
  const ended = testResults.flatMap(({ assertionResults }) => assertionResults);
  return new Map(ended.map(({ fullName, status }) => [fullName, status]));
}

/** Runs tests of a copy on a deployment of its own. */
async function deployedTests(folder: string, file: string): Promise<Ends> {
  const logFile = join(folder, 'test.log');
  const options = [join('test', 'run.ts'), 'integration', '--verbose', '--testPathPatterns', file];
  await start(process.execPath, options, { cwd: folder, env: process.env, logFile }).ended;
  const lines = (await readFile(logFile, 'utf8')).matchAll(/^ +([✓✕]) (.*?)(?: \(\d+ ms\))?$/gm);
  return new Map([...lines].map(([, sign, name = '']) => [name, sign === '✓' ? 'passed' : 'failed']));
}

const statusesOf = (ends: Ends, name: string): string[] =>
  [...ends].filter(([fullName]) => fullName.includes(name)).map(([, status]) => status);

export const isUnit = ({ failing: [file] }: OldBehaviour): boolean => file.startsWith('test/unit/');
const literally = (text: string): string => text.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&');

/** @returns undefined where the test fails on the old behaviour, as it should; else what happened */
async function whyNotFound(folder: string, old: OldBehaviour): Promise<string | undefined> {
  const [file, name] = old.failing;
  const originals = new Map<string, string>();
  for (const { file: changed, now, before } of changesOf(old)) {
    const source = join(folder, changed);
    const text = await readFile(source, 'utf8');
    if (text.split(now).length !== 2) return `${changed} does not have once: ${now}`;
    originals.set(source, text);
    await writeFile(
      source,
      text.replace(now, () => before),
    );
  }
  const ends = isUnit(old)
    ? await unitTests(folder, [file], ['--testNamePattern', literally(name)])
    : await deployedTests(folder, file);
  for (const [source, text] of originals) await writeFile(source, text);
  if (statusesOf(ends, name).includes('failed')) return undefined;
  return `"${name}" in ${file} did not fail: ${statusesOf(ends, name).join(', ') || 'it did not run'}`;
}

/**
 * @param folder in which the copy is made
 * @returns how many of the old behaviours are found by their tests
 */
export async function tryOldBehaviours(
  folder: string,
  say: (line: string) => void,
  isWanted: (old: OldBehaviour) => boolean = () => true,
): Promise<Count> {
  const copy = join(folder, 'old-behaviour');
  await copyTo(copy);
  const all = findings.flatMap(({ name, old }) => old.filter(isWanted).map((each) => ({ name, old: each })));
  const units = all.filter(({ old }) => isUnit(old)).map(({ old }) => old.failing);
  const ends = await unitTests(copy, [...new Set(units.map(([file]) => file))], []);
  const unsound = units.filter(([, name]) => {
    const statuses = statusesOf(ends, name);
    return statuses.length === 0 || statuses.some((status) => status !== 'passed');
  });
  for (const [file, name] of unsound) say(`✗ "${name}" in ${file} does not pass before anything is changed`);
  let failed = unsound.length;
  for (const { name, old } of all) {
    const why = await whyNotFound(copy, old);
    say(`${why === undefined ? '✓' : '✗'} ${name}: ${old.what}${why === undefined ? '' : `. ${why}`}`);
    if (why !== undefined) failed += 1;
  }
  return { passed: all.length + units.length - failed, failed };
}
