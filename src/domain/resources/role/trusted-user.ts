/** Whom a role may trust: an IAM user of this partition and, if it is configured, of Dataloop's account. */
import { ServiceError } from '../../../errors.ts';

/** Longest ARN that is accepted; a longer one is cut in messages. */
const longestArn = 200;

/** A text in quotes and in ASCII, so that look-alike and invisible characters show. */
const shown = (text: string): string =>
  JSON.stringify(text.slice(0, longestArn)).replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** What the caller sent in place of an IAM user. */
function kindOf(value: string): string {
  const [, resource = ''] =
    /^arn:[a-z-]+:(?:iam|sts)::\d{12}:([a-z-]+)/.exec(value.slice(0, longestArn)) ?? [];
  const kinds: Readonly<Record<string, string>> = {
    role: 'a role',
    'assumed-role': 'a session of a role',
    group: 'a group',
    root: 'an AWS account',
  };
  return kinds[resource] ?? shown(value);
}

/**
 * Checks the ARN that Dataloop, or the caller in operator mode, names and returns it unchanged.
 * @param by who named it
 * @throws ServiceError `InvalidIamUserArnError` for anything but one IAM user: an account, a role, a wildcard,
 *   another partition, or another account than the configured one.
 */
export function trustedUserArn(
  value: string,
  partition: string,
  dataloopAccountId?: string,
  by: 'dataloop' | 'caller' = 'dataloop',
): string {
  // User names and paths as IAM allows them.
  const match =
    value.length > longestArn
      ? undefined
      : /^arn:([a-z-]+):iam::(\d{12}):user\/(?:[\w+=,.@-]+\/)*[\w+=,.@-]{1,64}$/.exec(value);
  if (!match) {
    throw new ServiceError(
      'InvalidIamUserArnError',
      by === 'caller'
        ? `userArn must be an IAM user, arn:aws:iam::ACCOUNT:user/NAME. You sent ${kindOf(value)}.`
        : `Dataloop named ${shown(value)} instead of an IAM user, arn:aws:iam::ACCOUNT:user/NAME. No trust was granted. Ask ` +
            'Dataloop about this integration.',
    );
  }
  if (match[1] !== partition) {
    throw new ServiceError(
      'InvalidIamUserArnError',
      `The IAM user ${value} is in the partition "${match[1]}", but this deployment is in "${partition}". No trust was granted.`,
    );
  }
  if (dataloopAccountId && match[2] !== dataloopAccountId) {
    throw new ServiceError(
      'InvalidIamUserArnError',
      `The IAM user ${value} belongs to AWS account ${match[2]}, but only users of ${dataloopAccountId} may be trusted ` +
        '(parameter dataloopAccountId). No trust was granted.',
    );
  }
  return value;
}
