/** What is there before the service and is none of its business, under names that it may touch. */
import { CreatePolicyCommand, CreateRoleCommand } from '@aws-sdk/client-iam';
import { CreateBucketCommand, PutBucketCorsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { TestBed } from './bed.ts';
import { clientsAt } from './clients.ts';
import { foreignName as name, takeForeign } from './oracle.ts';

/** Makes them once: a bucket with objects and CORS rules, a policy, a role, an integration with a driver. */
export async function prepareForeign(bed: TestBed): Promise<void> {
  if ((await takeForeign(bed)).size > 0) return;
  const { sandbox } = bed.environment;
  const { iam, s3 } = clientsAt(bed.environment);
  await s3.send(
    new CreateBucketCommand({
      Bucket: name,
      CreateBucketConfiguration: {
        LocationConstraint: 'eu-west-1',
        Tags: [{ Key: 'team', Value: 'theirs' }],
      },
    }),
  );
  for (const Key of ['raw/1.jpg', 'raw/2.jpg']) {
    await s3.send(new PutObjectCommand({ Bucket: name, Key, Body: Key }));
  }
  await s3.send(
    new PutBucketCorsCommand({
      Bucket: name,
      CORSConfiguration: {
        CORSRules: [{ AllowedMethods: ['GET'], AllowedOrigins: ['https://example.com'] }],
      },
    }),
  );
  const document = (statement: object) => JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
  const Path = `/dataloop-cross-account/${bed.deployment.stage}/`;
  await iam.send(
    new CreatePolicyCommand({
      Path,
      PolicyName: name,
      PolicyDocument: document({ Effect: 'Deny', Action: '*', Resource: '*' }),
    }),
  );
  await iam.send(
    new CreateRoleCommand({
      Path,
      RoleName: name,
      AssumeRolePolicyDocument: document({
        Effect: 'Allow',
        Principal: { Service: 'ec2.amazonaws.com' },
        Action: 'sts:AssumeRole',
      }),
    }),
  );
  const response = await fetch(`${sandbox.apiUrl}/orgs/${sandbox.organizationId}/integrations`, {
    method: 'POST',
    headers: { authorization: `Bearer ${sandbox.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ type: 'aws-cross', name, options: {} }),
  });
  if (!response.ok) throw new Error(`The sandbox made no integration: ${await response.text()}`);
}
