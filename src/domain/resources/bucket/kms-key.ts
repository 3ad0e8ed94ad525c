/** A KMS key of the customer's, which a bucket is encrypted with: used, never made or changed. */
import { ServiceError } from '../../../errors.ts';

export interface Kms {
  /** A key by its ARN, in the region that it names; undefined where there is none. */
  describeKey(arn: string): Promise<
    | {
        /** `Enabled`, `Disabled`, `PendingDeletion` and so on, as AWS KMS says. */
        readonly state: string;
        /** S3 takes symmetric encryption keys only. */
        readonly encryptsSymmetrically: boolean;
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
