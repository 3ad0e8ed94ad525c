import { describe, expect, test } from '@jest/globals';
import { progressOn, stepLine } from '../../../../cli/screen/progress.ts';
import { step } from '../world.ts';

const second = (count: number) => Date.parse('2026-11-28T10:00:00.000Z') + count * 1_000;
const succeeded = step('CreateBucket', 'succeeded', { endedAt: '2026-11-28T10:00:00.400Z' });
const waiting = step('RequestIamUser', 'waiting', { attempts: 2 });

function view(isLive: boolean, columns = 80) {
  const written: string[] = [];
  let now = second(0);
  const progress = progressOn(
    { isLive, columns, write: (text) => written.push(text), paint: (_colour, text) => text },
    () => now,
  );
  return {
    ...progress,
    at: (seconds: number) => {
      now = second(seconds);
    },
    take: () => written.splice(0).join(''),
  };
}

describe('the line of a step', () => {
  const running = step('CreateBucket', 'running');

  test('shows how long it took, once it has ended', () => {
    expect(stepLine(succeeded, second(60))).toBe('  ✓ CreateBucket         succeeded     0.4 s  1 attempt');
  });

  test('shows for how long it runs, and how often it was tried', () => {
    expect(stepLine({ ...running, status: 'retrying', attempts: 3 }, second(12.34))).toBe(
      '  … CreateBucket         retrying     12.3 s  3 attempts',
    );
  });

  test('marks a failure', () => {
    expect(stepLine({ ...succeeded, status: 'failed' }, 0)).toMatch(/^ {2}✗ CreateBucket +failed /);
  });

  test('counts an attempt after an earlier one that ended from the clock', () => {
    expect(stepLine({ ...succeeded, status: 'retrying' }, second(5))).toContain(' 5.0 s');
  });

  test('never shows less than nothing, where clocks differ', () => {
    expect(stepLine(running, second(-3))).toContain(' 0.0 s');
  });
});

describe('on a terminal', () => {
  test('steps that ended stay, and those that run are drawn again below them', () => {
    const { show, take, tick, end, at } = view(true);
    at(12.3);
    show([waiting, step('CreateBucket', 'running')]);
    expect(take()).toBe(
      '  ⠙ RequestIamUser       waiting      12.3 s  2 attempts, until it is issued\n' +
        '  ⠙ CreateBucket         running      12.3 s  1 attempt\n',
    );
    at(13);
    tick();
    const up = '\u001b[1A\u001b[2K';
    expect(take()).toContain(`\r${up}${up}`);
    show([waiting, succeeded]);
    expect(take()).toBe(
      `\r${up}${up}  ✓ CreateBucket         succeeded     0.4 s  1 attempt\n` +
        '  ⠸ RequestIamUser       waiting      13.0 s  2 attempts, until it is issued\n',
    );
    end();
    expect(take()).toBe(`\r${up}`);
    tick();
    expect(take()).toBe('');
  });

  test('a step that is retried says why, and when it is tried again', () => {
    const retried = step('TestDriver', 'retrying', {
      attempts: 3,
      reason: 'S3 denied it.',
      nextAttemptBy: '2026-11-28T10:00:08.000Z',
    });
    const { show, take, at, tick } = view(true);
    show([retried]);
    expect(take()).toMatch(/until access works\n {6}next try within 8 s: S3 denied it\.\n$/);
    at(9);
    tick();
    const again = take();
    expect(again.split('\u001b[1A')).toHaveLength(3);
    expect(again).toMatch(/\n {6}S3 denied it\.\n$/);
    const piped = view(false);
    piped.show([retried]);
    piped.show([retried]);
    expect(piped.take().match(/S3 denied it/g)).toHaveLength(1);
  });

  test('no line that is drawn again is wider than the terminal', () => {
    const { show, take } = view(true, 40);
    show([waiting]);
    expect(take().trimEnd().length).toBeLessThan(40);
  });
});

describe('where the output is piped', () => {
  test('each change is a line, said once, with what is awaited', () => {
    const { show, take, tick, at } = view(false);
    at(5);
    show([waiting]);
    show([waiting]);
    tick();
    expect(take()).toBe('  … RequestIamUser       waiting       5.0 s  2 attempts, until it is issued\n');
    show([{ ...waiting, attempts: 3 }]);
    expect(take()).toContain('3 attempts');
  });
});
