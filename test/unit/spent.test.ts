import { expect, test } from '@jest/globals';
import { metered, waitingFor } from '../../src/spent.ts';

/** A call that ends when it is told to. */
function openCall() {
  let end: () => void = () => undefined;
  const done = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { call: () => done, end: () => end() };
}

test('calls at the same time are counted once, and what is in no call is own work', async () => {
  let now = 0;
  const clock = performance.now.bind(performance);
  performance.now = () => now;
  try {
    await metered(async (spent) => {
      now += 5;
      const [one, other, third] = [openCall(), openCall(), openCall()];
      const calls = [waitingFor('awsMs', one.call), waitingFor('awsMs', other.call)];
      now += 10;
      one.end();
      await calls[0];
      now += 20;
      other.end();
      await calls[1];
      const last = waitingFor('dataloopMs', third.call);
      now += 40;
      third.end();
      await last;
      now += 1;
      expect(spent()).toEqual({ ownMs: 6, awsMs: 30, dataloopMs: 40 });
    });
  } finally {
    performance.now = clock;
  }
});

test('a call that fails took its time, too, and outside of an invocation nothing is counted', async () => {
  const failing = () => Promise.reject(new Error('no'));
  await expect(waitingFor('awsMs', failing)).rejects.toThrow('no');
  await metered(async (spent) => {
    await expect(waitingFor('awsMs', failing)).rejects.toThrow('no');
    expect(spent().dataloopMs).toBe(0);
  });
});
