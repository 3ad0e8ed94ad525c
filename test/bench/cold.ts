/**
 * `npm run bench -- cold`: how long Node.js takes to import each function, as it is and as it was at the commit of
 * scripts/bundle-baseline.ts, one after the other in each round. It needs that commit, and installs its packages.
 */
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { projectRoot } from '../../local/environment/paths.ts';
import { run } from '../../local/environment/processes.ts';
import { baselineBytes, baselineCommit } from '../../scripts/bundle-baseline.ts';
import { bundleOptions, writeBundles } from '../../scripts/bundles.ts';
import { variables } from '../unit/environment.ts';
import { figuresOf } from './statistics.ts';

const execute = promisify(execFile);

/** Functions that were there at that commit. */
const files = Object.keys(baselineBytes);

/** @returns the path of each function's bundle at that commit */
async function bundlesBefore(folder: string): Promise<ReadonlyMap<string, string>> {
  const source = join(folder, baselineCommit);
  const options = { env: process.env, logFile: join(folder, 'before.log') };
  await mkdir(source);
  const archive = join(folder, 'before.tar');
  const packed = ['archive', '--output', archive, baselineCommit];
  await run(`Reading ${baselineCommit}`, 'git', ['-C', projectRoot, ...packed], options);
  await run('Unpacking it', 'tar', ['-xf', archive, '-C', source], options);
  const install = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
  await run('Installing its packages', 'npm', install, { ...options, cwd: source });
  const { alias: _ours, ...asThen } = bundleOptions;
  await build({
    ...asThen,
    mainFields: [...asThen.mainFields],
    entryPoints: files,
    absWorkingDir: source,
    outdir: 'bundles',
    outExtension: { '.js': '.mjs' },
    logLevel: 'error',
  });
  return new Map(
    files.map((file) => [
      file,
      join(source, 'bundles', file.replace(/^functions\//, '').replace(/\.ts$/, '.mjs')),
    ]),
  );
}

const measure =
  'const from = performance.now(); await import(process.argv[1]); console.log(performance.now() - from); process.exit()';

/** Milliseconds of an import in a process of its own, with what Lambda gives a function. */
async function importMs(bundle: string): Promise<number> {
  const { stdout } = await execute(process.execPath, ['--input-type=module', '--eval', measure, bundle], {
    env: {
      ...variables,
      AWS_ACCESS_KEY_ID: 'ASIAEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_SESSION_TOKEN: 'session',
    },
  });
  return Number(stdout);
}

/** Lines of at most 80 columns: milliseconds of each function, and of all together. */
export async function cold(runs: number, folder: string, say: (text: string) => void): Promise<string> {
  say('Bundling the functions');
  const now = await writeBundles(join(folder, 'now'), files);
  const before = await bundlesBefore(folder);
  const times = new Map(files.map((file) => [file, { before: [] as number[], now: [] as number[] }]));
  for (let round = 1; round <= runs; round += 1) {
    say(`Round ${round} of ${runs}`);
    for (const [file, { before: then, now: today }] of times) {
      then.push(await importMs(before.get(file) ?? ''));
      today.push(await importMs(now.get(file)?.path ?? ''));
    }
  }
  const line = (name: string, cells: readonly string[]) =>
    `${name.padEnd(40)}${cells.map((cell) => cell.padStart(10)).join('')}`;
  const medians = [...times].map(([file, each]) => ({
    file,
    before: figuresOf(each.before).median,
    now: figuresOf(each.now).median,
  }));
  const row = (name: string, one: { before: number; now: number }) =>
    line(name, [one.before.toFixed(0), one.now.toFixed(0), `${((100 * one.now) / one.before).toFixed(0)}%`]);
  const middle = (values: readonly number[]) => figuresOf(values).median;
  return [
    line('milliseconds of an import, median', [baselineCommit, 'now', 'share']),
    ...medians.map(({ file, ...one }) => row(file, one)),
    row('the function in the middle', {
      before: middle(medians.map((one) => one.before)),
      now: middle(medians.map((one) => one.now)),
    }),
  ].join('\n');
}
