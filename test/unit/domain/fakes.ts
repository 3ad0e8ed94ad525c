/** An integration in memory, a journal that keeps the order of all that happens, and calls that are cut off. */
import type { AccountSettings } from '../../../src/config.ts';
import type { Closing } from '../../../src/domain/lifecycle/conclude.ts';
import { parseRequest } from '../../../src/domain/model/allowed.ts';
import { desiredState, ownerTag } from '../../../src/domain/model/desired-state.ts';
import {
  type JournalRecord,
  kindOf,
  type ResourceRecord,
  type Status,
  type StepCall,
} from '../../../src/domain/model/record.ts';
import { resourceKeys } from '../../../src/domain/model/resource-keys.ts';
import { type StepContext, stepContext } from '../../../src/domain/saga/step.ts';
import { ServiceError } from '../../../src/errors.ts';

export type Tags = Readonly<Record<string, string>>;

export const integrationId = 'int_01M85CZQP0Y0YS5TZMSXQSHEJR';
export const userArn = 'arn:aws:iam::222222222222:user/dataloop-1';

/** Tags of what this integration made, and of what it did not. */
export const ours: Tags = { [ownerTag]: integrationId };
export const theirs: Tags = { team: 'theirs', [ownerTag]: 'int_00000000000000000000000000' };

export const account: AccountSettings = {
  partition: 'aws',
  accountId: '111111111111',
  region: 'eu-west-1',
  iamPath: '/dataloop-cross-account/test/',
  permissionsBoundaryArn: 'arn:aws:iam::111111111111:policy/boundary',
  bucketNamePattern: 'dataloop-*',
  roleNamePattern: 'dataloop-*',
  policyNamePattern: 'dataloop-*',
  regions: ['eu-west-1', 'us-east-1', 'us-west-2'],
  tagKeys: ['*'],
  kmsKeyArns: [],
  adoptableBucketArns: ['arn:aws:s3:::acme-photos', 'arn:aws:s3:::acme-videos'],
  adoptableRoleArns: ['arn:aws:iam::111111111111:role/team/AcmeLabelling'],
  deploymentBucket: 'dataloop-cross-account-test-serverlessdeploymentbucket-1x2y3z',
  denyPlainHttp: false,
  consoleOrigins: ['https://console.dataloop.ai'],
  corsMethods: ['GET', 'HEAD', 'PUT', 'POST'],
};

export const body = {
  name: 'acme',
  bucket: { name: 'dataloop-acme' },
  dataloop: { projectId: 'project-1' },
};

export const requestOf = (more: object = {}) => parseRequest({ ...body, ...more }, account);

export function recordOf(more: Partial<JournalRecord> = {}): JournalRecord {
  return {
    id: integrationId,
    kind: kindOf(more.parent),
    name: 'acme',
    status: 'provisioning',
    createdAt: '2026-11-23T00:00:00.000Z',
    updatedAt: '2026-11-23T00:00:00.000Z',
    request: requestOf(),
    requestHash: 'hash',
    executionArn: `arn:aws:states:eu-west-1:111111111111:execution:provision:${integrationId}`,
    dataloop: { organizationId: 'org-1' },
    steps: {},
    resources: {},
    inFlightCalls: {},
    ...more,
  };
}

/** A record whose undo has ended, as the journal shows it from then on. */
export function closedAs(
  record: JournalRecord,
  { status, leftovers }: Pick<Closing, 'status' | 'leftovers'>,
) {
  const resources = { ...record.resources };
  for (const key of resourceKeys) {
    const [resource, residue] = [resources[key], leftovers[key]];
    if (resource && residue) resources[key] = { ...resource, residue };
  }
  return { ...record, status, resources };
}

export const knowing = (resources: JournalRecord['resources']) => recordOf({ resources });

const mustNotBeRead = () => Promise.reject(new Error('Nothing is adopted, so it must not be read.'));

/** Reads of what is to be adopted, where nothing is. */
export const nothingAdopted = {
  getBucketTagging: mustNotBeRead,
  getPublicAccessBlock: mustNotBeRead,
  getAccountPublicAccessBlock: mustNotBeRead,
  getIntegration: mustNotBeRead,
  listIntegrations: mustNotBeRead,
  countDrivers: mustNotBeRead,
  getBucketEncryption: mustNotBeRead,
  getBucketPolicy: mustNotBeRead,
  getBucketCors: mustNotBeRead,
  getObjectLockConfiguration: mustNotBeRead,
  getBucketVersioning: mustNotBeRead,
  getBucketRequestPayment: mustNotBeRead,
  listAttachedRolePolicies: mustNotBeRead,
};

/** Reads of a bucket and a role of which nothing but the default is set. */
export const asUsual = {
  getBucketEncryption: async () => ({ algorithm: 'AES256', kmsKeyId: undefined }),
  getBucketPolicy: async () => undefined,
  getBucketCors: async () => undefined,
  getObjectLockConfiguration: async () => undefined,
  getBucketVersioning: async () => undefined,
  getBucketRequestPayment: async () => 'BucketOwner',
  listAttachedRolePolicies: async () => [],
};

/** What every call of a fake goes through; a cut makes one of them fail. */
export type Passage = <T>(call: () => Promise<T>) => Promise<T>;

const openPassage: Passage = (call) => call();

/** Fails the call of one number (from 0), before it takes effect or after, as a crash or a lost answer does. */
export function cutAt(
  number: number,
  when: 'before' | 'after',
): Passage & { readonly wasCut: () => boolean } {
  let calls = 0;
  const passage: Passage = async (call) => {
    const isCut = calls === number;
    calls += 1;
    const cut = new ServiceError('AwsUnavailableError', 'The call was cut off.');
    if (isCut && when === 'before') throw cut;
    const answer = await call();
    if (isCut) throw cut;
    return answer;
  };
  return Object.assign(passage, { wasCut: () => calls > number });
}

/** What a write to the journal says of a resource. */
function noted(resource: ResourceRecord, before: ResourceRecord | undefined): string {
  if ((resource.absentLooks ?? 0) > (before?.absentLooks ?? 0)) return 'not seen';
  return resource.residue ? 'residue' : resource.state;
}

/**
 * A journal of one integration that outlives the calls of its functions.
 * @param events gets a line for each write; the effects of other fakes may be noted there too
 */
export function journalOf(
  first: JournalRecord,
  events: string[] = [],
  passage = openPassage,
  settings = account,
) {
  let record = first;
  return {
    record: () => record,
    /** What a new call of a step's function is given: only what the journal holds by now. */
    step: (during: readonly Status[] = ['provisioning'], call: Partial<StepCall> = {}): StepContext =>
      stepContext(
        {
          recordId: record.id,
          step: 'CreateBucket',
          callId: 'execution/CreateBucket/1',
          attempt: 1,
          startedAt: record.createdAt,
          begunAt: 0,
          aliveUntil: 30_000,
          ...call,
        },
        record,
        desiredState(record.id, record.request, settings),
        during,
        {
          writeResource: (_call, key, resource, allowed) =>
            passage(async () => {
              if (!allowed.includes(record.status)) {
                throw new ServiceError('IntegrationMovedOnError', 'The journal takes nothing any more.');
              }
              events.push(`journal ${key} ${noted(resource, record.resources[key])}`);
              record = { ...record, resources: { ...record.resources, [key]: resource } };
            }),
        },
      ),
  };
}

export const stepOf = (record: JournalRecord, events: string[] = [], settings = account): StepContext =>
  journalOf(record, events, openPassage, settings).step([record.status]);

/** A step of an execution whose integration is being undone by now: the journal takes nothing from it. */
export const fencedStepOf = (record: JournalRecord): StepContext =>
  journalOf({ ...record, status: 'rolling-back' }).step(['provisioning']);

/** What a promise throws. @throws Error where it does not */
export async function thrownBy(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('Nothing was thrown.');
}

/** More attempts than any step needs here, and fewer than the state machines make. */
const maximumAttempts = 10;

/**
 * Attempts a step as the state machines do: again while its error may pass by itself.
 * @param attempt is given which attempt it is, from 1
 * @throws the error that does not pass, or that is left after all attempts
 */
export async function retried<T>(attempt: (number: number) => Promise<T>): Promise<T> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await attempt(attempts);
    } catch (error) {
      const mayPass = error instanceof ServiceError && error.retryable;
      if (!mayPass || attempts === maximumAttempts) throw error;
    }
  }
}

interface Interrupted {
  readonly journal: ReturnType<typeof journalOf>;
  readonly attempt: () => Promise<unknown>;
}

/**
 * Runs a step once for every way in which one of its calls can be cut off, and then hands over what it left.
 * @param begin a fresh world and journal, whose calls all go through the given passage
 */
export async function everyInterruption<T extends Interrupted>(
  begin: (passage: Passage) => T,
  then: (left: T, where: string) => Promise<void>,
): Promise<number> {
  let interruptions = 0;
  for (const when of ['before', 'after'] as const) {
    for (let number = 0; ; number += 1) {
      const cut = cutAt(number, when);
      const left = begin(cut);
      const outcome = await left.attempt().then(
        () => 'ended',
        (error: unknown) => error,
      );
      if (!cut.wasCut()) break;
      if (!(outcome instanceof ServiceError)) throw new Error(`The step went on after a cut: ${outcome}`);
      interruptions += 1;
      await then(left, `cut ${when} call ${number}`);
    }
  }
  return interruptions;
}
