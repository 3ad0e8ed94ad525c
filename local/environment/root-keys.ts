/** Keys of the root users of the emulator's accounts: made at each start, and the only ones that it takes for roots. */
import { randomBytes } from 'node:crypto';

export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Who has an account in the emulator. */
export const accountIds = {
  customer: '111111111111',
  dataloop: '222222222222',
  /** Somebody who has to do with neither. */
  stranger: '333333333333',
} as const;

export type RootKeys = Readonly<Record<keyof typeof accountIds, AwsKeys>>;

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function randomKeys(): AwsKeys {
  const id = Array.from(randomBytes(16), (byte) => letters[byte % letters.length]).join('');
  return { accessKeyId: `AKIA${id}`, secretAccessKey: randomBytes(30).toString('base64') };
}

export const makeRootKeys = (): RootKeys => ({
  customer: randomKeys(),
  dataloop: randomKeys(),
  stranger: randomKeys(),
});

/** The line of input that launcher.py reads first. */
export function inputOf(keys: RootKeys): string {
  const all = [
    [keys.customer, accountIds.customer],
    [keys.dataloop, accountIds.dataloop],
    [keys.stranger, accountIds.stranger],
  ] as const;
  return JSON.stringify(
    all.map(([{ accessKeyId, secretAccessKey }, account]) => [accessKeyId, secretAccessKey, account]),
  );
}
