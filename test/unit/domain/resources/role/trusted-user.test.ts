import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { trustedUserArn } from '../../../../../src/domain/resources/role/trusted-user.ts';
import { anyText } from '../../../../security/bad-requests.ts';
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
