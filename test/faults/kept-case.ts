/** One case of a removal whose bucket stays with its owner, with a fault on the way. */
import {
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetBucketPolicyCommand,
  GetBucketTaggingCommand,
  GetObjectCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { IntegrationAnswer } from '../../local/observe/api-client.ts';
import { testFiles } from '../../local/sandbox/aws.ts';
import { ownerTag } from '../../src/domain/model/desired-state.ts';
import type { TestBed } from './bed.ts';
import type { Case } from './cases.ts';
import { clientsAt } from './clients.ts';
import { type Ending, endingOf, violations } from './oracle.ts';

/** After the path of a removal. */
export const keeping = '?force=true&keepBucket=true';

const tag = { Key: 'team', Value: 'labelling' };
/** With a tag that stays: so the same call takes ours away, whether the deployment has tags of its own or not. */
export const tagged = { tags: { [tag.Key]: tag.Value } };

const theirs = { Key: 'theirs/1.jpg', Body: 'What the owner keeps' };

/** A bucket as its owner has it: with something in it. */
export const fill = (s3: S3Client, Bucket: string) => s3.send(new PutObjectCommand({ Bucket, ...theirs }));

/** Undefined where S3 says that the bucket has none. */
async function orNone<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof Error && /^NoSuch(TagSet|BucketPolicy)/.test(error.name)) return undefined;
    throw error;
  }
}

/** @returns what is not as its owner wants it: the objects are there, and nothing of ours is left on the bucket */
async function keptViolations(s3: S3Client, Bucket: string): Promise<string[]> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: theirs.Key }));
  const text = await Body?.transformToString();
  const tags = (await orNone(s3.send(new GetBucketTaggingCommand({ Bucket }))))?.TagSet ?? [];
  const policy = (await orNone(s3.send(new GetBucketPolicyCommand({ Bucket }))))?.Policy;
  return [
    ...(text === theirs.Body ? [] : [`The object now holds ${text}`]),
    ...(tags.some(({ Key }) => Key === ownerTag) ? ['The kept bucket has our tag'] : []),
    ...(tags.some(({ Key, Value }) => Key === tag.Key && Value === tag.Value) ? [] : ['Its own tag is gone']),
    ...(policy ? [`The kept bucket has the policy ${policy}`] : []),
  ];
}

/** Takes away what its owner would keep. */
export async function dropKept(s3: S3Client, Bucket: string): Promise<void> {
  for (const Key of [theirs.Key, ...testFiles]) await s3.send(new DeleteObjectCommand({ Bucket, Key }));
  await s3.send(new DeleteBucketCommand({ Bucket }));
}

interface KeptRun {
  readonly bed: TestBed;
  readonly scope: string;
  readonly wanted: Case;
  connect(request: Record<string, unknown>): Promise<IntegrationAnswer>;
  disconnect(integrationId: string, query: string): Promise<IntegrationAnswer>;
  addRules(): Promise<void>;
}

/** @returns how the removal that met the fault ended */
export async function keptInTurn(run: KeptRun, found: string[]): Promise<Ending | undefined> {
  const { bed, scope, wanted } = run;
  const { s3 } = clientsAt(bed.environment);
  const { integrationId, name, status } = await run.connect(tagged);
  if (status !== 'ready') found.push(`Without a fault it ended ${status}`);
  const bucket = `dataloop-${name}`;
  await fill(s3, bucket);
  await run.addRules();
  const struck = await run.disconnect(integrationId, keeping);
  const ending = endingOf(struck);
  if (wanted.end !== 'any' && ending !== wanted.end) found.push(`Ended ${ending}, not ${wanted.end}`);
  await bed.proxy.clearRules(scope);
  // What is left is a to-do; here nothing but the fault was in the way.
  const last = ending === 'residue' ? await run.disconnect(integrationId, keeping) : struck;
  if (endingOf(last) !== 'clean') found.push(`In the end it is ${last.status}`);
  found.push(...(await keptViolations(s3, bucket)));
  await dropKept(s3, bucket);
  // Without the bucket, nothing is there, and the record says so.
  found.push(...(await violations(bed, last)));
  return ending;
}
