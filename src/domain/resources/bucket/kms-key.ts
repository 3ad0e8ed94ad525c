/** A KMS key of the customer's, which a bucket is encrypted with: used, never made or changed. */
import { ServiceError } from '../../../errors.ts';
import type { DesiredState } from '../../model/desired-state.ts';
import type { S3 } from './s3.ts';

export interface Kms {
  /** A key by its ARN or that of an alias, in the region that it names; undefined where there is none. */
  describeKey(arn: string): Promise<
    | {
        /** `Enabled`, `Disabled`, `PendingDeletion` and so on, as AWS KMS says. */
        readonly state: string;
        /** S3 takes symmetric encryption keys only. */
        readonly encryptsSymmetrically: boolean;
        /** Its own ARN, by whatever it was asked for. */
        readonly arn?: string | undefined;
      }
    | undefined
  >;
}

const advice: Readonly<Record<string, string>> = {
  Disabled: 'Enable it, or choose another key.',
  PendingDeletion: 'Cancel its deletion and enable it, or choose another key.',
};

/** Why a key cannot encrypt a bucket; undefined where it can. */
export function unusableKey(
  arn: string,
  key: Awaited<ReturnType<Kms['describeKey']>>,
): ServiceError | undefined {
  const fail = (what: string, toDo = 'Choose another key.') =>
    new ServiceError('KmsKeyNotUsableError', `The KMS key ${arn} ${what}. ${toDo}`);
  if (!key) return fail('does not exist');
  if (key.state !== 'Enabled') {
    return fail(`is in the state ${key.state} and cannot be used`, advice[key.state]);
  }
  if (!key.encryptsSymmetrically) return fail('is not a symmetric encryption key, as S3 requires');
  return undefined;
}

/** S3 gives a bucket's key back as it was set: id, alias or ARN; nothing where it is that of AWS for S3. */
function referenceTo(kmsKeyId: string | undefined, { bucket, partition, accountId }: DesiredState): string {
  const key = kmsKeyId ?? 'alias/aws/s3';
  if (key.startsWith('arn:')) return key;
  const name = key.startsWith('alias/') ? key : `key/${key}`;
  return `arn:${partition}:kms:${bucket.region}:${accountId}:${name}`;
}

/**
 * The key that a bucket encrypts with by default, by its own ARN, however the bucket spells it; as spelled where the service
 * may not see the key. Undefined where S3 encrypts with keys of its own.
 */
export async function keyOfBucket(
  encryption: Awaited<ReturnType<S3['getBucketEncryption']>>,
  desired: DesiredState,
  kms: Kms,
): Promise<string | undefined> {
  if (!encryption?.algorithm.startsWith('aws:kms')) return undefined;
  const reference = referenceTo(encryption.kmsKeyId, desired);
  if (reference === desired.bucket.kmsKeyArn) return reference;
  try {
    return (await kms.describeKey(reference))?.arn ?? reference;
  } catch (error) {
    if (error instanceof ServiceError && error.name === 'AwsAccessDeniedError') return reference;
    throw error;
  }
}
