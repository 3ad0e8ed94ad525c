/** What is looked at before something is adopted: nothing is written before all of it is known. */
import { ServiceError } from '../../errors.ts';
import { parseJson } from '../model/canonical-json.ts';
import { type DesiredState, trustStatement } from '../model/desired-state.ts';
import { resourceTypes } from '../model/resource-keys.ts';
import { checkAdoptable, checkCorsRoom } from '../resources/bucket/adopt.ts';
import { bucketAddress } from '../resources/bucket/bucket.ts';
import { hinderingStatements } from '../resources/bucket/bucket-policy.ts';
import { type Kms, keyOfBucket } from '../resources/bucket/kms-key.ts';
import type { S3 } from '../resources/bucket/s3.ts';
import { checkAdoptableRole, roleNotAdoptable, trustPolicyQuota } from '../resources/role/adopt.ts';
import type { Iam } from '../resources/role/iam.ts';
import { sidWith, withStatements } from '../resources/role/trust-policy.ts';
import { type Check, type Finding, once } from './checks.ts';

export interface AdoptionReads
  extends Pick<
      S3,
      | 'headBucket'
      | 'getBucketTagging'
      | 'getPublicAccessBlock'
      | 'getAccountPublicAccessBlock'
      | 'getBucketEncryption'
      | 'getBucketPolicy'
      | 'getBucketCors'
      | 'getObjectLockConfiguration'
      | 'getBucketVersioning'
      | 'getBucketRequestPayment'
    >,
    Pick<Iam, 'getRole' | 'listAttachedRolePolicies'>,
    Kms {}

const nothing: readonly Finding[] = [];

/** @param wanted the desired state, with a bucket that is adopted */
export function adoptedBucketChecks(desired: DesiredState, reads: AdoptionReads): Check[] {
  const { bucket } = desired;
  const address = bucketAddress({ desired });
  const subject = { type: resourceTypes.bucket, arn: bucket.arn };
  const pointer = '/bucket/name';
  const adoptable = once(() => checkAdoptable(desired, reads));
  /** Of a bucket that cannot be adopted, nothing else matters. */
  const also = (failure: Check['failure'], field: string, run: () => Promise<readonly Finding[]>): Check => ({
    subject,
    pointer: field,
    failure,
    mustBeKnown: true,
    run: async () => ((await isFine(adoptable)) ? run() : nothing),
  });
  const warning = (what: string, consequence: string): Finding => ({
    severity: 'warning',
    error: new ServiceError('BucketSettingsError', `The bucket ${bucket.name} ${what}. ${consequence}`),
    subject,
    pointer,
  });
  return [
    {
      subject,
      pointer,
      failure: 'error',
      run: async () => {
        await adoptable();
        return nothing;
      },
    },
    also('warning', '/bucket/kmsKeyArn', async () => {
      const key = await keyOfBucket(await reads.getBucketEncryption(address), desired, reads);
      if (key === undefined || key === bucket.kmsKeyArn) return nothing;
      const error = otherKey(desired, key);
      return [
        {
          severity: 'error',
          error,
          subject: { type: 'AWS::KMS::Key', arn: key },
          pointer: '/bucket/kmsKeyArn',
        },
      ];
    }),
    also('warning', pointer, async () => {
      const policy = await reads.getBucketPolicy(address);
      const found =
        policy === undefined ? [] : hinderingStatements(parseJson(policy), desired.role.arn, desired.grant);
      return found.map(({ sid, keys }) =>
        warning(
          `has a policy whose statement "${sid}" denies access${keys.length > 0 ? ` by ${keys.join(', ')}` : ''}`,
          `It may stop Dataloop. Except the role ${desired.role.arn} from it (ArnNotEquals on aws:PrincipalArn), unless ` +
            'Dataloop meets its condition.',
        ),
      );
    }),
    also('error', '/bucket/cors', async () => {
      if (desired.corsOrigins.length > 0) checkCorsRoom(desired, await reads.getBucketCors(address));
      return nothing;
    }),
    also('warning', pointer, async () => {
      const lock = await reads.getObjectLockConfiguration(address);
      if (!lock?.isEnabled) return nothing;
      const retention = lock.retention ? ` with a default retention of ${lock.retention}` : '';
      return [
        warning(
          `has Object Lock${retention}`,
          'Nobody can delete locked versions of objects, so deletions in Dataloop only hide them, and what Dataloop itself ' +
            'writes stays, too.',
        ),
      ];
    }),
    also('warning', pointer, async () =>
      (await reads.getBucketVersioning(address)) === 'Enabled'
        ? [
            warning(
              'keeps versions',
              'What is deleted in Dataloop stays as an older version, which you pay for.',
            ),
          ]
        : nothing,
    ),
    also('warning', pointer, async () =>
      (await reads.getBucketRequestPayment(address)) === 'Requester'
        ? [
            warning(
              'makes requesters pay',
              'S3 refuses requests of other accounts that do not say that they pay, such as links in a browser. Turn it off ' +
                'if Dataloop cannot show the images.',
            ),
          ]
        : nothing,
    ),
  ];
}

const isFine = (check: () => Promise<unknown>): Promise<boolean> =>
  check().then(
    () => true,
    () => false,
  );

function otherKey({ bucket }: DesiredState, key: string): ServiceError {
  const isKey = /:key\//.test(key);
  const named = bucket.kmsKeyArn ? `, not with ${bucket.kmsKeyArn}` : ', which the request does not name';
  return new ServiceError(
    'KmsKeyNotUsableError',
    `The bucket ${bucket.name} encrypts with the KMS key ${key}${named}, so Dataloop could neither read nor write its objects. ` +
      (isKey
        ? `Send bucket.kmsKeyArn: "${key}". The deployment must name it in kmsKeyArns.`
        : 'Send the ARN of that key as bucket.kmsKeyArn. The deployment must name it in kmsKeyArns.'),
  );
}

/** Policies that IAM attaches to a role, and the most that an account may be given (IAM User Guide, "IAM and AWS STS quotas"). */
const attached = { usual: 10, most: 20 };

/** @throws ServiceError `RoleNotAdoptableError` */
export async function adoptedRoleFindings(
  desired: DesiredState,
  reads: Pick<AdoptionReads, 'getRole' | 'listAttachedRolePolicies'>,
  about: Pick<Finding, 'subject' | 'pointer'>,
): Promise<readonly Finding[]> {
  const { name, arn } = desired.role;
  const { policy } = await checkAdoptableRole(desired, reads);
  const shortest = { Sid: sidWith(''), ...trustStatement('arn:aws:iam::111111111111:user/u') };
  const size = withStatements(policy, [...policy.statements, shortest]).length;
  const count = (await reads.listAttachedRolePolicies(name)).length;
  const full = (what: string, isCertain: boolean): Finding => ({
    severity: isCertain ? 'error' : 'warning',
    error: roleNotAdoptable(
      arn,
      `${what}${isCertain ? '' : ', unless your account may have more'}`,
      'Remove what nobody needs, or adopt another role.',
    ),
    ...about,
  });
  return [
    ...(size > trustPolicyQuota.usual
      ? [full('has no room in its trust policy for one more statement', size > trustPolicyQuota.most)]
      : []),
    ...(count >= attached.usual
      ? [full(`has ${count} attached policies and no room for another`, count >= attached.most)]
      : []),
  ];
}
