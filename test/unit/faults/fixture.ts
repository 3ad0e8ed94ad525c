/** A fault proxy before an upstream that answers as a test says, real clients, and clients in processes of their own. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import tls from 'node:tls';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { IAMClient } from '@aws-sdk/client-iam';
import { KMSClient } from '@aws-sdk/client-kms';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';
import { STSClient } from '@aws-sdk/client-sts';
import * as z from 'zod';
import { type Certificate, makeCertificate } from '../../../local/environment/certificate.ts';
import { FaultProxy } from '../../faults/proxy/proxy.ts';

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

interface Scripted {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What stands behind the proxy. */
export interface FakeUpstream {
  readonly url: string;
  readonly seen: Seen[];
  /** How it answers; as a service that is content with everything until a test says otherwise. */
  answer: (seen: Seen) => Scripted | Promise<Scripted>;
  close(): Promise<void>;
}

/** An answer that the client of the service can read. */
function contented({ headers, body }: Seen): Scripted {
  if (headers['x-amz-target']) {
    // The client of SQS checks that its message arrived whole.
    const { MessageBody } = z.object({ MessageBody: z.string().default('') }).parse(JSON.parse(body));
    const MD5OfMessageBody = createHash('md5').update(MessageBody).digest('hex');
    return {
      headers: { 'content-type': 'application/x-amz-json-1.0' },
      body: JSON.stringify({ MD5OfMessageBody }),
    };
  }
  const [, action] = /^Action=(\w+)/.exec(body) ?? [];
  if (!action) return {};
  const xml = `<${action}Response><${action}Result></${action}Result></${action}Response>`;
  return { headers: { 'content-type': 'text/xml' }, body: xml };
}

export async function startUpstream(): Promise<FakeUpstream> {
  const upstream: FakeUpstream = { url: '', seen: [], answer: contented, close: () => closeServer(server) };
  const server = createServer(async (request, response) => {
    const seen = {
      method: request.method ?? '',
      url: request.url ?? '',
      headers: request.headers,
      body: (await buffer(request)).toString('utf8'),
    };
    upstream.seen.push(seen);
    const { status = 200, headers = {}, body = '' } = await upstream.answer(seen);
    response.writeHead(status, headers);
    response.end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('The upstream has no port.');
  return Object.assign(upstream, { url: `http://127.0.0.1:${address.port}` });
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

export interface Fixture {
  readonly proxy: FaultProxy;
  readonly certificate: Certificate;
  readonly emulator: FakeUpstream;
  readonly sandbox: FakeUpstream;
  /** Base of Dataloop's API, through the proxy. */
  readonly apiUrl: string;
  readonly clients: ReturnType<typeof clientsOf>;
  stop(): Promise<void>;
}

/** A call that hangs is given up after this time. Only a hang reaches it, however busy the machine is. */
const patientMs = 60_000;

function clientsOf(endpoint: string, requestTimeoutMs: number) {
  const settings = {
    endpoint,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' },
    // The SDK waits up to a second before its second attempt, two before the third.
    maxAttempts: 2,
    requestHandler: { requestTimeout: requestTimeoutMs, throwOnRequestTimeout: true },
  };
  return {
    iam: new IAMClient(settings),
    kms: new KMSClient(settings),
    s3: new S3Client(settings),
    sts: new STSClient(settings),
    dynamodb: new DynamoDBClient(settings),
    states: new SFNClient(settings),
    events: new EventBridgeClient(settings),
    sqs: new SQSClient({ ...settings, useQueueUrlAsEndpoint: false }),
    secrets: new SecretsManagerClient(settings),
  };
}

/** @param requestTimeoutMs after which the clients give a call up */
export async function startFixture(requestTimeoutMs = patientMs): Promise<Fixture> {
  const folder = await mkdtemp(join(tmpdir(), 'fault-proxy-'));
  const certificate = await makeCertificate(folder);
  // Instead of the one of another test file, which has the same name: of two, the wrong one would be looked up.
  tls.setDefaultCACertificates([...tls.rootCertificates, await readFile(certificate.certFile, 'utf8')]);
  const [emulator, sandbox] = await Promise.all([startUpstream(), startUpstream()]);
  const proxy = await FaultProxy.start({
    certificate,
    emulator: { listenPort: 0, targetUrl: emulator.url },
    sandbox: { listenPort: 0, targetUrl: sandbox.url },
  });
  const clients = clientsOf(`https://127.0.0.1:${proxy.emulatorPort}`, requestTimeoutMs);
  return {
    proxy,
    certificate,
    emulator,
    sandbox,
    apiUrl: `https://127.0.0.1:${proxy.sandboxPort}/api/v1`,
    clients,
    stop: async () => {
      for (const client of Object.values(clients)) client.destroy();
      await proxy.stop();
      await Promise.all([emulator.close(), sandbox.close()]);
      await rm(folder, { recursive: true });
    },
  };
}

/** Starts anew between tests: the upstreams are content again and have seen nothing. */
export function reset({ emulator, sandbox }: Fixture): void {
  for (const upstream of [emulator, sandbox]) {
    upstream.seen.length = 0;
    upstream.answer = contented;
  }
}

const thrownSchema = z.object({
  name: z.string(),
  $metadata: z.object({ httpStatusCode: z.number().optional() }).optional(),
});

/** Name, and status of the answer, of what a promise is rejected with. @throws Error where it is not rejected */
export async function errorOf(call: Promise<unknown>): Promise<{ name: string; status: number | undefined }> {
  const rejected = await call.then(
    () => undefined,
    (reason: unknown) => ({ reason }),
  );
  if (!rejected) throw new Error('Nothing was thrown.');
  const { name, $metadata } = thrownSchema.parse(rejected.reason);
  return { name, status: $metadata?.httpStatusCode };
}

export interface WorkerRequest {
  readonly url: string;
  readonly method?: string;
  readonly body?: string;
}

const workerScript = `
const [requests] = process.argv.slice(1).map(JSON.parse);
const answers = [];
for (const { url, ...init } of requests) {
  const response = await fetch(url, init).catch(() => undefined);
  await response?.text();
  answers.push(response ? response.status : 'no answer');
}
process.stdout.write(JSON.stringify(answers));
`;

/** Makes requests one after the other from a process of its own, as a function's worker does. */
export async function workerOf(
  functionName: string | undefined,
  { certificate }: Fixture,
  requests: readonly WorkerRequest[],
): Promise<{ pid: number | undefined; signal: string | null; answers: unknown }> {
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', workerScript, JSON.stringify(requests)],
    {
      env: {
        NODE_EXTRA_CA_CERTS: certificate.certFile,
        ...(functionName === undefined ? {} : { AWS_LAMBDA_FUNCTION_NAME: functionName }),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const ended = new Promise<string | null>((resolve) => {
    child.once('exit', (_code, signal) => resolve(signal));
  });
  const [signal, output] = await Promise.all([ended, text(child.stdout)]);
  return { pid: child.pid, signal, answers: output === '' ? undefined : JSON.parse(output) };
}
