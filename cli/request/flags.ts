/** The usual fields of a request as flags, and which flag is which field. */
import * as z from 'zod';
import type { World } from '../world.ts';
import { requestFrom, tagsFrom } from './build.ts';

export const bucketFlags = [
  ['--bucket <name>', 'name of the bucket'],
  ['--adopt-bucket', 'use a bucket that exists, instead of creating it'],
  ['--bucket-region <region>', 'region of the bucket; default: that of the deployment'],
  ['--prefix <folder/>', 'limit Dataloop to one folder'],
  ['--kms-key <arn>', 'encrypt with this KMS key'],
  ['--no-cors', "do not let Dataloop's web console show the images"],
  ['--block-public-access', 'close public access of an adopted bucket'],
  ['--project <id>', 'project at Dataloop that gets the driver'],
  ['--driver-name <name>', 'name of the driver at Dataloop'],
  ['--no-delete', 'Dataloop may not delete objects'],
  ['--tag <key=value...>', 'tags of the bucket and the policy'],
  ['--description <text>', 'what it is for'],
  ['-f, --file <path>', 'request as JSON or YAML, - for standard input; flags win'],
] as const;

export const integrationFlags = [
  ...bucketFlags,
  ['--dataset <name>', 'create this dataset on the driver, and sync it'],
  ['--organization <id>', 'organisation at Dataloop; default: that of the project'],
  ['--dataloop-integration <id>', 'adopt this integration at Dataloop'],
  ['--operator', 'a person makes the integration at Dataloop'],
  ['--role <name>', 'name of the role; default: dataloop-NAME'],
  ['--adopt-role', 'use a role that exists, instead of creating it'],
] as const;

export const bucketFlagsSchema = z.object({
  bucket: z.string().optional(),
  adoptBucket: z.literal(true).optional(),
  bucketRegion: z.string().optional(),
  prefix: z.string().optional(),
  kmsKey: z.string().optional(),
  // Commander sets what begins with "no-" to true where it is not given.
  cors: z.boolean().default(true),
  blockPublicAccess: z.literal(true).optional(),
  project: z.string().optional(),
  driverName: z.string().optional(),
  delete: z.boolean().default(true),
  tag: z.array(z.string()).optional(),
  description: z.string().optional(),
  file: z.string().optional(),
});

export const integrationFlagsSchema = bucketFlagsSchema.extend({
  dataset: z.string().optional(),
  organization: z.string().optional(),
  dataloopIntegration: z.string().optional(),
  operator: z.literal(true).optional(),
  role: z.string().optional(),
  adoptRole: z.literal(true).optional(),
});

/** The flag of each field, for messages. */
export const flagOf: Readonly<Record<string, string>> = {
  '/name': 'NAME, the first argument',
  '/bucket': '--bucket',
  '/bucket/name': '--bucket',
  '/bucket/region': '--bucket-region',
  '/bucket/prefix': '--prefix',
  '/bucket/kmsKeyArn': '--kms-key',
  '/dataloop': '--project',
  '/dataloop/projectId': '--project',
  '/dataloop/organizationId': '--organization',
  '/dataloop/integrationId': '--dataloop-integration',
  '/dataloop/driverName': '--driver-name',
  '/dataset': '--dataset',
  '/dataset/name': '--dataset',
  '/role/name': '--role',
  '/description': '--description',
};

const adopt = (isAdopted: true | undefined) => (isAdopted ? 'adopt' : undefined);
/** Only what differs from the default: a file may say otherwise. */
const onlyNo = (value: boolean) => (value ? undefined : false);

function bucketFields(flags: z.output<typeof bucketFlagsSchema>) {
  return {
    description: flags.description,
    bucket: {
      name: flags.bucket,
      mode: adopt(flags.adoptBucket),
      region: flags.bucketRegion,
      prefix: flags.prefix,
      kmsKeyArn: flags.kmsKey,
      cors: onlyNo(flags.cors),
      blockPublicAccess: flags.blockPublicAccess,
    },
    dataloop: {
      projectId: flags.project,
      driverName: flags.driverName,
      allowDelete: onlyNo(flags.delete),
    },
    tags: tagsFrom(flags.tag),
  };
}

export const bucketRequest = (flags: z.output<typeof bucketFlagsSchema>, world: World): Promise<unknown> =>
  requestFrom(flags.file, bucketFields(flags), world);

export function integrationRequest(
  name: string | undefined,
  flags: z.output<typeof integrationFlagsSchema>,
  world: World,
): Promise<unknown> {
  const { dataloop, ...fields } = bucketFields(flags);
  return requestFrom(
    flags.file,
    {
      name,
      ...fields,
      dataloop: {
        ...dataloop,
        organizationId: flags.organization,
        integrationId: flags.dataloopIntegration,
        createdBy: flags.operator ? 'operator' : undefined,
      },
      dataset: { name: flags.dataset },
      role: { name: flags.role, mode: adopt(flags.adoptRole) },
    },
    world,
  );
}
