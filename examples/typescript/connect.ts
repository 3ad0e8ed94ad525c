/**
 * Connects a new bucket to a Dataloop project and waits until it is ready.
 *
 *     npm install @aws-sdk/credential-provider-node @smithy/signature-v4 @aws-crypto/sha256-js
 *     export AWS_REGION=REGION API_URL=https://API_ID.execute-api.REGION.amazonaws.com
 *     node connect.ts acme-images dataloop-dev-acme-images PROJECT_ID "Acme images"
 *
 * The last argument is the name of a new dataset on the bucket. Leave it out for none.
 * Runs on Node.js 22.18 and newer as it is. Credentials come from where the AWS CLI finds them.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Sha256 } from '@aws-crypto/sha256-js';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { SignatureV4 } from '@smithy/signature-v4';

interface Integration {
  readonly integrationId: string;
  readonly status: string;
  readonly resources: readonly object[];
  readonly residue: readonly { readonly type: string; readonly reason: string; readonly advice: string }[];
  /** With its id, and how many items Dataloop found in the bucket. */
  readonly dataset?: {
    readonly name: string;
    readonly id?: string;
    readonly sync?: string;
    readonly items?: number;
  };
  readonly error?: { readonly step?: string; readonly detail: string };
  readonly links: { readonly self: string };
}

const { API_URL = '', AWS_REGION: region = '' } = process.env;
const credentials = defaultProvider();
const signer = new SignatureV4({ service: 'execute-api', region, credentials, sha256: Sha256 });

/** One call of the API. Comes again where the service asks for that; a key makes this safe. */
async function call(method: string, path: string, request?: object, key?: string): Promise<Integration> {
  const url = new URL(API_URL.replace(/\/+$/, '') + path);
  const body = request && JSON.stringify(request);
  for (let attempt = 0; ; attempt += 1) {
    // Signed for each attempt: a signature holds for minutes only.
    const { headers } = await signer.sign({
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      ...(url.port ? { port: Number(url.port) } : {}),
      path: url.pathname,
      headers: {
        host: url.host,
        ...(body ? { 'content-type': 'application/json' } : {}),
        ...(key ? { 'idempotency-key': key } : {}),
      },
      body,
    });
    const answer = await fetch(url, { method, headers, body: body ?? null });
    if ([429, 502, 503, 504].includes(answer.status) && attempt < 9) {
      await delay(1_000 * Number(answer.headers.get('retry-after') ?? Math.min(2 ** attempt, 10)));
      continue;
    }
    const content = JSON.parse(await answer.text());
    if (answer.ok) return content;
    // The API says what is wrong, and with which field; API Gateway only has a message.
    const errors: readonly { pointer: string; detail: string }[] = content.errors ?? [];
    const reasons = errors.map(({ pointer, detail }) => `${pointer}: ${detail}`);
    throw new Error([`${answer.status} ${content.detail ?? content.message}`, ...reasons].join('\n'));
  }
}

async function main(name: string, bucket: string, projectId: string, dataset?: string): Promise<void> {
  // Send the same key again if you lose the answer: the bucket is connected once.
  const key = randomUUID();
  const request = {
    name,
    bucket: { name: bucket },
    dataloop: { projectId },
    ...(dataset ? { dataset: { name: dataset } } : {}),
  };
  let integration = await call('POST', '/integrations', request, key);
  console.error(`${integration.integrationId} (Idempotency-Key ${key})`);
  while (['provisioning', 'rolling-back'].includes(integration.status)) {
    await delay(2_000);
    integration = await call('GET', integration.links.self);
  }
  const { integrationId, status, resources, residue, error } = integration;
  for (const { type, reason, advice } of residue) console.error(`Left: ${type}: ${reason} ${advice}`);
  if (status !== 'ready') throw new Error(`${status} at ${error?.step}: ${error?.detail}`);
  console.log(JSON.stringify({ integrationId, resources, dataset: integration.dataset }));
}

const [name, bucket, projectId, dataset, ...rest] = process.argv.slice(2);
if (!name || !bucket || !projectId || rest.length > 0) {
  console.error('Usage: connect.ts NAME BUCKET PROJECT_ID [DATASET]');
  process.exitCode = 2;
} else {
  try {
    await main(name, bucket, projectId, dataset);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
