import { describe, expect, test } from '@jest/globals';
import { progressOn } from '../../../../cli/screen/progress.ts';
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

describe('on a terminal', () => {
  test('steps that ended stay, and those that run are drawn again below them', () => {
    const { show, take, tick, end, at } = view(true);
    at(12.3);
    show([waiting, step('CreateBucket', 'running')]);
    expect(take()).toBe(
      '  ⠋ RequestIamUser       waiting      12.3 s  2 attempts, until it is issued\n' +
        '  ⠋ CreateBucket         running      12.3 s  1 attempt\n',
    );
    at(13);
    tick();
    const up = '\u001b[1A\u001b[2K';
    expect(take()).toContain(`\r${up}${up}`);
    show([waiting, succeeded]);
    expect(take()).toBe(
      `\r${up}${up}  ✓ CreateBucket         succeeded     0.4 s  1 attempt\n` +
        '  ⠙ RequestIamUser       waiting      13.0 s  2 attempts, until it is issued\n',
    );
    end();
    expect(take()).toBe(`\r${up}`);
    tick();
    expect(take()).toBe('');
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
