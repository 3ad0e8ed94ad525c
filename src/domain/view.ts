/** The integration as the API shows it. */
import type { IntegrationView } from './answers.ts';
import { type IntegrationRecord, resourceKeys, resourceTypes, standingResources } from './journal.ts';
import { stepNames } from './steps.ts';

/** A resource by ARN (AWS) or id (Dataloop); one that Dataloop may hold without our knowing its id, by name. */
function reference(resource: {
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
    { 'aws-cn': 'console.amazonaws.cn', 'aws-us-gov': 'console.amazonaws-us-gov.com' }[partition ?? ''] ??
    'console.aws.amazon.com';
  return `https://${region}.${host}/states/home?region=${region}#/v2/executions/details/${executionArn}`;
}

/** What an undo met under the name of a resource and took for somebody else's. */
function leftAlone(record: IntegrationRecord) {
  return resourceKeys.flatMap((key) => {
    const resource = record.resources[key];
    if (resource?.leftAlone === undefined) return [];
    return [{ type: resourceTypes[key], ...reference(resource), reason: resource.leftAlone }];
  });
}

export function integrationView(record: IntegrationRecord): IntegrationView {
  const standing = standingResources(record);
  const foreign = leftAlone(record);
  return {
    integrationId: record.integrationId,
    name: record.name,
    status: record.status,
    createdAt: record.createdAt,
    updatedAt: record.updatedAt,
    steps: stepNames.flatMap((name) => {
      const step = record.steps[name];
      return step ? [{ name, ...step }] : [];
    }),
    resources: standing
      .filter(([, resource]) => resource.state === 'created')
      .map(([key, resource]) => ({
        type: resourceTypes[key],
        ...reference(resource),
        origin: resource.origin ?? ('created' as const),
      })),
    residue:
      record.status === 'residue'
        ? standing.map(([key, resource]) => ({
            type: resourceTypes[key],
            ...reference(resource),
            ...(resource.residue ?? { reason: 'It could not be removed.', advice: 'Send DELETE again.' }),
          }))
        : [],
    ...(foreign.length > 0 ? { leftAlone: foreign } : {}),
    ...(record.error ? { error: record.error } : {}),
    links: {
      self: `/integrations/${record.integrationId}`,
      execution: record.executionArn,
      console: consoleLink(record.executionArn),
    },
  };
}

/** The answer to the request that started an integration, whatever has become of it since. */
export function firstView(record: IntegrationRecord): IntegrationView {
  const { error: _error, ...rest } = record;
  return integrationView({
    ...rest,
    status: 'provisioning',
    updatedAt: record.createdAt,
    steps: {},
    resources: {},
  });
}
