import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from '@jest/globals';
import { writePrivately } from '../../../../local/environment/private-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'private-file-'));
const file = join(folder, 'env');
beforeEach(() => {
  rmSync(file, { force: true });
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const mode = () => statSync(file).mode & 0o777;

test('only this user can read the file, also where others could read the one before', async () => {
  writeFileSync(file, 'old', { mode: 0o644 });
  writeFileSync(`${file}.new`, 'older', { mode: 0o666 });
  await writePrivately(file, 'keys');
  expect([readFileSync(file, 'utf8'), mode()]).toEqual(['keys', 0o600]);
});

test('who had opened the file before reads nothing new', async () => {
  writeFileSync(file, 'old');
  writeFileSync(`${file}.new`, 'older');
  const open = [file, `${file}.new`].map((path) => openSync(path, 'r'));
  await writePrivately(file, 'keys');
  expect(open.map((each) => readFileSync(each, 'utf8'))).toEqual(['old', 'older']);
  for (const each of open) closeSync(each);
});

test('a link is replaced, not followed', async () => {
  const theirs = join(folder, 'theirs');
  writeFileSync(theirs, 'theirs');
  symlinkSync(theirs, file);
  symlinkSync(theirs, `${file}.new`);
  await writePrivately(file, 'keys');
  expect([readFileSync(theirs, 'utf8'), readFileSync(file, 'utf8'), mode()]).toEqual([
    'theirs',
    'keys',
    0o600,
  ]);
});
