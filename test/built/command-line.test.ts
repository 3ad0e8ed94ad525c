/** The one file that people install. */
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, cpSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as z from 'zod';
import { projectRoot } from '../../local/environment/paths.ts';
import { bundleCommandLine } from '../../scripts/command-line.ts';
import { projectFile } from '../bundle.ts';

const folder = mkdtempSync(join(tmpdir(), 'command-line-'));
const file = join(folder, 'dataloop-connect.cjs');
let inputs: string[] = [];

beforeAll(async () => {
  inputs = Object.keys((await bundleCommandLine(folder)).inputs);
});
afterAll(() => rmSync(folder, { recursive: true }));

const manifest = z.looseObject({
  version: z.string(),
  engines: z.object({ node: z.string() }),
  files: z.array(z.string()).optional(),
});
const project = manifest.parse(JSON.parse(projectFile('package.json')));
const own = manifest.parse(JSON.parse(projectFile('cli/package.json')));

test('has the version of the service, for the same Node.js, and no dependency', () => {
  expect(own.version).toBe(project.version);
  expect(own.engines).toEqual(project.engines);
  expect(own).not.toHaveProperty('dependencies');
  // The launcher and what is bundled.
  expect(own.files).toEqual(['bin', 'dist']);
  expect(execFileSync(process.execPath, [file, '--version'], { encoding: 'utf8' })).toBe(`${own.version}\n`);
});

test('holds nothing that runs in the service or in tests', () => {
  expect(inputs).toContain('cli/main.ts');
  expect(
    inputs.filter((path) => /^(functions|local|test|scripts|resources|src\/(?!domain|errors))/.test(path)),
  ).toEqual([]);
});

test('has the licence of every package in it beside it', () => {
  const packages = new Set(
    inputs.flatMap((path) => /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []),
  );
  expect(packages.size).toBeGreaterThan(5);
  const text = execFileSync('cat', [join(folder, 'THIRD-PARTY-LICENSES.txt')], { encoding: 'utf8' });
  expect([...packages].filter((name) => !text.includes(`${name} (`))).toEqual([]);
  expect(text).not.toContain('(unknown)');
});

test('ends as it says where there is no region, without a word of the SDK', () => {
  const env = {
    PATH: process.env['PATH'],
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  };
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, 'list'], { env, encoding: 'utf8' });
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(/^✗ No AWS region is set\.\n/);
});

test('says that its output cannot be written, such as on a full disk', () => {
  const full = openSync('/dev/full', 'w');
  const { status, stderr } = spawnSync(process.execPath, [file, '--help'], {
    stdio: ['ignore', full, 'pipe'],
    encoding: 'utf8',
  });
  closeSync(full);
  expect(status).toBe(1);
  expect(stderr).toMatch(/^✗ The output cannot be written: ENOSPC.*\n$/);
});

test('is a package that installs into an empty folder, without a network, and runs there', () => {
  const [made, empty] = [join(folder, 'made'), join(folder, 'empty')];
  for (const each of ['package.json', 'bin']) {
    cpSync(join(projectRoot, 'cli', each), join(made, each), { recursive: true });
  }
  for (const each of ['dataloop-connect.cjs', 'THIRD-PARTY-LICENSES.txt']) {
    cpSync(join(folder, each), join(made, 'dist', each));
  }
  mkdirSync(empty);
  writeFileSync(join(empty, 'package.json'), '{}');
  // The bundle is made already.
  execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', empty], {
    cwd: made,
    stdio: 'ignore',
  });
  const packed = `./dataloop-connect-${own.version}.tgz`;
  expect(projectFile('docs/command-line.md')).toContain(`npm install --global ${packed}\n`);
  const quietly = ['--offline', '--no-audit', '--no-fund'];
  execFileSync('npm', ['install', ...quietly, packed], { cwd: empty, stdio: 'ignore' });
  const installed = join(empty, 'node_modules', '.bin', 'dataloop-connect');
  expect(execFileSync(installed, ['--version'], { encoding: 'utf8' })).toBe(`${own.version}\n`);
});
