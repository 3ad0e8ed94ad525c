/** The whole local environment: the AWS emulator and the Dataloop sandbox, each in a process of its own. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreateUserCommand,
  IAMClient,
} from '@aws-sdk/client-iam';
import { type SandboxDescription, sandboxDescriptionSchema } from '../sandbox/schemas.ts';
import { type Certificate, makeCertificate, trustCertificate } from './certificate.ts';
import { projectRoot } from './paths.ts';
import { choosePorts } from './ports.ts';
import { firstLine, type Spawned, start, tail } from './processes.ts';
import { virtualEnvironment } from './python.ts';
import { type AwsKeys, accountIds, inputOf, makeRootKeys, type RootKeys } from './root-keys.ts';

const region = 'eu-west-1';

export interface LocalEnvironment {
  /** Private folder of this environment: certificate, logs, working copy of the deployment. */
  readonly folder: string;
  readonly endpointUrl: string;
  readonly region: string;
  readonly certificate: Certificate;
  /** Keys of the roots of all accounts. */
  readonly rootKeys: RootKeys;
  /** Keys of an IAM user of the customer's with AdministratorAccess: no policy binds a root. */
  readonly credentials: AwsKeys;
  readonly sandbox: SandboxDescription;
  /** Environment for any AWS client, beside the caller's own. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Settles when a part has ended, with its name: none ends before it is stopped. */
  readonly ended: Promise<string>;
}

export interface EnvironmentOptions {
  /** An empty folder that only this user can read; made, where it is missing in another such folder. */
  readonly folder: string;
  readonly portBase: string | undefined;
  /** Factor on Step Functions' waits and retry intervals: tests do not sit them out. */
  readonly waitScale?: number;
  /** Says what is being done. */
  readonly say: (line: string) => void;
  /**
   * Puts something between the functions and AWS, before either starts.
   * @param targets where the emulator and the sandbox are going to listen
   * @returns where the functions are to look for AWS
   */
  readonly intercept?: (
    targets: { readonly emulatorUrl: string; readonly sandboxUrl: string },
    certificate: Certificate,
  ) => Promise<{ readonly endpointUrl: string }>;
}

export async function startEnvironment(options: EnvironmentOptions): Promise<LocalEnvironment> {
  const { folder, say } = options;
  const ports = await choosePorts(options.portBase);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  say('Preparing the AWS emulator');
  const [venv, certificate] = await Promise.all([
    virtualEnvironment('emulator', 'local/environment/emulator/requirements.txt'),
    makeCertificate(folder),
  ]);
  trustCertificate(certificate.certFile);
  const endpointUrl = `https://127.0.0.1:${ports.emulator}`;
  const env = {
    ...withoutAwsSettings(process.env),
    PATH: `${join(projectRoot, 'node_modules', '.bin')}:${process.env['PATH'] ?? ''}`,
    AWS_REGION: region,
    AWS_ENDPOINT_URL: endpointUrl,
    AWS_CA_BUNDLE: certificate.certFile,
    NODE_EXTRA_CA_CERTS: certificate.certFile,
    // Files of this machine's user must not decide whom the tools talk to.
    AWS_CONFIG_FILE: join(folder, 'no-aws-config'),
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'no-aws-credentials'),
    AWS_EC2_METADATA_DISABLED: 'true',
  };

  const functions = await options.intercept?.(
    { emulatorUrl: endpointUrl, sandboxUrl: `https://127.0.0.1:${ports.sandbox}` },
    certificate,
  );
  say(`Starting the AWS emulator on port ${ports.emulator}`);
  const rootKeys = makeRootKeys();
  const emulator = await startEmulator(
    venv,
    ports.emulator,
    folder,
    certificate,
    // Functions inherit it from the emulator.
    { ...env, AWS_ENDPOINT_URL: functions?.endpointUrl ?? endpointUrl },
    rootKeys,
    options.waitScale,
  );
  const credentials = await createOperator(endpointUrl, rootKeys.customer);
  say(`Starting the Dataloop sandbox on port ${ports.sandbox}`);
  const { sandbox, process: sandboxProcess } = await startSandbox(ports.sandbox, folder, certificate, {
    ...env,
    AWS_ACCESS_KEY_ID: rootKeys.dataloop.accessKeyId,
    AWS_SECRET_ACCESS_KEY: rootKeys.dataloop.secretAccessKey,
  });
  return {
    folder,
    endpointUrl,
    region,
    certificate,
    rootKeys,
    credentials,
    sandbox,
    env: {
      ...env,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    },
    ended: Promise.race([
      emulator.ended.then(() => 'The AWS emulator'),
      sandboxProcess.ended.then(() => 'The Dataloop sandbox'),
    ]),
  };
}

/** The caller's environment without what would point an AWS client elsewhere. */
function withoutAwsSettings(env: NodeJS.ProcessEnv): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('AWS_')));
}

/** Folder of files that say which roles and policies the emulator shows late (`emulator/views.py`). */
export const lateViewsIn = (folder: string): string => join(folder, 'late-views');

async function startEmulator(
  venv: string,
  port: number,
  folder: string,
  certificate: Certificate,
  env: Readonly<Record<string, string | undefined>>,
  rootKeys: RootKeys,
  waitScale: number | undefined,
): Promise<Spawned> {
  const logFile = join(folder, 'emulator.log');
  const temporary = join(folder, 'tmp');
  await mkdir(temporary);
  const emulator = start(
    join(venv, 'bin', 'python'),
    [join(projectRoot, 'local', 'environment', 'emulator', 'launcher.py')],
    {
      cwd: folder,
      logFile,
      input: inputOf(rootKeys),
      env: {
        ...env,
        TMPDIR: temporary,
        AUTH: 'true',
        USE_SSL: '1',
        MINISTACK_SSL_CERT: certificate.certFile,
        MINISTACK_SSL_KEY: certificate.keyFile,
        MINISTACK_ACCOUNT_ID: accountIds.customer,
        MINISTACK_REGION: region,
        BIND_HOST: '127.0.0.1',
        GATEWAY_PORT: String(port),
        LATE_VIEWS: lateViewsIn(folder),
        // Functions inherit it: what one environment has compiled, the next need not.
        NODE_COMPILE_CACHE: join(folder, 'compile-cache'),
        ...(waitScale === undefined ? {} : { SFN_WAIT_SCALE: String(waitScale) }),
      },
    },
  );
  await untilItAnswers(`https://127.0.0.1:${port}`, emulator, logFile);
  return emulator;
}

/** Nobody else can answer: the key of its certificate is ours. */
async function untilItAnswers(url: string, emulator: Spawned, logFile: string): Promise<void> {
  let ended = false;
  const note = () => {
    ended = true;
  };
  emulator.ended.then(note, note);
  const deadline = Date.now() + 60_000;
  for (;;) {
    try {
      // Refused, for it is not signed.
      await fetch(url, { signal: AbortSignal.timeout(2_000) });
      return;
    } catch (error) {
      // Not listening yet.
      if (!(error instanceof Error)) throw error;
    }
    if (ended || Date.now() > deadline) {
      throw new Error(`The AWS emulator did not start.\n${tail(logFile)}`);
    }
    await delay(100);
  }
}

/** The person who deploys and calls: an IAM user, so that signatures and policies are really checked. */
async function createOperator(endpoint: string, root: AwsKeys): Promise<AwsKeys> {
  const iam = new IAMClient({ endpoint, region, credentials: root });
  await iam.send(new CreateUserCommand({ UserName: 'operator' }));
  await iam.send(
    new AttachUserPolicyCommand({
      UserName: 'operator',
      PolicyArn: 'arn:aws:iam::aws:policy/AdministratorAccess',
    }),
  );
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'operator' }));
  return { accessKeyId: AccessKey?.AccessKeyId ?? '', secretAccessKey: AccessKey?.SecretAccessKey ?? '' };
}

async function startSandbox(
  port: number,
  folder: string,
  certificate: Certificate,
  env: Readonly<Record<string, string | undefined>>,
) {
  const logFile = join(folder, 'sandbox.log');
  const spawned = start(process.execPath, [join(projectRoot, 'local', 'sandbox', 'main.ts')], {
    cwd: projectRoot,
    logFile,
    pipeOutput: true,
    env: {
      ...env,
      SANDBOX_PORT: String(port),
      SANDBOX_TLS_CERT: certificate.certFile,
      SANDBOX_TLS_KEY: certificate.keyFile,
      DATALOOP_ACCOUNT_ID: accountIds.dataloop,
    },
  });
  const { stdout } = spawned.process;
  if (!stdout) throw new Error('The sandbox has no standard output.');
  try {
    return { process: spawned, sandbox: sandboxDescriptionSchema.parse(JSON.parse(await firstLine(stdout))) };
  } catch (error) {
    throw new Error(`The Dataloop sandbox did not start.\n${tail(logFile)}`, { cause: error });
  }
}
