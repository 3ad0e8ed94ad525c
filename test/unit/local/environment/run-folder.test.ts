import { existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { inRunFolder } from '../../../../local/environment/run-folder.ts';

/** No process has it: beyond the largest id of Linux. */
const deadPid = 5_000_000;
let parent = '';
const inDemoFolder = (work: (folder: string) => Promise<void>) => inRunFolder('demo', work, parent);

beforeEach(async () => {
  parent = await realpath(await mkdtemp(join(tmpdir(), 'run-folder-')));
});

afterEach(async () => {
  await rm(parent, { recursive: true });
});

test('a run has a folder of its own that nobody else can enter', async () => {
  await inDemoFolder(async (folder) => {
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(folder).uid).toBe(process.getuid?.());
  });
});

test('nobody can know the name of the folder before, nor make it first', async () => {
  const names = new Set<string>();
  for (let run = 0; run < 3; run += 1) {
    await inDemoFolder(async (folder) => {
      names.add(folder);
    });
  }
  expect(names.size).toBe(3);
  for (const name of names) {
    expect(name).toMatch(new RegExp(`^${parent}/dataloop-cross-account-demo-${process.pid}-\\w{6,}$`));
  }
});

test('the folder of a run that was killed is removed, that of a run that lives is not', async () => {
  const [dead, alive] = [deadPid, process.ppid].map((pid) =>
    join(parent, `dataloop-cross-account-demo-${pid}-abcdef`),
  ) as [string, string];
  for (const folder of [dead, alive]) mkdirSync(folder);
  await inDemoFolder(async () => undefined);
  expect([existsSync(dead), existsSync(alive)]).toEqual([false, true]);
});

test('what only has the name of a run is left alone', async () => {
  const theirs = join(parent, 'theirs');
  mkdirSync(theirs);
  writeFileSync(join(theirs, 'file'), '');
  const [link, file] = ['aaaaaa', 'bbbbbb'].map((end) =>
    join(parent, `dataloop-cross-account-demo-${deadPid}-${end}`),
  ) as [string, string];
  symlinkSync(theirs, link);
  writeFileSync(file, '');
  await inDemoFolder(async () => undefined);
  expect([link, file, join(theirs, 'file')].filter((each) => !existsSync(each))).toEqual([]);
});

test('a run that fails keeps its folder and names it', async () => {
  const failed = inDemoFolder(async (folder) => {
    writeFileSync(join(folder, 'log'), '');
    throw new Error('It failed.');
  });
  await expect(failed).rejects.toThrow(
    new RegExp(`^It failed\\.\\nLogs: ${parent}/dataloop-cross-account-demo-`),
  );
});
