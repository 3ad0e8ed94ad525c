/** `POST …/removal-plan`: what `DELETE` would take away, what stays, and what is in its way. Nothing is changed. */
import type { Bound } from '../../deadline.ts';
import { ServiceError } from '../../errors.ts';
import type { PlannedRemoval, RemovalPlanView } from '../api/responses.ts';
import { referenceTo } from '../api/view.ts';
import { asAddedBucket, asIntegration } from '../model/lookup.ts';
import { type JournalRecord, nameOf, type RecordReader, standingResources } from '../model/record.ts';
import { type ResourceKey, resourceTypes } from '../model/resource-keys.ts';
import type { BucketAddress, S3 } from '../resources/bucket/s3.ts';
import { datasetsCutOff, datasetsInUse, mayHaveAccess } from '../resources/dataloop/datasets.ts';
import {
  foreignDriversError,
  foreignDriversOf,
  foreignDriversOfBucket,
  type UsageReads,
} from '../resources/dataloop/foreign-drivers.ts';
import { type Check, type Finding, findingsOf, findingView } from './checks.ts';

type RemovalReads = RecordReader & UsageReads & Pick<S3, 'hasObjects'>;

/** What `DELETE` of an integration, or of a bucket that was added to one, would do. */
export async function planRemoval(
  { integrationId, driverId }: { readonly integrationId: string; readonly driverId?: string },
  accountId: string,
  reads: RemovalReads,
  bound: Bound,
): Promise<RemovalPlanView> {
  const integration = asIntegration(await reads.read(integrationId), integrationId);
  const record =
    driverId === undefined ? integration : asAddedBucket(await reads.read(driverId), integrationId);
  const added = await reads.readRecords(Object.keys(record.addedBuckets ?? {}));
  const going = [record, ...added];
  const seen: Seen = { datasets: [], drivers: { foreign: [], elsewhere: 0 }, objects: new Map() };
  // As DELETE itself: what is still being set up, or is gone, is not asked for.
  const isAsked = record.status === 'ready' || record.status === 'residue';
  const checks = [
    ...(isAsked ? atDataloop(record, integration, going, reads, seen) : []),
    ...going.flatMap((each) => objectChecks(each, accountId, reads, seen)),
  ];
  const findings = await findingsOf(checks, bound);
  return {
    integrationId,
    ...(driverId === undefined ? {} : { driverId }),
    name: nameOf(record),
    status: record.status,
    clear: findings.every(({ severity }) => severity === 'warning'),
    resources: going.flatMap((each) => plannedRemovals(each, seen)),
    datasets: [...seen.datasets],
    foreignDrivers: seen.drivers.foreign.map(({ id, name, projectId }) => ({
      id,
      name,
      ...(projectId === undefined ? {} : { projectId }),
    })),
    foreignDriversElsewhere: seen.drivers.elsewhere,
    findings: findings.map(findingView),
  };
}

/** What the checks have seen. */
interface Seen {
  datasets: Awaited<ReturnType<typeof datasetsCutOff>>;
  drivers: Awaited<ReturnType<typeof foreignDriversOf>>;
  /** By the name of the bucket. */
  readonly objects: Map<string, boolean>;
}

/** What `DELETE` would answer 409 for. */
function atDataloop(
  record: JournalRecord,
  integration: JournalRecord,
  going: readonly JournalRecord[],
  reads: RemovalReads,
  seen: Seen,
): Check[] {
  const dataloopIntegration = integration.resources.dataloopIntegration;
  const subject = { type: resourceTypes.driver };
  return [
    {
      subject,
      failure: 'error',
      run: async () => {
        const id = dataloopIntegration?.state === 'gone' ? undefined : dataloopIntegration?.id;
        if (id === undefined) return [];
        seen.drivers =
          record === integration
            ? await foreignDriversOf(record, id, reads)
            : await foreignDriversOfBucket(record, integration, id, reads);
        const isFree = seen.drivers.foreign.length + seen.drivers.elsewhere === 0;
        return isFree
          ? []
          : [{ severity: 'error', error: foreignDriversError(record, id, seen.drivers), subject }];
      },
    },
    {
      subject: { type: 'Dataloop::Dataset' },
      failure: 'error',
      run: async () => {
        if (!mayHaveAccess(record)) return [];
        seen.datasets = await datasetsCutOff(going, reads);
        if (seen.datasets.length === 0) return [];
        return [
          { severity: 'error', error: datasetsInUse(seen.datasets), subject: { type: 'Dataloop::Dataset' } },
        ];
      },
    },
  ];
}

/** A bucket that holds anything stays. */
function objectChecks(
  { request, resources }: JournalRecord,
  accountId: string,
  reads: Pick<S3, 'hasObjects'>,
  seen: Seen,
): Check[] {
  const { arn, state, origin, region } = resources.bucket ?? {};
  if (state !== 'created' || origin === 'adopted' || !arn) return [];
  const { name } = request.bucket;
  const subject = { type: resourceTypes.bucket, arn };
  const address: BucketAddress = { name, region: region ?? '', ownerAccountId: accountId };
  return [
    {
      subject,
      failure: 'warning',
      run: async (): Promise<readonly Finding[]> => {
        seen.objects.set(name, await reads.hasObjects(address));
        if (!seen.objects.get(name)) return [];
        const error = new ServiceError(
          'BucketNotEmptyError',
          `The bucket ${name} holds objects. ${objectsStay}`,
        );
        return [{ severity: 'warning', error, subject }];
      },
    },
  ];
}

const objectsStay =
  'The service deletes no objects, so the bucket would stay as a leftover. To keep it, send DELETE with ?keepBucket=true. To have it deleted, empty it first.';

function plannedRemovals(record: JournalRecord, seen: Seen): PlannedRemoval[] {
  return standingResources(record).map(([key, resource]) => ({
    action: actionFor(key, resource.origin === 'adopted', isFull(key, record, seen)),
    type: resourceTypes[key],
    ...referenceTo(resource),
  }));
}

/** Whether it stays because of what is in it. */
const isFull = (key: ResourceKey, { request, resources }: JournalRecord, seen: Seen): boolean =>
  (key === 'bucket' && seen.objects.get(request.bucket.name) === true) ||
  (key === 'dataset' && seen.datasets.some(({ id }) => id === resources.dataset?.id));

/** What becomes of a resource: adopted ones get back what they had, and what Dataloop holds of them stays. */
function actionFor(key: ResourceKey, isAdopted: boolean, stays: boolean): PlannedRemoval['action'] {
  if (key === 'dataloopIntegration' && isAdopted) return 'leave';
  // Its bucket is taken out of a policy of the integration.
  if (key === 'access') return 'change';
  if (isAdopted) return 'restore';
  return stays ? 'leave' : 'delete';
}
