/** The integration as the API shows it. */
import { lastExecutionArn } from '../model/execution.ts';
import { type JournalRecord, nameOf, pathOf, standingResources } from '../model/record.ts';
import type { DriverRequest } from '../model/request.ts';
import { resourceKeys, resourceTypes } from '../model/resource-keys.ts';
import type { StepRecord } from '../model/step-record.ts';
import { stepNames } from '../model/steps.ts';
import { sendAgain } from '../saga/residue.ts';
import type { DriverView, IntegrationView } from './responses.ts';

/** A resource by ARN (AWS) or id (Dataloop); one that Dataloop may hold without our knowing its id, by name. */
export function referenceTo(resource: {
  arn?: string | undefined;
  id?: string | undefined;
  name?: string | undefined;
}) {
  if (resource.arn) return { arn: resource.arn };
  return resource.id ? { id: resource.id } : { name: resource.name };
}

/** Where the execution can be watched. */
function consoleLink(executionArn: string): string {
  const [, partition, , region] = executionArn.split(':');
  const host =
    {
      'aws-cn': 'console.amazonaws.cn',
      'aws-us-gov': 'console.amazonaws-us-gov.com',
      'aws-eusc': 'console.amazonaws-eusc.eu',
    }[partition ?? ''] ?? 'console.aws.amazon.com';
  return `https://${region}.${host}/states/home?region=${region}#/v2/executions/details/${executionArn}`;
}

/** Resources of other owners that an undo found under our names. */
function foreignOf(record: JournalRecord) {
  return resourceKeys.flatMap((key) => {
    const resource = record.resources[key];
    if (resource?.leftAlone === undefined) return [];
    return [{ type: resourceTypes[key], ...referenceTo(resource), reason: resource.leftAlone }];
  });
}

/** Why a step failed, and when it is tried again, is told as long as it is: its end leaves both in the journal. */
function stepOf({ reason, nextAttemptBy, spent, ...ended }: StepRecord) {
  const step = { ...ended, ...(spent ? { spent: { ...spent, ...waitingOf(ended, spent) } } : {}) };
  if (step.status !== 'retrying') return step;
  return {
    ...step,
    ...(reason === undefined ? {} : { reason }),
    ...(nextAttemptBy === undefined ? {} : { nextAttemptBy }),
  };
}

/** What is left of the time of a step that has ended: start-up, earlier attempts, and pauses before others. */
function waitingOf(
  { startedAt, endedAt }: Pick<StepRecord, 'startedAt' | 'endedAt'>,
  { ownMs, awsMs, dataloopMs }: NonNullable<StepRecord['spent']>,
): { waitingMs?: number } {
  if (endedAt === undefined) return {};
  return {
    waitingMs: Math.max(0, Date.parse(endedAt) - Date.parse(startedAt) - ownMs - awsMs - dataloopMs),
  };
}

/** What its owner keeps: what was released, and an adopted bucket, if somebody asked to keep it. */
function releasedOf(record: JournalRecord) {
  const { keepBucket, request, resources } = record;
  return resourceKeys.flatMap((key) => {
    const resource = resources[key];
    const isAdopted = key === 'bucket' && request.bucket.mode === 'adopt' && resource?.state === 'gone';
    const reason =
      resource?.released ??
      (keepBucket && isAdopted ? 'It was adopted, so it stays in any case.' : undefined);
    return resource && reason ? [{ type: resourceTypes[key], ...referenceTo(resource), reason }] : [];
  });
}

/** What an integration and an added driver have in common. */
function progressOf(
  record: JournalRecord,
): Omit<IntegrationView, 'integrationId' | 'dataset' | 'drivers' | 'request'> {
  const standing = standingResources(record);
  const foreign = foreignOf(record);
  const execution = lastExecutionArn(record);
  const released = releasedOf(record);
  return {
    name: nameOf(record),
    status: record.status,
    createdAt: record.createdAt,
    updatedAt: record.updatedAt,
    ...(record.requestedBy === undefined ? {} : { requestedBy: record.requestedBy }),
    steps: stepNames.flatMap((name) => {
      const step = record.steps[name];
      return step ? [{ name, ...stepOf(step) }] : [];
    }),
    resources: standing
      .filter(([, resource]) => resource.state === 'created')
      .map(([key, resource]) => ({
        type: resourceTypes[key],
        ...referenceTo(resource),
        origin: resource.origin ?? ('created' as const),
      })),
    residue:
      record.status === 'residue'
        ? standing.map(([key, resource]) => ({
            type: resourceTypes[key],
            ...referenceTo(resource),
            ...(resource.residue ?? { reason: 'It could not be removed.', advice: 'Send DELETE again.' }),
          }))
        : [],
    ...(foreign.length > 0 ? { leftAlone: foreign } : {}),
    ...(released.length > 0 ? { released } : {}),
    ...(record.error ? { error: record.error } : {}),
    links: {
      self: pathOf(record),
      execution,
      console: consoleLink(execution),
    },
  };
}

/** The buckets that were added to an integration, in order, as the API shows them: by their drivers. */
function driversOf({ id: integrationId, addedBuckets = {} }: JournalRecord) {
  return Object.entries(addedBuckets)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([addedBucketId, { bucket, dataloop }]) => ({
      driverId: addedBucketId,
      name: dataloop.driverName,
      bucket: bucket.name,
      projectId: dataloop.projectId,
      links: {
        self: pathOf({ id: addedBucketId, parent: { integrationId, dataloopIntegrationId: '' } }),
      },
    }));
}

function datasetOf({ request, resources: { dataset } }: JournalRecord): IntegrationView['dataset'] {
  if (!request.dataset || !dataset || dataset.state === 'gone') return undefined;
  const { status, items, reason } = dataset.sync ?? {};
  return {
    name: request.dataset.name,
    ...(dataset.id === undefined ? {} : { id: dataset.id }),
    ...(status === undefined ? {} : { sync: status }),
    ...(items === undefined ? {} : { items }),
    ...(reason === undefined ? {} : { reason }),
  };
}

export function integrationView(record: JournalRecord): IntegrationView {
  const progress = progressOf(record);
  const drivers = driversOf(record);
  const dataset = datasetOf(record);
  const leftOfDrivers = drivers.map(({ name, links }) => ({
    type: resourceTypes.driver,
    name,
    reason: `This added driver was not removed completely. GET ${links.self} lists what is left.`,
    advice: sendAgain(record, 'Do what its "advice" says.'),
  }));
  return {
    integrationId: record.id,
    ...progress,
    request: record.request,
    residue: record.status === 'residue' ? [...progress.residue, ...leftOfDrivers] : [],
    ...(dataset ? { dataset } : {}),
    ...(drivers.length > 0 ? { drivers } : {}),
  };
}

/** Of the request in its record, what was asked for the added bucket itself. */
function askedOf({ description, bucket, dataloop, tags }: JournalRecord['request']): DriverRequest {
  const { projectId, driverName, allowDelete } = dataloop;
  return {
    ...(description === undefined ? {} : { description }),
    bucket,
    dataloop: { projectId, ...(driverName === undefined ? {} : { driverName }), allowDelete },
    ...(tags === undefined ? {} : { tags }),
  };
}

/** An added driver, as the API shows it. */
export function addedBucketView(record: JournalRecord): DriverView {
  return {
    driverId: record.id,
    integrationId: record.parent?.integrationId ?? '',
    bucket: record.request.bucket.name,
    projectId: record.request.dataloop.projectId,
    ...progressOf(record),
    request: askedOf(record.request),
  };
}
