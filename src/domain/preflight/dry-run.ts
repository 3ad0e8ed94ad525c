/** `POST /plans`: what a request would create, and all blocking issues. Nothing is written. */
import type { AccountSettings } from '../../config.ts';
import type { Bound } from '../../deadline.ts';
import { ServiceError } from '../../errors.ts';
import type { PlannedResource, PlanView } from '../api/responses.ts';
import {
  adoptedIntegrationLock,
  lockOfOtherUser,
  locksByField,
  nameOrBucketTaken,
  requestHashOf,
} from '../lifecycle/start.ts';
import { outsideDeployment } from '../model/allowed.ts';
import { type DesiredState, desiredState, trustPolicy, trustStatement } from '../model/desired-state.ts';
import {
  type JournalRecord,
  nameOf,
  type RecordReader,
  type Status,
  standingStatuses,
} from '../model/record.ts';
import type { IntegrationRequest } from '../model/request.ts';
import { resourceTypes } from '../model/resource-keys.ts';
import type { S3 } from '../resources/bucket/s3.ts';
import { freeIntegrations, type WaitingReads, withWaiting } from '../resources/dataloop/adopt.ts';
import { organizationOfProject } from '../resources/dataloop/organization.ts';
import { sidWith } from '../resources/role/trust-policy.ts';
import { type Check, type Finding, findingsOf, findingView } from './checks.ts';
import { neededActions } from './needed-actions.ts';
import { blockingIssues, type PreflightReads } from './preflight.ts';
import { apiKeyType, bucketQuota, endingApiKey } from './quotas.ts';

/** Placeholders for what is known only after creation; neither can pass for an id or an ARN. */
export const integrationIdPlaceholder = '<id of the integration>';
export const iamUserPlaceholder = '<ARN of the IAM user that Dataloop issues>';

export interface PlanReads extends PreflightReads, Pick<S3, 'countBuckets'>, RecordReader {
  /** When the API key ends, ms since the epoch; undefined where the secret holds a log-in. */
  apiKeyEnd(): Promise<number | undefined>;
  /** ms since the epoch. */
  now(): number;
  /** Id of the integration that holds a lock. */
  lockHolder(lock: string): Promise<string | undefined>;
}

export async function planIntegration(
  request: IntegrationRequest,
  account: AccountSettings,
  onlyOrganizationId: string | undefined,
  reads: PlanReads,
  bound?: Bound,
): Promise<PlanView> {
  const standing = await repeatedOf(request, reads, bound);
  const desired = desiredState(standing?.id ?? integrationIdPlaceholder, request, account);
  if (standing) {
    // Nothing would be made, so nothing that is there is in its way.
    const made = plannedResources(desired).map((resource) => ({ ...resource, action: 'leave' as const }));
    return planView(desired, { resources: made, actions: [], findings: [alreadyConnected(standing)] });
  }
  const outside = outsideDeployment(request, { ...account, organizationId: onlyOrganizationId });
  const wanted = {
    desired,
    organizationId: request.dataloop.organizationId,
    onlyOrganizationId,
    isOurs: () => false,
    outside: outside.map(({ pointer }) => pointer),
  };
  const readsOfLocks = {
    ...reads,
    isHeld: async (id: string) => (await standingHolderOf(adoptedIntegrationLock(id), reads)) !== undefined,
  };
  const [locks, { findings, organization }, warnings] = await Promise.all([
    findingsOf(lockChecks(request, onlyOrganizationId, readsOfLocks), bound),
    blockingIssues(wanted, readsOfLocks, { bound }),
    findingsOf(warningChecks(desired, reads), bound),
  ]);
  const all = [...outside.map(outsideFinding), ...distinct(locks), ...findings, ...warnings];
  const isMade = !desired.isMadeByOperator && desired.adoptedDataloopIntegrationId === undefined;
  return planView(desired, {
    resources: plannedResources(desired),
    actions: neededActions(desired),
    findings: all,
    ...(isMade ? await waitingIn(organization, readsOfLocks, bound) : {}),
  });
}

/** What could be adopted instead of making one. Where Dataloop does not tell, the plan is none the less true. */
async function waitingIn(
  organization: () => Promise<string>,
  reads: WaitingReads,
  bound: Bound = (_what, work) => work,
): Promise<Pick<PlanView, 'waitingIntegrations'>> {
  try {
    const look = async () => freeIntegrations(await organization(), reads);
    const free = await bound('the integrations that wait for a role', look());
    return free.length > 0 ? { waitingIntegrations: free.map(({ id, name }) => ({ id, name })) } : {};
  } catch (error) {
    if (error instanceof ServiceError) return {};
    throw error;
  }
}

function planView(
  desired: DesiredState,
  {
    findings,
    ...made
  }: Pick<PlanView, 'resources' | 'actions' | 'waitingIntegrations'> & {
    readonly findings: readonly Finding[];
  },
): PlanView {
  return {
    name: desired.name,
    clear: findings.every(({ severity }) => severity === 'warning'),
    ...made,
    tags: desired.tags,
    trustPolicy:
      desired.role.mode === 'adopt'
        ? {
            ...trustPolicy(iamUserPlaceholder),
            Statement: [{ Sid: sidWith(desired.recordId), ...trustStatement(iamUserPlaceholder) }],
          }
        : trustPolicy(iamUserPlaceholder),
    permissionPolicy: desired.permissionPolicy,
    // Adopted resources keep their own bucket policy and boundary.
    ...(desired.bucket.mode === 'adopt' || !desired.bucketPolicy
      ? {}
      : { bucketPolicy: desired.bucketPolicy }),
    ...(desired.role.mode === 'adopt' ? {} : { permissionsBoundaryArn: desired.permissionsBoundaryArn }),
    findings: findings.map(findingView),
  };
}

/**
 * The integration of the very same request, which `POST /integrations` would answer with.
 * @returns undefined also where that could not be read: then the checks say so
 */
async function repeatedOf(
  request: IntegrationRequest,
  reads: PlanReads,
  bound: Bound = (_what, work) => work,
): Promise<JournalRecord | undefined> {
  const [first] = locksByField({ request });
  if (!first) return undefined;
  try {
    const holder = await bound('the integration of this name', holderOf(first.key, reads));
    return holder && holder.requestHash === requestHashOf(request) && repeatable.includes(holder.status)
      ? holder
      : undefined;
  } catch (error) {
    if (error instanceof ServiceError) return undefined;
    throw error;
  }
}

/** States in which an integration answers its own request again. After `removing` the name is free. */
const repeatable: readonly Status[] = standingStatuses.filter((status) => status !== 'removing');

async function holderOf(lock: string, reads: PlanReads): Promise<JournalRecord | undefined> {
  const holderId = await reads.lockHolder(lock);
  return holderId === undefined ? undefined : reads.read(holderId);
}

/** Of one of which nothing stands, the lock counts as free. */
async function standingHolderOf(lock: string, reads: PlanReads): Promise<JournalRecord | undefined> {
  const holder = await holderOf(lock, reads);
  return holder && standingStatuses.includes(holder.status) ? holder : undefined;
}

function alreadyConnected({ id, name, status }: JournalRecord): Finding {
  const said =
    status === 'ready'
      ? `Already connected as ${id}; sending this again changes nothing.`
      : `You sent this request before: ${id} is ${status === 'residue' ? 'in residue' : status}. Sending it again changes nothing. ` +
        `See GET /integrations/${id}.`;
  return {
    severity: 'warning',
    error: new ServiceError('AlreadyConnectedError', said),
    subject: { type: 'Integration', id, name },
  };
}

function outsideFinding({ pointer, detail }: { pointer: string; detail: string }): Finding {
  return {
    severity: 'error',
    error: new ServiceError('InvalidRequestError', detail),
    subject: { type: 'Deployment' },
    pointer,
  };
}

/** What `POST /integrations` would answer 409 for. */
function lockChecks(
  request: IntegrationRequest,
  onlyOrganizationId: string | undefined,
  reads: PlanReads,
): Check[] {
  const { organizationId, projectId, integrationId } = request.dataloop;
  /** What could be adopted instead. */
  const withOthers = async (error: ServiceError) => {
    const named = { organizationId, onlyOrganizationId };
    const found = organizationOfProject(await reads.getProject(projectId), named);
    return withWaiting(error, found, reads);
  };
  return locksByField({ request }).map(({ key, pointer }) => {
    const subject = { type: 'Integration', name: request.name };
    return {
      subject,
      pointer,
      failure: 'error' as const,
      run: async () => {
        const holder = await standingHolderOf(key, reads);
        if (!holder) return [];
        const taken = nameOrBucketTaken(holder, { request });
        const isAdopted = integrationId !== undefined && key === adoptedIntegrationLock(integrationId);
        // The checks of the project say what is wrong with it.
        const error = isAdopted ? await withOthers(taken).catch(() => taken) : taken;
        const about = { type: 'Integration', id: holder.id, name: holder.name };
        return [{ severity: 'error' as const, error, subject: about, pointer }];
      },
    };
  });
}

/**
 * Warnings only. Preflight, which can only refuse, leaves them out, so it needs neither the names of all buckets nor the
 * records of other integrations.
 */
function warningChecks(desired: DesiredState, reads: PlanReads): Check[] {
  const { arn } = desired.bucket;
  return [
    {
      subject: { type: apiKeyType },
      failure: 'warning',
      run: async () => {
        // The checks that call Dataloop say what is wrong with credentials that cannot be used.
        const expiresAt = await reads.apiKeyEnd().catch(() => undefined);
        return expiresAt === undefined ? [] : endingApiKey(expiresAt, reads.now());
      },
    },
    {
      subject: { type: resourceTypes.bucket },
      failure: 'warning',
      run: async () => bucketQuota(await reads.countBuckets()),
    },
    {
      subject: { type: resourceTypes.bucket, arn },
      pointer: '/bucket/prefix',
      failure: 'warning',
      run: async () => overlaps(desired, await standingHolderOf(lockOfOtherUser(desired.bucket), reads)),
    },
  ];
}

/**
 * Another integration that uses the same objects. This may be intended: one bucket may serve two projects. But what one of
 * them deletes is gone for both.
 */
function overlaps({ bucket }: DesiredState, other: JournalRecord | undefined): Finding[] {
  if (!other) return [];
  const { name, prefix = '' } = other.request.bucket;
  const isNested = prefix.startsWith(bucket.prefix) || bucket.prefix.startsWith(prefix);
  if (name !== bucket.name || !isNested) return [];
  const reached = prefix ? `folder ${prefix} of bucket ${name}` : `whole bucket ${name}`;
  const error = new ServiceError(
    'PrefixOverlapError',
    `The ${other.kind === 'added bucket' ? 'driver' : 'integration'} ${other.id} ("${nameOf(other)}", ${other.status}) uses the ` +
      `${reached}, so both share objects: a change or deletion through one affects the other. Choose another prefix or ` +
      'bucket, unless this is intended.',
  );
  const subject = { type: resourceTypes.bucket, arn: bucket.arn };
  return [{ severity: 'warning', error, subject, pointer: '/bucket/prefix' }];
}

/** The same integration may hold both locks. */
function distinct(findings: readonly Finding[]): Finding[] {
  const seen = new Set<string>();
  return findings.filter(({ error }) => {
    const isNew = !seen.has(error.message);
    seen.add(error.message);
    return isNew;
  });
}

export function plannedResources(desired: DesiredState): PlannedResource[] {
  const { bucket, policy, role, driver, dataset, adoptedDataloopIntegrationId, isMadeByOperator } = desired;
  const isBucketChanged = desired.corsOrigins.length > 0 || bucket.blockPublicAccess;
  const { mode: roleMode, ...roleReference } = role;
  return [
    {
      action: bucket.mode === 'create' ? 'create' : isBucketChanged ? 'change' : 'leave',
      type: resourceTypes.bucket,
      arn: bucket.arn,
      name: bucket.name,
      region: bucket.region,
    },
    { action: 'create', type: resourceTypes.policy, ...policy },
    {
      action: roleMode === 'create' ? 'create' : 'change',
      type: resourceTypes.role,
      ...roleReference,
    },
    adoptedDataloopIntegrationId
      ? { action: 'change', type: resourceTypes.dataloopIntegration, id: adoptedDataloopIntegrationId }
      : {
          action: isMadeByOperator ? 'leave' : 'create',
          type: resourceTypes.dataloopIntegration,
          name: desired.dataloopIntegrationName,
        },
    { action: 'create', type: resourceTypes.driver, name: driver.name },
    ...(dataset ? [{ action: 'create' as const, type: resourceTypes.dataset, ...dataset }] : []),
    ...(bucket.kmsKeyArn ? [{ action: 'leave' as const, type: 'AWS::KMS::Key', arn: bucket.kmsKeyArn }] : []),
    ...(roleMode === 'create'
      ? [{ action: 'leave' as const, type: resourceTypes.policy, arn: desired.permissionsBoundaryArn }]
      : []),
    { action: 'leave', type: 'Dataloop::Project', id: driver.projectId },
  ];
}
