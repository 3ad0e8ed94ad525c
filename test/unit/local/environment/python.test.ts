import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';

const folder = mkdtempSync(join(tmpdir(), 'dataloop-python-'));
jest.unstable_mockModule('../../../../local/environment/paths.ts', () => ({ projectRoot: folder }));
const { virtualEnvironment } = await import('../../../../local/environment/python.ts');

/** Stands in for Python: notes what it is asked for, and installs nothing. */
const fakePython = `#!/bin/sh
root='ROOT'
case "$1 $2" in
  "-m venv") echo venv >> "$root/calls"; mkdir -p "$3/bin"; cp "$root/python" "$3/bin/python" ;;
  "-m pip") echo pip >> "$root/calls"; echo "$*" >> "$root/pip"; if [ -e "$root/offline" ]; then echo 'no such package'; exit 1; fi ;;
  *) echo '3 12' ;;
esac
`;

const requirements = 'requirements.txt';
const python = process.env['PYTHON'];
beforeEach(() => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'python'), fakePython.replace('ROOT', folder), { mode: 0o755 });
  writeFileSync(join(folder, requirements), 'ministack==1.0\n');
  writeFileSync(join(folder, 'calls'), '');
  writeFileSync(join(folder, 'pip'), '');
  process.env['PYTHON'] = join(folder, 'python');
});
afterEach(() => {
  if (python === undefined) delete process.env['PYTHON'];
  else process.env['PYTHON'] = python;
  rmSync(folder, { recursive: true, force: true });
});

const calls = () => readFileSync(join(folder, 'calls'), 'utf8').split('\n').filter(Boolean);
const make = () => virtualEnvironment('emulator', requirements);

test('a virtual environment is made once, and then found', async () => {
  const made = await make();
  expect(made).toMatch(/\.venv\/emulator-[0-9a-f]{12}$/);
  await expect(make()).resolves.toBe(made);
  expect(calls()).toEqual(['venv', 'pip']);
});

test('a virtual environment is another one when its list changes', async () => {
  const made = await make();
  writeFileSync(join(folder, requirements), 'ministack==1.1\n');
  await expect(make()).resolves.not.toBe(made);
  expect(calls()).toEqual(['venv', 'pip', 'venv', 'pip']);
});

test('only what its lists name by hash is installed, list by list, without code of its own', async () => {
  writeFileSync(join(folder, 'build.txt'), 'setuptools==1.0\n');
  const made = await virtualEnvironment('emulator', 'build.txt', requirements);
  const lists = readFileSync(join(folder, 'pip'), 'utf8').trimEnd().split('\n');
  expect(lists.map((line) => line.split('/').at(-1))).toEqual(['build.txt', requirements]);
  for (const line of lists) {
    expect(line).toContain(' --require-hashes --only-binary :all: --no-build-isolation --no-compile -r ');
  }
  writeFileSync(join(folder, 'build.txt'), 'setuptools==1.1\n');
  await expect(virtualEnvironment('emulator', 'build.txt', requirements)).resolves.not.toBe(made);
});

test('a virtual environment that could not be filled says why, and is made anew the next time', async () => {
  writeFileSync(join(folder, 'offline'), '');
  await expect(make()).rejects.toThrow(/Installing requirements\.txt failed \(1\)\.\nno such package/);
  rmSync(join(folder, 'offline'));
  await make();
  expect(calls()).toEqual(['venv', 'pip', 'venv', 'pip']);
});
