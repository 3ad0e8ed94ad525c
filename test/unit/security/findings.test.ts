/**
 * What an adversarial review found is held by tests, each of which fails where the old behaviour comes back. Here: that
 * they are there, and that each old behaviour can still be put back. `npm run faults -- --part findings` puts it back.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { projectRoot } from '../../../local/environment/paths.ts';
import { projectFile } from '../../bundle.ts';
import { changesOf, findings } from '../../security/findings.ts';
import { missingProofs } from '../docs/proofs.ts';

test.each(findings)('$name: held by tests', ({ proofs }) => {
  expect(proofs).toContain('`test/');
  expect(missingProofs(proofs)).toEqual([]);
});

test.each(findings)(
  '$name: each old behaviour can be put back, and a test is named that finds it',
  ({ old }) => {
    expect(old.length).toBeGreaterThan(0);
    for (const each of old) {
      for (const { file, now, before } of changesOf(each)) {
        expect([each.what, projectFile(file).split(now).length]).toEqual([each.what, 2]);
        expect(before).not.toBe(now);
      }
      expect(existsSync(join(projectRoot, each.failing[0]))).toBe(true);
    }
  },
);

test('all eleven are there', () => {
  expect(new Set(findings.map(({ name }) => Number.parseInt(name, 10)))).toEqual(
    new Set(Array.from({ length: 11 }, (_, index) => index + 1)),
  );
});
