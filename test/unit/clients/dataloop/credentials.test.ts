import { describe, expect, jest, test } from '@jest/globals';
import { ServiceError } from '../../../../src/errors.ts';
import { credentialsFrom, parseSecret, readToken, token } from './fake-dataloop.ts';

const start = Date.parse('2026-11-23T10:00:00Z');
const minute = 60_000;
const hour = 60 * minute;

/** Credentials on a clock of the test's own. */
function credentialsWith(secret: string, login: (body: Record<string, string>) => Promise<unknown>) {
  const clock = { now: start };
  const readSecret = jest.fn(async () => secret);
  const loggedIn = jest.fn(login);
  return {
    clock,
    readSecret,
    login: loggedIn,
    credentials: credentialsFrom('the-secret', readSecret, loggedIn, () => clock.now),
  };
}
const noLogin = () => Promise.reject(new Error('An API key needs no log-in.'));
const password = JSON.stringify({ username: 'owner@example.com', password: 'correct-horse' });

test('a log-in that answers what is no header is not used, nor shown', async () => {
  const forged = token(start + hour).replace('.', '\r\nx-forged: 1.');
  const { credentials } = credentialsWith(password, async () => ({ id_token: forged }));
  await expect(credentials.token()).rejects.toMatchObject({
    name: 'DataloopAnswerError',
    message: expect.not.stringContaining('x-forged'),
  });
});

test('calls side by side log in once; a log-in that failed is tried again', async () => {
  const answers = [new Error('down'), { id_token: token(start + hour) }];
  const { credentials, readSecret, login } = credentialsWith(password, async () => {
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  });
  const failed = await Promise.allSettled([credentials.token(), credentials.token()]);
  expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  const tokens = await Promise.all([credentials.token(), credentials.token(), credentials.token()]);
  expect(new Set(tokens.map(({ value }) => value)).size).toBe(1);
  expect([readSecret.mock.calls.length, login.mock.calls.length]).toEqual([2, 2]);
});

test('say when an API key ends, and nothing of a log-in', async () => {
  const key = credentialsWith(JSON.stringify({ apiKey: token(start + hour) }), noLogin);
  await expect(key.credentials.apiKeyEnd()).resolves.toBe(start + hour);
  expect(key.readSecret).toHaveBeenCalledTimes(1);
  const login = credentialsWith(password, async () => ({ id_token: token(start + hour) }));
  await expect(login.credentials.apiKeyEnd()).resolves.toBeUndefined();
});

test('a log-in that was under way when all was forgotten is not the next one’s', async () => {
  const answers = [token(start + hour), token(start + 2 * hour)];
  const { credentials, login } = credentialsWith(password, async () => ({ id_token: answers.shift() }));
  const before = credentials.token();
  credentials.forget();
  const after = await credentials.token();
  expect([(await before).expiresAt, after.expiresAt]).toEqual([start + hour, start + 2 * hour]);
  expect(await credentials.token()).toEqual(after);
  expect(login).toHaveBeenCalledTimes(2);
});

describe('what is longer than any', () => {
  /** A token with so many characters in its middle. */
  const long = (length: number) => `head.${'x'.repeat(length)}.signature`;

  test.each([
    ['API key', { apiKey: long(10_000) }],
    ['user name', { username: 'u'.repeat(321), password: 'p' }],
    ['password', { username: 'u', password: 'p'.repeat(1_025) }],
  ])('as an %s in the secret is refused, and not shown', async (_what, secret) => {
    const { credentials, login } = credentialsWith(JSON.stringify(secret), noLogin);
    await expect(credentials.token()).rejects.toMatchObject({
      name: 'DataloopCredentialsError',
      message: expect.stringMatching(/^The secret the-secret must hold JSON: .{1,150}$/),
    });
    expect(login).not.toHaveBeenCalled();
  });

  test('as a token in the answer to the log-in is refused', async () => {
    const { credentials } = credentialsWith(password, async () => ({ id_token: long(10_000) }));
    await expect(credentials.token()).rejects.toMatchObject({
      name: 'DataloopAnswerError',
      message: "Dataloop's answer to the log-in holds no token.",
    });
  });

  test.each(['r'.repeat(10_000), 'a\r\nb', '', 7, null])(
    'or no token, as one to refresh it: the next log-in is one with the secret',
    async (refreshToken) => {
      const { credentials, clock, login } = credentialsWith(password, async () => ({
        id_token: token(clock.now + hour),
        refresh_token: refreshToken,
      }));
      await credentials.token();
      clock.now += hour;
      await credentials.token();
      expect(login.mock.calls.map(([{ type }]) => type)).toEqual(['user_credentials', 'user_credentials']);
    },
  );

  test.each([`${'e'.repeat(320)}@example.com`, 'a b@example.com', 'a\n@example.com', ''])(
    'or no address, as the e-mail of a token is left out: the token is as good',
    (email) => {
      expect(readToken(token(start + hour, { email }), 'the-secret')).toMatchObject({
        expiresAt: start + hour,
        email: undefined,
      });
    },
  );
});

describe('an API key', () => {
  test('is used as it is, with its expiry and its e-mail, and read once', async () => {
    const apiKey = token(start + hour, { email: 'owner@example.com' });
    const { credentials, readSecret, login } = credentialsWith(JSON.stringify({ apiKey }), noLogin);
    const expected = { value: apiKey, expiresAt: start + hour, email: 'owner@example.com' };
    await expect(credentials.token()).resolves.toEqual(expected);
    await expect(credentials.token()).resolves.toEqual(expected);
    expect([readSecret.mock.calls.length, login.mock.calls.length]).toEqual([1, 0]);
  });

  test('is used to its last minute, in which the secret is asked for a newer one', async () => {
    const { credentials, readSecret, clock } = credentialsWith(
      JSON.stringify({ apiKey: token(start + hour) }),
      noLogin,
    );
    await credentials.token();
    clock.now = start + hour - minute + 1;
    readSecret.mockResolvedValueOnce(JSON.stringify({ apiKey: token(start + 2 * hour, { marker: 'new' }) }));
    await expect(credentials.token()).resolves.toMatchObject({ expiresAt: start + 2 * hour });
  });

  test('that has expired is told as such, and a new one is taken without a restart', async () => {
    const { credentials, readSecret } = credentialsWith(JSON.stringify({ apiKey: token(start) }), noLogin);
    await expect(credentials.token()).rejects.toMatchObject({
      name: 'DataloopCredentialsError',
      message: expect.stringMatching(/the-secret has expired.*Create a new one/),
    });
    readSecret.mockResolvedValueOnce(JSON.stringify({ apiKey: token(start + hour) }));
    await expect(credentials.token()).resolves.toMatchObject({ expiresAt: start + hour });
  });

  test('that is forgotten comes from the secret as it is then', async () => {
    const { credentials, readSecret } = credentialsWith(
      JSON.stringify({ apiKey: token(start + hour, { marker: 'old' }) }),
      noLogin,
    );
    await credentials.token();
    const rotated = token(start + hour, { marker: 'new' });
    readSecret.mockResolvedValueOnce(JSON.stringify({ apiKey: rotated }));
    credentials.forget();
    await expect(credentials.token()).resolves.toMatchObject({ value: rotated });
  });
});

describe('a log-in', () => {
  const types = (login: jest.Mock<(body: Record<string, string>) => Promise<unknown>>) =>
    login.mock.calls.map(([body]) => body['type']);

  test('sends user name and password once, and keeps the token until its last minute', async () => {
    const { credentials, login, clock } = credentialsWith(password, async () => ({
      id_token: token(start + hour),
    }));
    await credentials.token();
    clock.now = start + hour - minute - 1;
    await expect(credentials.token()).resolves.toMatchObject({ value: token(start + hour) });
    expect(login.mock.calls).toEqual([
      [{ type: 'user_credentials', username: 'owner@example.com', password: 'correct-horse' }],
    ]);
  });

  test('is refreshed where Dataloop gave a refresh token, also one that it gave just once', async () => {
    const { credentials, login, clock, readSecret } = credentialsWith(password, async ({ type }) => ({
      id_token: token(clock.now + hour),
      ...(type === 'user_credentials' ? { refresh_token: 'refresh-1' } : {}),
    }));
    for (const later of [0, hour, 2 * hour]) {
      clock.now = start + later;
      await credentials.token();
    }
    expect(types(login)).toEqual(['user_credentials', 'refresh_token', 'refresh_token']);
    expect(login).toHaveBeenLastCalledWith({ type: 'refresh_token', refresh_token: 'refresh-1' });
    expect(readSecret).toHaveBeenCalledTimes(1);
  });

  test('is made anew where Dataloop gave no refresh token', async () => {
    const { credentials, login, clock } = credentialsWith(password, async () => ({
      id_token: token(clock.now + hour),
    }));
    await credentials.token();
    clock.now = start + hour;
    await credentials.token();
    expect(types(login)).toEqual(['user_credentials', 'user_credentials']);
  });

  test('is made anew where the refresh token is used up', async () => {
    const { credentials, login, clock } = credentialsWith(password, async ({ type }) => {
      if (type === 'refresh_token') throw new ServiceError('DataloopCredentialsError', 'used up');
      return { id_token: token(clock.now + hour), refresh_token: 'refresh-1' };
    });
    await credentials.token();
    clock.now = start + hour;
    await expect(credentials.token()).resolves.toMatchObject({ expiresAt: start + 2 * hour });
    expect(types(login)).toEqual(['user_credentials', 'refresh_token', 'user_credentials']);
  });

  test('a refresh that Dataloop does not answer is that, and no reason to send the password', async () => {
    const { credentials, login, clock } = credentialsWith(password, async ({ type }) => {
      if (type === 'refresh_token') throw new ServiceError('DataloopUnavailableError', 'no answer');
      return { id_token: token(clock.now + hour), refresh_token: 'refresh-1' };
    });
    await credentials.token();
    clock.now = start + hour;
    await expect(credentials.token()).rejects.toMatchObject({ name: 'DataloopUnavailableError' });
    expect(types(login)).toEqual(['user_credentials', 'refresh_token']);
  });

  test('that was forgotten is made anew with what the secret holds', async () => {
    const { credentials, login } = credentialsWith(password, async () => ({
      id_token: token(start + hour),
      refresh_token: 'refresh-1',
    }));
    await credentials.token();
    credentials.forget();
    await credentials.token();
    expect(types(login)).toEqual(['user_credentials', 'user_credentials']);
  });

  test('whose answer holds what cannot be a header is not understood, and not shown', async () => {
    const { credentials } = credentialsWith(password, async () => ({
      id_token: `${token(start + hour)}\nx-other: header`,
    }));
    const asked = credentials.token();
    await expect(asked).rejects.toMatchObject({ name: 'DataloopAnswerError' });
    await expect(asked).rejects.not.toThrow('x-other');
  });

  test('whose answer holds no token is not understood', async () => {
    const { credentials } = credentialsWith(password, async () => ({ access_token: 'x' }));
    await expect(credentials.token()).rejects.toMatchObject({ name: 'DataloopAnswerError' });
  });
});

describe('a secret', () => {
  test('of another shape says which shape is needed, and shows nothing of itself', () => {
    for (const text of [
      'correct-horse',
      '{"apiKey":"correct-horse"',
      '{"apiKey":""}',
      '{"username":"correct-horse"}',
      '{"apiKey":"correct-horse","password":"correct-horse"}',
      '["correct-horse"]',
    ]) {
      expect(() => parseSecret(text, 'the-secret')).toThrow(
        /^The secret the-secret must hold JSON: .*apiKey/,
      );
      expect(() => parseSecret(text, 'the-secret')).not.toThrow('correct-horse');
    }
  });

  test('whose API key is no JWT with an expiry is told so, and the key is not shown', () => {
    const withoutExpiry = `e30.${Buffer.from('{"email":"owner@example.com"}').toString('base64url')}.x`;
    for (const apiKey of ['correct-horse', withoutExpiry]) {
      expect(() => readToken(apiKey, 'the-secret')).toThrow(/secret the-secret is not a Dataloop token/);
      expect(() => readToken(apiKey, 'the-secret')).not.toThrow(apiKey);
    }
  });
});
