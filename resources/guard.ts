/** Which standing integrations new settings of a deployment would leave outside of what the service may touch. */
import { type Allowed, outsideDeployment, outsideForBucket } from '../src/domain/model/allowed.ts';
import { storedRecordSchema } from '../src/domain/model/stored-record.ts';

interface List {
  readonly list: readonly string[];
}
/** As resources/parameters.cjs gives them. */
export interface GuardedParameters {
  readonly bucketNamePattern: string;
  readonly roleNamePattern: string;
  readonly policyNamePattern: string;
  readonly regions: List;
  readonly kmsKeyArns: List;
  readonly adoptableBucketArns: List;
  readonly adoptableRoleArns: List;
  readonly deploymentBucketName: string;
  readonly dataloopAccountId: string;
  readonly dataloopOrganizationId: string;
  readonly dataloopApiUrl: string;
}

const allowedBy = (parameters: GuardedParameters, partition: string, region: string): Allowed => ({
  partition,
  region,
  bucketNamePattern: parameters.bucketNamePattern,
  roleNamePattern: parameters.roleNamePattern,
  policyNamePattern: parameters.policyNamePattern,
  regions: parameters.regions.list,
  // Tags that are written stay, and nothing needs the right to write them again.
  tagKeys: ['*'],
  kmsKeyArns: parameters.kmsKeyArns.list,
  adoptableBucketArns: parameters.adoptableBucketArns.list,
  adoptableRoleArns: parameters.adoptableRoleArns.list,
  deploymentBucket: parameters.deploymentBucketName,
  dataloopAccountId: parameters.dataloopAccountId || undefined,
  organizationId: parameters.dataloopOrganizationId || undefined,
});

const guarded = {
  exact: ['bucketNamePattern', 'roleNamePattern', 'policyNamePattern', 'dataloopApiUrl'],
  single: ['deploymentBucketName', 'dataloopAccountId', 'dataloopOrganizationId'],
  lists: ['regions', 'kmsKeyArns', 'adoptableBucketArns', 'adoptableRoleArns'],
} as const;

const isLeftOut = ({ list }: List, deployed: string | undefined): boolean =>
  deployed === undefined || deployed.split(',').some((value) => value !== '' && !list.includes(value));

/**
 * Whether settings leave out anything that those of the last deployment allow. What stands is within those, or was cut
 * off with the consent of who deployed them.
 * @param deployed as the functions have them; undefined where nobody knows
 */
export function mayCutOff(
  deployed: Readonly<Record<string, string | undefined>>,
  parameters: GuardedParameters,
): boolean {
  return (
    guarded.exact.some((name) => parameters[name] !== deployed[name]) ||
    // Empty, it allows everything.
    guarded.single.some((name) => parameters[name] !== '' && parameters[name] !== deployed[name]) ||
    guarded.lists.some((name) => isLeftOut(parameters[name], deployed[name]))
  );
}

/**
 * @param items of the table, of integrations and added buckets that own something
 * @returns a line for each that would be cut off, and for each that cannot be read
 */
export function cutOff(
  items: readonly Record<string, unknown>[],
  parameters: GuardedParameters,
  {
    partition,
    region,
    apiUrl = parameters.dataloopApiUrl,
  }: { readonly partition: string; readonly region: string; readonly apiUrl?: string | undefined },
): string[] {
  const isElsewhere = apiUrl !== parameters.dataloopApiUrl;
  const allowed = allowedBy(parameters, partition, region);
  return items.flatMap((item) => {
    const { data: record } = storedRecordSchema.safeParse(item);
    if (!record)
      return [`${item['integrationId']}: its record cannot be read, so nobody knows what it owns.`];
    const { id, kind, name, status, request, dataloop } = record;
    const wanted = { ...request, dataloop: { ...request.dataloop, ...dataloop } };
    const outside =
      kind === 'added bucket' ? outsideForBucket(wanted, allowed) : outsideDeployment(wanted, allowed);
    const reasons = [
      ...outside.map(({ pointer, detail }) => `${pointer}: ${detail}`),
      ...(isElsewhere ? [`What it has at Dataloop is at ${apiUrl}.`] : []),
    ];
    return reasons.length > 0 ? [`${id} "${name}" (${status}): ${reasons.join(' ')}`] : [];
  });
}
