/** Whom a role may trust: one IAM user; by examples, then by a check that shares nothing with the one that takes it. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { trustPolicy } from '../../../../../src/domain/model/desired-state.ts';
import { trustedUserArn } from '../../../../../src/domain/resources/role/trusted-user.ts';
import { ServiceError } from '../../../../../src/errors.ts';
import { anyText, hostileText } from '../../../../security/bad-requests.ts';
import { isFitToTell } from '../../../arbitraries.ts';
import { runs } from '../../../runs.ts';

test.each([
  'arn:aws:iam::222222222222:user/dataloop-1',
  'arn:aws:iam::222222222222:user/path/to/a+b=c,d.e@f_g-h',
])('%s is one IAM user', (arn) => {
  expect(trustedUserArn(arn, 'aws', '222222222222')).toBe(arn);
});

test.each([
  ['an account', 'arn:aws:iam::222222222222:root'],
  ['an account id', '222222222222'],
  ['everybody', '*'],
  ['every user', 'arn:aws:iam::222222222222:user/*'],
  ['a wildcard in a name', 'arn:aws:iam::222222222222:user/data?'],
  ['a role', 'arn:aws:iam::222222222222:role/x'],
  ['a session', 'arn:aws:sts::222222222222:assumed-role/x/y'],
  ['a federated user', 'arn:aws:sts::222222222222:federated-user/x'],
  ['a group', 'arn:aws:iam::222222222222:group/x'],
  ['a service', 's3.amazonaws.com'],
  ['a user without a name', 'arn:aws:iam::222222222222:user/'],
  ['a trailing newline', 'arn:aws:iam::222222222222:user/x\n'],
  ['two of them', 'arn:aws:iam::222222222222:user/x","arn:aws:iam::222222222222:user/y'],
  ['a look-alike letter', 'arn:aws:iam::222222222222:user/dаtaloop'],
  ['full-width digits', 'arn:aws:iam::２２２２２２２２２２２２:user/x'],
  ['another partition', 'arn:aws-cn:iam::222222222222:user/x'],
  ['another account', 'arn:aws:iam::333333333333:user/x'],
  ['an AIDA id', 'AIDACKCEVSQ6C2EXAMPLE'],
  ['nothing', ''],
])('%s is refused', (_what, value) => {
  expect(() => trustedUserArn(value, 'aws', '222222222222')).toThrow(
    expect.objectContaining({
      name: 'InvalidIamUserArnError',
      message: expect.stringContaining('No trust was granted'),
    }),
  );
});

test('of what is refused no more is shown than an ARN is long, as one line of ASCII or escaped', () => {
  const value = `*\n\u0000${'x'.repeat(100_000)}`;
  expect(() => trustedUserArn(value, 'aws')).toThrow(
    expect.objectContaining({
      message: expect.stringMatching(/^Dataloop named "\*\\n\\u0000x{197}" instead of an IAM user/),
    }),
  );
});

test('a look-alike is shown for what it is', () => {
  expect(() => trustedUserArn('arn:aws:iam::222222222222:user/d\u0430taloop\u202e', 'aws')).toThrow(
    'Dataloop named "arn:aws:iam::222222222222:user/d\\u0430taloop\\u202e" instead of an IAM user',
  );
});

test('what is taken holds nothing but one user of the configured account', () => {
  fc.assert(
    fc.property(anyText({ maxLength: 40 }), (name) => {
      const arn = `arn:aws:iam::222222222222:user/${name}`;
      let taken = true;
      try {
        trustedUserArn(arn, 'aws', '222222222222');
      } catch {
        taken = false;
      }
      expect(taken && !/^[\w+=,.@/-]+$/.test(name)).toBe(false);
    }),
    { numRuns: runs(3_000) },
  );
});

const accountId = '222222222222';
const valid = `arn:aws:iam::${accountId}:user/path/dataloop-1`;

/** What IAM allows in the name of a user, one by one (IAM User Guide, "IAM and AWS STS quotas"). */
const nameCharacters = new Set('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+=,.@-');

/** Whether a text is the ARN of one IAM user of an account, read part by part and character by character. */
function isOneUser(text: string, account: string): boolean {
  const parts = text.split(':');
  const [arn, partition, service, region, owner, resource = ''] = parts;
  if (parts.length !== 6 || arn !== 'arn' || partition !== 'aws' || service !== 'iam' || region !== '')
    return false;
  if (owner !== account) return false;
  const [kind, ...names] = resource.split('/');
  if (kind !== 'user' || names.length === 0) return false;
  const last = names.at(-1) ?? '';
  return (
    last.length <= 64 &&
    names.every((name) => name !== '' && Array.from(name).every((character) => nameCharacters.has(character)))
  );
}

/** The ARN as it is taken; undefined where it is refused. @throws what is no refusal */
function taken(value: string, account: string | undefined = accountId): string | undefined {
  try {
    return trustedUserArn(value, 'aws', account);
  } catch (error) {
    if (!(error instanceof ServiceError) || error.name !== 'InvalidIamUserArnError') throw error;
    expect(error.message).toContain('No trust was granted');
    if (!isFitToTell(error.message, 1_500))
      throw new Error(`Not fit to tell: ${JSON.stringify(error.message)}`);
    return undefined;
  }
}

const odd = fc.oneof(
  fc.constantFrom(
    // Wildcards, policy variables, ends of lines and of texts, separators.
    ...'*?{$}:/\n\r\t\0 "\'\\%#&;<>()[]|~`^!',
    // Nothing to be seen, or turned round.
    '\u200b',
    '\u200d',
    '\u2060',
    '\ufeff',
    '\u00ad',
    '\u202e',
    '\u2028',
    '\u00a0',
    '\u3000',
    // Look-alikes of letters, digits and separators.
    'а',
    'ο',
    'ѕ',
    'ﬁ',
    'ı',
    'ſ',
    'K',
    '２',
    '٢',
    '२',
    '𝟚',
    '：',
    '∶',
    '／',
    '⁄',
    '﹡',
    '＊',
    '．',
    '‐',
    // Case, accents, halves of characters.
    'U',
    'É',
    'e\u0301',
    '\ud800',
    '\udc00',
    // As something else than a text would write it.
    '%2a',
    '%3A',
    '&#42;',
    '\\u002a',
    '","',
    ']',
    ':root',
    ':user/',
    ':role/',
    valid,
  ),
  hostileText,
  anyText({ minLength: 1, maxLength: 3 }),
);

const mutated = fc
  .array(fc.tuple(fc.nat(valid.length), fc.nat(3), odd), { minLength: 1, maxLength: 3 })
  .map((changes) =>
    changes.reduce((text, [at, length, by]) => text.slice(0, at) + by + text.slice(at + length), valid),
  );

/** Mostly as it must be, so that what is not stands alone. */
const mostly = <T>(value: T, ...others: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof(
    { weight: 6, arbitrary: fc.constant(value) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );

const anyArn = fc
  .tuple(
    mostly('arn', 'ARN', '', ' arn', `${valid},arn`),
    mostly('aws', 'aws-cn', 'aws-us-gov', 'AWS', '*', ''),
    mostly('iam', 'sts', 'IAM', '*', ''),
    mostly('', 'eu-west-1', '*'),
    mostly(
      accountId,
      '333333333333',
      '22222222222',
      '2222222222222',
      '*',
      '',
      'dataloop',
      '２２２２２２２２２２２２',
    ),
    mostly('user', 'USER', 'role', 'root', 'group', 'assumed-role', 'federated-user', 'user-group', '*', ''),
    fc.array(fc.oneof(mostly('dataloop-1', 'a', 'x'.repeat(64), 'x'.repeat(65), '.', '..', '', '*'), odd), {
      maxLength: 3,
    }),
  )
  .map(([arn, partition, service, region, owner, kind, names]) =>
    [arn, partition, service, region, owner, [kind, ...names].join('/')].join(':'),
  );

/** How many of the tried ones are taken, each of which is what it must be. */
function expectUsersOnly(values: fc.Arbitrary<string>, numRuns: number): number {
  let count = 0;
  fc.assert(
    fc.property(values, (value) => {
      const arn = taken(value);
      if (arn === undefined) return;
      count += 1;
      expect(arn).toBe(value);
      expect([arn, isOneUser(arn, accountId)]).toEqual([arn, true]);
      expect(JSON.parse(JSON.stringify(trustPolicy(arn)))).toEqual({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { AWS: value }, Action: 'sts:AssumeRole' }],
      });
    }),
    { numRuns: runs(numRuns) },
  );
  return count;
}

test('an ARN with something odd in it is refused, or still the ARN of one user of the account', () => {
  expect(expectUsersOnly(mutated, 10_000)).toBeGreaterThan(0);
});

test('an ARN of other parts is refused, or still the ARN of one user of the account', () => {
  expect(expectUsersOnly(anyArn, 10_000)).toBeGreaterThan(0);
});

test('what has nothing to do with an ARN is refused', () => {
  expect(expectUsersOnly(fc.oneof(hostileText, anyText()), 5_000)).toBe(0);
});

test('of the characters that look like letters, like something else, or like nothing, just IAM’s stand in a name', () => {
  const passing = new Set<string>();
  // Alphabets; spaces, marks and punctuation; variants and full-width forms.
  for (const [from, to] of [
    [0, 0x1100],
    [0x2000, 0x2200],
    [0xfe00, 0xffff],
  ] as const) {
    for (let code = from; code <= to; code += 1) {
      const character = String.fromCharCode(code);
      if (taken(`arn:aws:iam::${accountId}:user/a${character}b`) !== undefined) passing.add(character);
    }
  }
  // The slash begins a part of the path.
  expect(passing).toEqual(new Set([...nameCharacters, '/']));
});

test('an account has ASCII digits, though Unicode has many more', () => {
  const digits = Array.from({ length: 0x1fbfa }, (_, code) => String.fromCodePoint(code)).filter((each) =>
    /\p{Nd}/u.test(each),
  );
  expect(digits.length).toBeGreaterThan(600);
  const passing = digits.filter(
    (digit) => taken(`arn:aws:iam::2222${digit}2222222:user/x`, '') !== undefined,
  );
  expect(passing).toEqual([...'0123456789']);
});

describe('without a configured account', () => {
  test('the users of any account are taken, and nothing else is', () => {
    fc.assert(
      fc.property(fc.oneof(mutated, anyArn), (value) => {
        const arn = taken(value, '');
        const owner = value.split(':')[4] ?? '';
        if (arn !== undefined) expect([arn, isOneUser(arn, owner), owner.length]).toEqual([arn, true, 12]);
      }),
      { numRuns: runs(5_000) },
    );
    expect(taken('arn:aws:iam::333333333333:user/x', '')).toBeDefined();
    expect(taken('arn:aws:iam::333333333333:user/x')).toBeUndefined();
  });
});
