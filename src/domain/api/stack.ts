/** What CloudFormation asks for a resource of a stack, and what it is answered (CloudFormation User Guide, "Custom resources"). */
import * as z from 'zod';
import { errorKinds, isTold, printable, problemStatus, type ServiceError } from '../../errors.ts';
import { recordIdSchema } from '../model/ids.ts';
import type { JournalRecord } from '../model/record.ts';
import { stackResourceSchema } from '../model/stack-resource.ts';
import { eventSource } from './events.ts';
import { addedBucketView, integrationView } from './view.ts';

/** Types of the resources that a template may hold. */
export const stackResourceTypes = {
  integration: 'Custom::DataloopIntegration',
  addedBucket: 'Custom::DataloopBucket',
} as const;

export const requestTypes = ['Create', 'Update', 'Delete'] as const;

export const stackRequestSchema = z
  .object({
    RequestType: z.enum(requestTypes),
    RequestId: z.string().min(1).max(200),
    /** Whoever knows it can answer in the name of the service: it is a secret until CloudFormation has its answer. */
    ResponseURL: z.string().max(8_192),
    ResourceType: z.string().max(100),
    PhysicalResourceId: z.string().max(1_024).optional(),
    ResourceProperties: z.record(z.string(), z.unknown()),
    StackId: stackResourceSchema.shape.stackId,
    LogicalResourceId: stackResourceSchema.shape.logicalResourceId,
  })
  .transform(({ StackId, LogicalResourceId, ...asked }) => ({
    type: asked.RequestType,
    id: asked.RequestId,
    address: asked.ResponseURL,
    resourceType: asked.ResourceType,
    physicalId: asked.PhysicalResourceId,
    properties: asked.ResourceProperties,
    stack: { stackId: StackId, logicalResourceId: LogicalResourceId },
  }));
export type StackRequest = z.output<typeof stackRequestSchema>;

/** As much of a request as its answer needs. */
export type AnsweredRequest = Pick<StackRequest, 'type' | 'id' | 'stack'> & {
  readonly physicalId?: string | undefined;
};

/** Where answers may go: nowhere but to S3, which is where CloudFormation waits for them. */
interface AnswerHosts {
  /** Ending of the host names of AWS in this partition. */
  readonly urlSuffix: string;
  /** An endpoint that takes the place of AWS. */
  readonly endpointUrl?: string | undefined;
}

/** What is before the ending of AWS in the name of a host of S3: perhaps a bucket, and perhaps a region. */
const s3Host =
  /^([a-z0-9][a-z0-9.-]{1,61}\.)?s3(-[a-z0-9-]{1,30}|\.dualstack)?(\.[a-z]{2}-[a-z0-9-]{1,30})?$/;

/** Whether CloudFormation can have named this address. */
export function isAnswerAddress(address: string, { urlSuffix, endpointUrl }: AnswerHosts): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname, port, username, password, origin } = new URL(address);
  if (protocol !== 'https:' || username !== '' || password !== '') return false;
  if (endpointUrl !== undefined) return origin === new URL(endpointUrl).origin;
  const ending = `.${urlSuffix}`;
  return port === '' && hostname.endsWith(ending) && s3Host.test(hostname.slice(0, -ending.length));
}

export type StackAnswer =
  | {
      readonly status: 'SUCCESS';
      readonly physicalId: string;
      readonly data?: Readonly<Record<string, string>>;
    }
  | { readonly status: 'FAILED'; readonly physicalId: string; readonly reason: string };

/** Most characters of a reason: the whole answer may have 4,096 bytes. */
const longestReason = 1_000;

/** What stands for the id of a resource that was never made. */
export const nothingMade = 'not-created';

/** An answer to a request that could not be met. The resource is what it was before. */
export const failed = (request: AnsweredRequest, reason: string, made?: string): StackAnswer => ({
  status: 'FAILED',
  physicalId: request.physicalId ?? made ?? nothingMade,
  reason: printable(reason, longestReason),
});

/** CloudFormation does not go on with another id than that of the resource that is deleted. */
export const deleted = (request: AnsweredRequest): StackAnswer => ({
  status: 'SUCCESS',
  physicalId: request.physicalId ?? nothingMade,
});

/** What the stack's events say of an error: as the API would, with each bad property. */
export function reasonOf(error: ServiceError): string {
  const { name, fields } = error;
  const { title } = errorKinds[name];
  if (fields.length > 0) {
    return `${title}. ${fields.map(({ pointer, detail }) => `${pointer}: ${detail}`).join(' ')}`;
  }
  // What only its own logs may tell, nobody else is told.
  const isOwn = problemStatus(name) === 500 && !isTold(name);
  return isOwn ? `${title}. See the log of the function customResource.` : error.messageOnce;
}

/** What `Fn::GetAtt` reads. */
function dataOf({ kind, name, parent, request, resources }: JournalRecord): Record<string, string> {
  const data = {
    Name: kind === 'integration' ? name : request.dataloop.driverName,
    BucketArn: resources.bucket?.arn,
    DataloopDriverId: resources.driver?.id,
    ...(kind === 'integration'
      ? {
          RoleArn: resources.role?.arn,
          PolicyArn: resources.policy?.arn,
          DataloopIntegrationId: resources.dataloopIntegration?.id,
          DataloopDatasetId: resources.dataset?.id,
        }
      : { IntegrationId: parent?.integrationId }),
  };
  return Object.fromEntries(
    Object.entries(data).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}

function leftoversOf(record: JournalRecord): string {
  const { residue } = record.kind === 'integration' ? integrationView(record) : addedBucketView(record);
  return residue
    .map(
      ({ type, arn, id, name, reason, advice }) => `${type} ${arn ?? id ?? name ?? ''}: ${reason} ${advice}`,
    )
    .join(' ');
}

/**
 * The answer to a request, by its record alone.
 * @returns undefined while the workflow is under way
 */
export function answerOf(record: JournalRecord, request: AnsweredRequest): StackAnswer | undefined {
  const { id, status, error } = record;
  if (status === 'provisioning' || status === 'rolling-back' || status === 'removing') return undefined;
  if (request.type === 'Delete') {
    if (status === 'failed' || status === 'removed') return deleted(request);
    if (status === 'ready') return undefined;
    return failed(request, `${id} could not be removed completely. ${leftoversOf(record)}`);
  }
  if (status === 'ready') return { status: 'SUCCESS', physicalId: id, data: dataOf(record) };
  if (status === 'removed') return failed(request, `${id} was removed before CloudFormation got it.`, id);
  const why = error ? `${error.step ? `${error.step}: ` : ''}${error.detail}` : `${id} failed.`;
  return failed(request, status === 'residue' ? `${why} Left: ${leftoversOf(record)}` : why, id);
}

/** The answer as CloudFormation takes it. There is nothing secret in it. */
export const answerDocument = (request: AnsweredRequest, answer: StackAnswer): string =>
  JSON.stringify({
    Status: answer.status,
    ...(answer.status === 'FAILED' ? { Reason: answer.reason } : {}),
    PhysicalResourceId: answer.physicalId,
    StackId: request.stack.stackId,
    RequestId: request.id,
    LogicalResourceId: request.stack.logicalResourceId,
    ...(answer.status === 'SUCCESS' && answer.data ? { Data: answer.data } : {}),
  });

/** An event of the service's bus that says that a workflow has ended; or a schedule's, that it is time to look at all. */
export const answerEventSchema = z.union([
  z
    .object({
      source: z.literal(eventSource),
      detail: z.object({ integrationId: recordIdSchema, driverId: recordIdSchema.optional() }),
    })
    .transform(({ detail }) => detail.driverId ?? detail.integrationId),
  z.object({ source: z.literal('aws.events') }).transform(() => undefined),
]);
