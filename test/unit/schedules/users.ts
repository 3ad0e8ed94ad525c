/** What IAM makes of users of Dataloop's account in trust policies. */
import { awsError } from './service.ts';

/** What IAM knows of the users of Dataloop's account. */
export interface Users {
  /** Whether Dataloop, or an operator, has named an IAM user for an integration. */
  mayTrust(integrationId: string, userArn: string): boolean;
  /** Ids of the users that were deleted, by their ARNs: IAM shows those in their place. */
  readonly deletedUsers: ReadonlyMap<string, string>;
}

/** A trust policy as IAM shows it. */
export const shownTrust = ({ deletedUsers }: Users, text: string): string =>
  [...deletedUsers].reduce((shown, [arn, id]) => shown.replaceAll(`"${arn}"`, `"${id}"`), text);

/** IAM takes no policy that names a user who does not exist. */
export function refuseDeletedUsers({ deletedUsers }: Users, trust: string): void {
  const isNamed = [...deletedUsers].flat().some((name) => trust.includes(`"${name}"`));
  if (!isNamed) return;
  const message = 'Invalid principal in policy.';
  throw Object.assign(awsError('MalformedPolicyDocumentException', 400), { message });
}
