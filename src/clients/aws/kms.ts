/** AWS KMS: keys that buckets are encrypted with. */
import { DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import type { Kms } from '../../domain/resources/bucket/kms-key.ts';
import { awsCallOr, given } from './errors.ts';
import { regionalClients } from './settings.ts';

/** A client for a key's region: other regions do not know it. */
export type KmsClientFor = (region: string) => KMSClient;

export const kmsClients = (): KmsClientFor => regionalClients((settings) => new KMSClient(settings));

export const describeKey =
  (clientFor: KmsClientFor): Kms['describeKey'] =>
  async (arn) => {
    const what = `read the KMS key ${arn}`;
    const [, , , region = ''] = arn.split(':');
    const answer = await awsCallOr(what, ['NotFound'], undefined, () =>
      clientFor(region).send(new DescribeKeyCommand({ KeyId: arn })),
    );
    if (!answer) return undefined;
    const { Arn, KeyState, KeySpec } = given(answer.KeyMetadata, 'the key', what);
    return {
      state: given(KeyState, "the key's state", what),
      encryptsSymmetrically: KeySpec === 'SYMMETRIC_DEFAULT',
      arn: Arn,
    };
  };
