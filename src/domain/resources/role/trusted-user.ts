/** Whom a role may trust: an IAM user of this partition and, where one is configured, of Dataloop's account. */
import { ServiceError } from '../../../errors.ts';

/** Longest ARN that is taken; of a longer one no more than this is shown. */
const longestArn = 200;

/** A text in quotes and in ASCII: what looks like another character, or like nothing, is seen for what it is. */
const shown = (text: string): string =>
  JSON.stringify(text.slice(0, longestArn)).replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/**
 * Checks the ARN that Dataloop names and returns it unchanged.
 * @throws ServiceError `InvalidIamUserArnError` for anything but one IAM user: an account, a role, a wildcard,
 *   another partition, or another account than the configured one.
 */
export function trustedUserArn(value: string, partition: string, dataloopAccountId?: string): string {
  // User names and paths as IAM allows them.
  const match = /^arn:([a-z-]+):iam::(\d{12}):user\/(?:[\w+=,.@-]+\/)*[\w+=,.@-]{1,64}$/.exec(value);
  if (!match || value.length > longestArn) {
    throw new ServiceError(
      'InvalidIamUserArnError',
      `Dataloop named ${shown(value)} where the ARN of one IAM user is needed ` +
        '(arn:aws:iam::ACCOUNT:user/NAME). No trust was granted. Ask Dataloop about this integration.',
    );
  }
  if (match[1] !== partition) {
    throw new ServiceError(
      'InvalidIamUserArnError',
      `The IAM user ${value} belongs to the partition "${match[1]}", this deployment to "${partition}". No trust was granted.`,
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
