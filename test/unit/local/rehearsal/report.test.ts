import { describe, expect, test } from '@jest/globals';
import type { Result } from '../../../../local/rehearsal/rehearse.ts';
import {
  blockOf,
  isGood,
  markdownOf,
  type Run,
  tableOf,
  verdictOf,
} from '../../../../local/rehearsal/report.ts';
import { rehearsals } from '../../../../local/rehearsal/steps.ts';
import { leftover, resources } from './answers.ts';

const result: Result = {
  step: 'DeleteRole',
  subject: 'integration',
  shows: 'the role cannot be deleted; everything else goes',
  denied: ['iam:DeleteRole'],
  ended: 'residue, then removed',
  said: [],
  removed: ['role'],
  residue: [leftover(resources.role)],
  runsOfTheUndo: 1,
  tries: 1,
  seconds: 2.34,
  problems: [],
  id: 'int_A',
  console: 'https://console',
};
/** Without a denial, as every run has it. */
const kept: Result = {
  ...result,
  step: 'keepBucket',
  ended: 'ready, then removed',
  denied: [],
  residue: [],
  released: [{ ...resources.bucket, reason: 'You asked to keep it.' }],
};
/** As if the terminal were wide. */
const inOneLine = (block: string): string => block.replaceAll(/\n +/g, ' ');

const wrong = { ...result, problems: ['gone: buckets: a|b\nc'] };
const standing = { listing: { buckets: ['a'], roles: [] }, contents: new Map() };

const run = (more: Partial<Run> = {}): Run => ({
  facts: [['account', '111111111111, eu-west-1']],
  seesDataloop: true,
  startedAt: new Date(0),
  endedAt: new Date(1000),
  before: standing,
  after: standing,
  results: [result, kept],
  rehearsed: [],
  problems: [],
  ...more,
});

describe('a run is good', () => {
  test('where each step is, and there are as many as were wanted', () => {
    expect(isGood(run())).toBe(true);
  });

  test.each([
    { why: 'a step has a problem', more: { results: [wrong, kept] } },
    { why: 'it was aborted', more: { problems: ['It was aborted'] } },
    { why: 'a step is missing', more: { rehearsed: [{ subject: 'integration' }] } as const },
  ])('but not where $why', ({ more }) => {
    expect(isGood(run(more))).toBe(false);
    expect(verdictOf(run(more))).toMatch(/^✗/);
    expect(verdictOf(run(more))).not.toContain('nothing is left');
  });
});

describe('the verdict', () => {
  test('says what is proven', () => {
    // With a control and a kept bucket for integrations, and a control for drivers.
    const all = run({ rehearsed: rehearsals, results: Array(rehearsals.length + 3).fill(result) });
    expect(verdictOf(all)).toBe(
      '✓ 39 of 39 rehearsals passed: nothing is left, and nothing else has changed',
    );
    expect(markdownOf(all)).toContain(
      'Each of the 22 steps of an integration and the 14 of an added driver was broken once',
    );
  });

  test('says what is not: Dataloop’s side, or the other steps', () => {
    expect(verdictOf(run({ seesDataloop: false }))).toContain('AWS only');
    expect(verdictOf(run())).toContain('2 of 2 rehearsals passed, of 39 in all');
  });
});

describe('of a driver', () => {
  const ofDriver: Result = { ...result, step: 'RevokeAccess', subject: 'driver', residue: [], id: 'drv_A' };

  test('the proof names the integration that it was added to', () => {
    expect(inOneLine(blockOf(ofDriver))).toContain(
      '✓ nothing is left, and nothing else has changed; the integration is ready and has exactly the access that',
    );
    expect(blockOf(result)).not.toContain('exactly the access');
  });

  test('table and document tell its steps from those of an integration', () => {
    const rehearsed = [{ subject: 'driver' }] as const;
    const both = run({ rehearsed, results: [result, kept, result, ofDriver] });
    expect(isGood(both)).toBe(true);
    expect(isGood({ ...both, results: [result, kept, ofDriver] })).toBe(false);
    expect(tableOf(both.results)).toMatch(/✓ RevokeAccess \(driver\)/);
    expect(markdownOf(both)).toMatch(
      /identical to the byte[\s\S]*## ✓ RevokeAccess \(driver\)[\s\S]*Driver `drv_A`/,
    );
    expect(markdownOf(run())).not.toContain('to the byte');
  });
});

describe('of a kept bucket', () => {
  test('the block names it, says why it stayed, and what is proven', () => {
    const block = inOneLine(blockOf(kept));
    expect(block).toMatch(/kept +AWS::S3::Bucket arn:aws:s3:::dataloop-r: You asked to keep it\./);
    expect(block).toContain(
      '✓ only the bucket stayed, with its objects and settings; once it was emptied and deleted, nothing is left',
    );
  });

  test('table and document tell it from the steps', () => {
    expect(tableOf([kept])).toContain('✓ Kept bucket');
    expect(markdownOf(run())).toMatch(
      /with `\?keepBucket=true`[\s\S]*## ✓ Kept bucket[\s\S]*- Kept: AWS::S3::Bucket `arn:aws:s3:::dataloop-r`\. You/,
    );
  });
});

describe('the block of a step', () => {
  test('says what was denied, what is left with what to do, and the proof', () => {
    const block = blockOf(result);
    expect(block).toContain('iam:DeleteRole');
    expect(block).toContain(resources.role.arn);
    expect(block).toContain('→ Send DELETE for this integration again.');
    expect(block).toContain('✓ only this one stayed; after a second DELETE nothing is left');
  });

  test('says what is wrong and where to look, and claims nothing', () => {
    const block = blockOf(wrong);
    expect(block).toContain('✗ gone: buckets');
    expect(block).toContain('Look at: int_A https://console');
    expect(block).not.toContain('✓');
  });

  test('says how long after DELETE the access had ended, where it did', () => {
    expect(blockOf({ ...result, accessSeconds: 1.234 })).toMatch(/access +had ended 1\.2 s after DELETE/);
    expect(blockOf(result)).not.toContain('access');
  });

  test('says that the watchdog took part, and that it was tried again', () => {
    const block = blockOf({ ...result, runsOfTheUndo: 6, tries: 2 });
    expect(block).toContain('6 times: the watchdog');
    expect(block).toMatch(/tries +2/);
  });
});

test('the table has a line for each step', () => {
  const lines = tableOf([result, wrong]).split('\n');
  expect(lines).toHaveLength(3);
  expect(lines[1]).toMatch(/^ {2}✓ DeleteRole +residue, then removed +2\.3 s$/);
  expect(lines[2]).toMatch(/✗ DeleteRole/);
});

describe('the document', () => {
  test('holds verdict, facts, a row and a section for each step, and what to do about what was left', () => {
    const text = markdownOf(run());
    expect(text).toContain('**✓ 2 of 2');
    expect(text).toContain('| account | 111111111111, eu-west-1 |');
    expect(text).toContain(
      '| ✓ | DeleteRole | `iam:DeleteRole` | residue, then removed | role | AWS::IAM::Role | 2.3 s |',
    );
    expect(text).toContain('## ✓ DeleteRole');
    expect(text).toContain('**Send DELETE for this integration again.**');
    expect(text).toContain('1970-01-01T00:00:00.000Z, 1970-01-01T00:00:01.000Z');
  });

  test('says how long Dataloop kept its access at most, and of each removal', () => {
    const results = [0.4, 2.06, undefined].map((accessSeconds) => ({ ...result, accessSeconds }));
    const text = markdownOf(run({ results }));
    expect(text).toContain("| Dataloop's access | had ended at most 2.1 s after DELETE (2 removals) |");
    expect(text).toContain("- Dataloop's access had ended 0.4 s after DELETE\n");
    expect(text.match(/^- Dataloop's access/gm)).toHaveLength(2);
    expect(markdownOf(run())).toContain("| Dataloop's access | no removal was rehearsed that ends it |");
  });

  test('breaks no table by what a message holds', () => {
    const text = markdownOf(run({ results: [{ ...result, ended: 'a|b\nc' }] }));
    expect(text).toContain('| a\\|b c |');
  });

  test('says that Dataloop’s side is not proven', () => {
    expect(markdownOf(run({ seesDataloop: false }))).toContain("**Dataloop's side was not checked**");
  });

  test('says what is wrong', () => {
    expect(markdownOf(run({ problems: ['It was aborted: x'], results: [wrong] }))).toMatch(
      /\*\*✗ 0 of 2[\s\S]*- ✗ It was aborted: x[\s\S]*## ✗ DeleteRole[\s\S]*- ✗ gone: buckets: a\|b c/,
    );
  });
});
