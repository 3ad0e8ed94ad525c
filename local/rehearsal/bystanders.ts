/** Resources of another owner, under names that the service may touch: a local environment has no others. */
import { CreatePolicyCommand, CreateRoleCommand } from '@aws-sdk/client-iam';
import { CreateBucketCommand, PutBucketCorsCommand } from '@aws-sdk/client-s3';
import * as z from 'zod';
import type { Place } from './run.ts';
import { nameLike } from './service.ts';

const name = 'somebody-else';

/** Creates a bucket, a policy, a role, and an integration and a driver at Dataloop. */
export async function makeBystanders({ stack, clients, dataloop, projectId }: Place): Promise<void> {
  const { BUCKET_NAME_PATTERN, ROLE_NAME_PATTERN, IAM_PATH: Path } = stack.settings;
  const Bucket = nameLike(BUCKET_NAME_PATTERN, name);
  const region = z.literal('eu-west-1').parse(stack.region);
  await clients.s3.send(
    new CreateBucketCommand({
      Bucket,
      CreateBucketConfiguration: { LocationConstraint: region, Tags: [{ Key: 'team', Value: 'theirs' }] },
    }),
  );
  const rule = { AllowedMethods: ['GET'], AllowedOrigins: ['https://example.com'] };
  await clients.s3.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules: [rule] } }));

  const roleName = nameLike(ROLE_NAME_PATTERN, name);
  const document = (statement: object) => JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
  await clients.iam.send(
    new CreatePolicyCommand({
      Path,
      PolicyName: roleName,
      PolicyDocument: document({ Effect: 'Deny', Action: '*', Resource: '*' }),
    }),
  );
  await clients.iam.send(
    new CreateRoleCommand({
      Path,
      RoleName: roleName,
      AssumeRolePolicyDocument: document({
        Effect: 'Allow',
        Principal: { Service: 'ec2.amazonaws.com' },
        Action: 'sts:AssumeRole',
      }),
    }),
  );

  if (!dataloop) return;
  const post = async (path: string, body: object) => {
    const response = await fetch(`${dataloop.apiUrl}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${dataloop.token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`Dataloop answered ${response.status} to POST ${path}.`);
    return z.looseObject({ id: z.string() }).parse(await response.json());
  };
  const { id } = await post(`/orgs/${dataloop.orgId}/integrations`, { type: 'aws-cross', name, options: {} });
  await post('/drivers', {
    name,
    type: 's3',
    creator: 'somebody@example.com',
    integrationId: id,
    integrationType: 'aws-cross',
    metadata: { system: { projectId } },
    payload: { bucketName: Bucket, region, path: '', storageClass: '' },
    allowExternalDelete: false,
  });
}
