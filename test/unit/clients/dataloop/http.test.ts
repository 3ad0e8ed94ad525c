import { afterEach, describe, expect, jest, test } from '@jest/globals';
import * as z from 'zod';
import { withinLifetime, withoutPatience } from '../../../../src/deadline.ts';
import {
  dataloopAnswers,
  httpFor,
  json,
  lost,
  noContent,
  refused,
  retryAfterMs,
  saidBy,
  sent,
  text,
  waits,
} from './fake-dataloop.ts';

afterEach(() => {
  jest.restoreAllMocks();
});

/** Tokens as the secret would hold them, one after the other. */
function rotating(...values: string[]) {
  let index = 0;
  return {
    token: async () => ({ value: values[index] ?? '', expiresAt: 0, email: undefined }),
    forget: () => {
      index = Math.min(index + 1, values.length - 1);
    },
  };
}

const settings = { apiUrl: 'https://gate.dataloop.test/api/v1', secretId: 'the-secret' };
const read = {
  method: 'GET',
  path: '/things/1',
  schema: z.object({ id: z.string() }),
  what: 'read thing 1',
  role: 'owner of the organisation',
  repeatable: true,
} as const;
const create = {
  ...read,
  method: 'POST',
  path: '/things',
  what: 'create a thing',
  body: () => ({ name: 'x' }),
  repeatable: false,
} as const;
type AnyCall = Parameters<ReturnType<typeof httpFor>['send']>[0];
const send = (call: AnyCall, credentials = rotating('secret-token')) =>
  httpFor(credentials, settings).send(call);

describe('a request', () => {
  test('goes to the API with the token, and has a content type only with a body', async () => {
    dataloopAnswers(json({ id: '1' }));
    await send(read);
    await send(create);
    expect(sent).toEqual([
      {
        method: 'GET',
        url: 'https://gate.dataloop.test/api/v1/things/1',
        headers: { authorization: 'Bearer secret-token', accept: 'application/json' },
        body: undefined,
      },
      {
        method: 'POST',
        url: 'https://gate.dataloop.test/api/v1/things',
        headers: {
          authorization: 'Bearer secret-token',
          accept: 'application/json',
          'content-type': 'application/json',
        },
        body: { name: 'x' },
      },
    ]);
  });

  test('has its body made for the user whose token it carries, also after a rotation', async () => {
    dataloopAnswers(refused(401, 'revoked'), json({ id: '1' }));
    const call = { ...create, body: ({ value }: { value: string }) => ({ creator: value }) };
    await httpFor(rotating('old-token', 'new-token'), settings).send(call);
    expect(sent.map(({ body }) => body)).toEqual([{ creator: 'old-token' }, { creator: 'new-token' }]);
  });

  test('carries the token nowhere else: a redirect is not followed', async () => {
    dataloopAnswers(json({ id: '1' }));
    await send(read);
    expect(jest.mocked(fetch).mock.calls[0]?.[1]).toMatchObject({ redirect: 'error' });
  });

  test('is given up after its time', async () => {
    const timeout = jest.spyOn(AbortSignal, 'timeout').mockReturnValue(AbortSignal.abort());
    jest.spyOn(globalThis, 'fetch').mockImplementation(async (_url, init) => {
      init?.signal?.throwIfAborted();
      return Response.json({ id: '1' });
    });
    const http = httpFor(rotating('secret-token'), { ...settings, timeoutMs: 1_500 });
    await expect(http.send(create)).rejects.toMatchObject({
      name: 'DataloopUnavailableError',
      message: expect.stringMatching(/https:\/\/gate\.dataloop\.test did not answer within 1\.5 s/),
    });
    expect(timeout).toHaveBeenCalledWith(1_500);
  });
});

describe('a call that takes Dataloop long', () => {
  const slow = { ...read, method: 'POST', path: '/drivers/test', what: 'test', takesLong: true } as const;
  /** How long each attempt was given, in ms; none is answered in that time. */
  const givenUpAfter = async (call: AnyCall, lifetimeMs?: number) => {
    dataloopAnswers(lost('TimeoutError'));
    jest.spyOn(Date, 'now').mockReturnValue(1_800_000_000_000);
    const timeout = jest.spyOn(AbortSignal, 'timeout').mockClear();
    const sending = () => send(call);
    const result = lifetimeMs === undefined ? sending() : withinLifetime(lifetimeMs, sending);
    const error = await result.then(() => undefined, String);
    return { given: timeout.mock.calls.map(([ms]) => ms), error };
  };

  test('has one attempt, with the time that it needs', async () => {
    expect((await givenUpAfter(slow)).given).toEqual([25_000]);
    expect((await givenUpAfter(read)).given).toEqual([8_000, 8_000, 8_000]);
  });

  test('is sent again where Dataloop said quickly that it cannot answer now', async () => {
    dataloopAnswers(refused(503, 'busy'), json({ id: '1' }));
    await expect(send(slow)).resolves.toEqual({ id: '1' });
  });

  test('ends before its function does, with time for a look at what it came to', async () => {
    expect((await givenUpAfter(slow, 20_000)).given).toEqual([15_500]);
    expect((await givenUpAfter(read, 10_000)).given).toEqual([7_500, 7_500, 7_500]);
  });

  test('is not begun without time for it, and what is said tells what happens next', async () => {
    const { given, error } = await givenUpAfter(slow, 4_600);
    expect(given).toEqual([]);
    expect(error).toMatch(/was not asked: what came before had taken all the time\.$/);
    // One attempt, and no time for another.
    expect((await givenUpAfter(read, 3_500)).given).toHaveLength(1);
  });
});

describe('an answer', () => {
  test('is checked, and only what was asked for is passed on', async () => {
    dataloopAnswers(json({ id: '1', more: true }));
    await expect(send(read)).resolves.toEqual({ id: '1' });
  });

  test.each([
    ['lacks a field', json({ name: 'x' }), 'id'],
    ['is of another type', json([1]), 'the whole value'],
    ['is no JSON', text('<html>Welcome</html>'), 'the whole value'],
    ['is empty', noContent, 'the whole value'],
  ])('that %s is refused, naming the place', async (_what, answer, place) => {
    dataloopAnswers(answer);
    await expect(send(read)).rejects.toMatchObject({
      name: 'DataloopAnswerError',
      message: expect.stringContaining(`"read thing 1" is not as documented (${place})`),
    });
    expect(sent).toHaveLength(1);
  });
});

describe('a refusal', () => {
  test.each([
    [400, 'DataloopRequestRefusedError', 'Fix the cause Dataloop reports, then try again.'],
    [404, 'DataloopNotFoundError', 'Check the id'],
  ])('with status %i is told at once, with what to do', async (status, name, advice) => {
    dataloopAnswers(refused(status, 'no such luck'));
    const sending = send(read);
    await expect(sending).rejects.toMatchObject({ name, message: expect.stringContaining(advice) });
    await expect(sending).rejects.toThrow(`Dataloop did not read thing 1 (${status}: no such luck)`);
    expect(sent).toHaveLength(1);
  });

  test.each([
    [401, 'expired'],
    [403, 'this user may not'],
  ])('with status %i is met once with what the secret holds now', async (status, said) => {
    dataloopAnswers(refused(status, said), json({ id: '1' }));
    await expect(send(create, rotating('old-token', 'new-token'))).resolves.toEqual({ id: '1' });
    expect(sent.map(({ headers }) => headers['authorization'])).toEqual([
      'Bearer old-token',
      'Bearer new-token',
    ]);
    expect(waits).toEqual([]);
  });

  test('with status 403 again is a matter of the user, whoever it is now', async () => {
    dataloopAnswers(refused(403, 'this user may not'));
    await expect(send(read, rotating('old-token', 'new-token'))).rejects.toMatchObject({
      name: 'DataloopForbiddenError',
      message: expect.stringContaining('must be owner of the organisation'),
    });
    expect(sent).toHaveLength(2);
  });

  test('with status 401 again is a matter of the secret, and shows nothing of it', async () => {
    dataloopAnswers(refused(401, 'revoked'));
    const sending = send(read, rotating('old-token', 'new-token'));
    await expect(sending).rejects.toMatchObject({
      name: 'DataloopCredentialsError',
      message: expect.stringContaining('the-secret'),
    });
    await expect(sending).rejects.not.toThrow(/(old|new)-token/);
    expect(sent).toHaveLength(2);
  });
});

describe('a rate limit', () => {
  test.each([
    ['a reading', read],
    ['a creation, which it refuses before anything happens,', create],
  ])('is waited out as long as it says, then %s is sent again', async (_what, call) => {
    dataloopAnswers(refused(429, 'slow', { 'retry-after': '2' }), json({ id: '1' }));
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
    await expect(send(call)).resolves.toEqual({ id: '1' });
    expect(waits).toEqual([2_250]);
  });

  test('that lasts longer is left to the state machine', async () => {
    dataloopAnswers(refused(429, 'slow', { 'retry-after': '30' }));
    await expect(send(read)).rejects.toMatchObject({ name: 'DataloopRateLimitError', retryable: true });
    expect([sent.length, waits]).toEqual([1, []]);
  });

  test('without a time is waited out a little, with jitter', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
    dataloopAnswers(refused(429, 'slow'));
    await expect(send(read)).rejects.toMatchObject({ name: 'DataloopRateLimitError' });
    expect([sent.length, waits]).toEqual([3, [250, 250]]);
  });
});

describe('a rate limit that lasts', () => {
  const waited = () => waits.reduce((sum, wait) => sum + wait, 0);

  test('is waited out for as long as the function lives, less what it needs to end', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
    jest.spyOn(Date, 'now').mockImplementation(waited);
    dataloopAnswers(refused(429, 'slow'));
    const sending = withinLifetime(30_000, () => send(read));
    await expect(sending).rejects.toMatchObject({ name: 'DataloopRateLimitError' });
    expect(waited()).toBe(25_500);
  });

  test('is not waited out without patience', async () => {
    dataloopAnswers(refused(429, 'slow'));
    const sending = withinLifetime(30_000, () => withoutPatience(() => send(read)));
    await expect(sending).rejects.toMatchObject({ name: 'DataloopRateLimitError' });
    expect([sent.length, waits]).toEqual([1, []]);
  });
});

describe('a failure that may pass', () => {
  const failures = [refused(500, 'oops'), refused(408, 'too slow'), lost('TypeError'), lost('TimeoutError')];

  test('is tried again for a call that may be repeated, three times in all', async () => {
    for (const failure of failures) {
      dataloopAnswers(failure, failure, json({ id: '1' }));
      await expect(send(read)).resolves.toEqual({ id: '1' });
      dataloopAnswers(failure);
      await expect(send(read)).rejects.toMatchObject({ name: 'DataloopUnavailableError', retryable: true });
      expect(sent).toHaveLength(3);
    }
  });

  test('is told at once for a creation, whose outcome nobody knows', async () => {
    for (const failure of failures) {
      dataloopAnswers(failure, json({ id: '1' }));
      await expect(send(create)).rejects.toMatchObject({ name: 'DataloopUnavailableError' });
      expect(sent).toHaveLength(1);
    }
  });
});

test('what no answer would change is not tried again', async () => {
  dataloopAnswers(json({ id: '1' }));
  const credentials = { ...rotating(), token: () => Promise.reject(new Error('no credentials')) };
  await expect(send(read, credentials)).rejects.toThrow('no credentials');
  expect([sent, waits]).toEqual([[], []]);
});

test('Retry-After is a number of seconds or a date', () => {
  const now = Date.parse('2026-11-23T10:00:00Z');
  expect(retryAfterMs('7', now)).toBe(7_000);
  expect(retryAfterMs('0', now)).toBe(0);
  expect(retryAfterMs('Mon, 23 Nov 2026 10:00:09 GMT', now)).toBe(9_000);
  expect(retryAfterMs('Mon, 23 Nov 2026 09:00:00 GMT', now)).toBe(0);
  expect(retryAfterMs('soon', now)).toBeUndefined();
  expect(retryAfterMs(null, now)).toBeUndefined();
  expect(retryAfterMs('7'.padStart(101, '0'), now)).toBeUndefined();
});

test("Dataloop's words are bounded and cannot forge a line of a log", () => {
  expect(saidBy(JSON.stringify({ message: 'a\r\n{"level":"ERROR"}\u2028b' }))).toBe('a {"level":"ERROR"} b');
  expect(saidBy(JSON.stringify({ message: 'x'.repeat(1_000) }))).toHaveLength(400);
  expect(saidBy('<html>Bad gateway</html>')).toBe('no reason given');
});

test("Dataloop's words are found in each form in which they come", () => {
  for (const body of [
    { status: 400, message: 'bad name' },
    { statusCode: 400, message: ['bad', 'name'] },
    { error: { message: 'bad name' } },
    { error: 'bad name', status: 400 },
  ]) {
    expect(saidBy(JSON.stringify(body))).toMatch(/^bad,? name$/);
  }
});

test("Dataloop's words are passed on without the credentials that they quote", () => {
  const said = (message: string, ...given: string[]) => saidBy(JSON.stringify({ message }), given);
  const token = 'eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjQwMDAwMDAwMDB9.c2lnbmF0dXJl';
  expect(said(`Invalid token ${token}`)).toBe('Invalid token [redacted]');
  expect(said('Invalid header: Bearer opaque')).toBe('Invalid header: [redacted]');
  expect(said('Wrong password "correct-horse"', 'correct-horse')).toBe('Wrong password "[redacted]"');
  expect(said('Bad body {"password":"a \\"horse\\""}', 'a "horse"')).toBe(
    'Bad body {"password":"[redacted]"}',
  );
  // Where it is cut short it may have nothing of one left at its end, and where much of it is redacted neither.
  expect(said(`${'\n'.repeat(1_980)}${token} and more`)).toBe(' [redacted] and more');
  const redacted = `bearer ${'x'.repeat(92)} `.repeat(19);
  for (const gap of [30, 60, 90]) {
    expect(said(`${redacted}${' '.repeat(gap)}${token} and more`)).not.toMatch(/eyJ|c2ln/);
  }
  expect(said(`${'x'.repeat(395)} correct-horse`, 'correct-horse')).not.toContain('corr');
});
