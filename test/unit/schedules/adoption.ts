/** What a schedule adopts: how it was before, and the requests that adopt it. */
import { account } from '../domain/fakes.ts';
import { projectId } from '../environment.ts';

/** What the operator says: what is right, or by mistake another user, or another integration. */
export type Says = 'right' | 'another user' | 'a forged user' | 'another integration';

export interface Adoption {
  readonly bucket: 'create' | 'adopt' | 'adopt-and-close';
  readonly cors: boolean;
  readonly role: 'create' | 'adopt';
  readonly integration: 'create' | 'waiting' | 'operator';
  /** As the bucket was before. */
  readonly publicAccess: 'closed' | 'half' | 'none';
  readonly rules: 'none' | 'theirs' | 'allowing';
  /** How the role's trust policy was written: its only statement by itself, or as a list. */
  readonly statement: 'one' | 'list';
  /** What the operator says the first time to what is awaited. */
  readonly operatorSays: Says;
  /** ms after which the operator looks again for what is to be done; undefined: nobody does. */
  readonly operatorDelayMs: number | undefined;
}

/** The bucket, the role and the integration that the requests adopt. */
export const adoptedBucket = 'acme-photos';
export const adoptedRole = 'AcmeLabelling';
export const adoptedRoleArn = account.adoptableRoleArns[0] ?? '';
export const waitingIntegrationId = 'i-1';

export interface Request {
  readonly name: string;
  readonly bucket: Readonly<Record<string, unknown>>;
  readonly dataloop: Readonly<Record<string, unknown>>;
  readonly role?: Readonly<Record<string, unknown>>;
  readonly dataset?: Readonly<Record<string, unknown>>;
}

const plain: Request = { name: 'beta', bucket: { name: 'dataloop-beta' }, dataloop: { projectId } };

/** The others each share with the first what it adopts, or nothing. */
export function adoptingRequests(adoption: Adoption): readonly Request[] {
  const bucket =
    adoption.bucket === 'create'
      ? undefined
      : {
          name: adoptedBucket,
          mode: 'adopt',
          cors: adoption.cors,
          ...(adoption.bucket === 'adopt-and-close' ? { blockPublicAccess: true } : {}),
        };
  const role = adoption.role === 'adopt' ? { role: { name: adoptedRole, mode: 'adopt' } } : {};
  const dataloop = {
    projectId,
    ...(adoption.integration === 'waiting' ? { integrationId: waitingIntegrationId } : {}),
    ...(adoption.integration === 'operator' ? { createdBy: 'operator' } : {}),
  };
  return [
    { name: 'acme', bucket: bucket ?? { name: 'dataloop-acme' }, dataloop, ...role },
    { name: 'beta', bucket: bucket ?? plain.bucket, dataloop, ...role },
    { ...plain, bucket: bucket ?? plain.bucket },
    { ...plain, dataloop, ...role },
    plain,
  ];
}
