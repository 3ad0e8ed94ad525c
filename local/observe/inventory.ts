/** The resources in the customer's account and at Dataloop: compared before and after, they prove what is left. */
import { IAMClient } from '@aws-sdk/client-iam';
import { S3Client } from '@aws-sdk/client-s3';
import type { LocalEnvironment } from '../environment/start.ts';
import { sandboxControl } from '../sandbox/control-client.ts';
import { bucketNames, policyArns, rolesIn } from './account.ts';

/** Kind of resource → names or ARNs of all there are, in order. */
export type Listing = Readonly<Record<string, readonly string[]>>;

export async function takeListing(
  environment: Pick<LocalEnvironment, 'endpointUrl' | 'region' | 'credentials' | 'sandbox'>,
): Promise<Listing> {
  const { endpointUrl: endpoint, region, credentials, sandbox } = environment;
  const iam = new IAMClient({ endpoint, region, credentials });
  const s3 = new S3Client({ endpoint, region, credentials });
  const buckets = await bucketNames(s3);
  const policies = await policyArns(iam);
  const roles = (await rolesIn(iam)).map(({ arn }) => arn);
  const dataloop = await sandboxControl(sandbox).state();
  return {
    buckets: buckets.sort(),
    policies: policies.sort(),
    roles: roles.sort(),
    integrations: dataloop.integrations.map(({ name, id }) => `${name} (${id})`).sort(),
    drivers: dataloop.drivers.map(({ name, id }) => `${name} (${id})`).sort(),
    datasets: dataloop.datasets.map(({ name, id }) => `${name} (${id})`).sort(),
    'Dataloop IAM users': dataloop.iamUsers.toSorted(),
  };
}

/** Resources only in `after` (+) and only in `before` (-); empty if both are the same. */
export function differences(before: Listing, after: Listing): string[] {
  return Object.keys(after).flatMap((kind) => {
    const [old, now] = [new Set(before[kind]), new Set(after[kind])];
    return [
      ...[...now].filter((name) => !old.has(name)).map((name) => `+ ${kind}: ${name}`),
      ...[...old].filter((name) => !now.has(name)).map((name) => `- ${kind}: ${name}`),
    ];
  });
}
