/** One deployment on the local AWS with the fault proxy between its functions and everything that they call. */
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { paginateListFunctions, UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { type Deployment, deployService } from '../../local/environment/deploy.ts';
import { type AwsKeys, accountIds } from '../../local/environment/root-keys.ts';
import type { LocalEnvironment } from '../../local/environment/start.ts';
import { sandboxControl } from '../../local/sandbox/control-client.ts';
import { adoptableCount, bucketName, roleName } from '../adoptable.ts';
import { startBehindProxy } from './behind-proxy.ts';
import { clientsAt, type Place } from './clients.ts';
import { governed } from './governed.ts';
import type { FaultProxy } from './proxy/proxy.ts';
import { queueUrls } from './queues.ts';

export interface TestBed {
  readonly environment: LocalEnvironment;
  readonly deployment: Deployment;
  readonly proxy: FaultProxy;
  /** Parameters that it was deployed with. */
  readonly params: Readonly<Record<string, string | number>>;
  /** The environment of who deploys it. */
  readonly deployerEnv: LocalEnvironment['env'];
}

/** How long waits and retry intervals of the state machines last. */
const waitScale = 0.06;
/**
 * Half of what is deployed: a function that hangs is waited for, and a machine that is busy with other things needs
 * time for one that does not. All retries of a state, which wait for 390 s on AWS, last longer than a function that may
 * still be at work, and the grace after it.
 */
export const functionTimeoutSeconds = 15;
const visibilityTimeoutSeconds = 16;
const iamUserTimeoutSeconds = 30;
/** Tests connect side by side, as one caller. */
export const openPerCaller = 30;

export const stage = 'test';

/** What requests may adopt: outside of every pattern. An ARN in a policy need not exist; the tests make what they need. */
const arns = (prefix: string, nameOf: (number: number) => string) =>
  Array.from({ length: adoptableCount }, (_, number) => `${prefix}${nameOf(number)}`).join(',');
const adoptableBucketArns = arns('arn:aws:s3:::', bucketName);
const adoptableRoleArns = arns(`arn:aws:iam::${accountIds.customer}:role/team/`, roleName);

/**
 * @param number of the bed, where several stand at once
 * @param bundle bundles the functions, where several beds have them in common. @returns the folder
 * @param isGoverned whether it is deployed as an organisation asks for it, by somebody who may do nothing else
 */
export async function startTestBed(
  folder: string,
  say: (line: string) => void,
  number = 0,
  bundle: (environment: LocalEnvironment) => Promise<string | undefined> = async () => undefined,
  isGoverned = false,
): Promise<TestBed> {
  const { PORT_BASE } = process.env;
  const { environment, proxy, dataloopApiUrl } = await startBehindProxy({
    folder,
    portBase: PORT_BASE && String(Number(PORT_BASE) + 2 * number),
    waitScale,
    say,
  });
  const kmsKeyArns = await createKey(environment);
  const { settings, deployer } = isGoverned
    ? await governed(environment)
    : { settings: {}, deployer: environment.credentials };
  const deployerEnv = envOf(environment, deployer);
  say(`Deploying with serverless deploy${isGoverned ? ' and all parameters of an organisation' : ''}`);
  const params = {
    // So that the deployment bucket matches it, too.
    bucketNamePattern: 'dataloop-*',
    regions: 'eu-west-1,us-east-1',
    dataloopApiUrl,
    iamUserTimeoutSeconds,
    openPerCaller,
    kmsKeyArns,
    adoptableBucketArns,
    adoptableRoleArns,
  };
  const deployment = await deployService(
    { ...environment, env: deployerEnv },
    stage,
    params,
    await bundle(environment),
    settings,
  );
  await shortenTimeouts(environment);
  return { environment, deployment, proxy, params: { ...params, ...settings }, deployerEnv };
}

const envOf = ({ env }: LocalEnvironment, { accessKeyId, secretAccessKey }: AwsKeys) => ({
  ...env,
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: secretAccessKey,
});

/** The key that requests may name. @returns its ARN */
async function createKey({ endpointUrl: endpoint, region, credentials }: Place): Promise<string> {
  const kms = new KMSClient({ endpoint, region, credentials });
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Description: 'Buckets of the tests' }));
  if (!KeyMetadata?.Arn) throw new Error('The emulator made a KMS key without an ARN.');
  return KeyMetadata.Arn;
}

/** From outside, as an operator could: a function that hangs is to be given up in seconds. */
export async function shortenTimeouts(environment: Place): Promise<void> {
  const { lambda, sqs } = clientsAt(environment);
  for await (const page of paginateListFunctions({ client: lambda }, {})) {
    for (const { FunctionName } of page.Functions ?? []) {
      await lambda.send(
        new UpdateFunctionConfigurationCommand({ FunctionName, Timeout: functionTimeoutSeconds }),
      );
    }
  }
  for (const QueueUrl of await queueUrls(environment)) {
    await sqs.send(
      new SetQueueAttributesCommand({
        QueueUrl,
        Attributes: { VisibilityTimeout: String(visibilityTimeoutSeconds) },
      }),
    );
  }
}

/**
 * Makes every call to Dataloop read the secret and log in first, so that these calls are in the graph, in the same
 * place each time; and lets more than fifteen integrations stand.
 */
export async function prepareBed({ environment }: TestBed): Promise<void> {
  const { sandbox } = environment;
  await clientsAt(environment).secrets.send(
    new PutSecretValueCommand({
      SecretId: `dataloop-cross-account/${stage}/dataloop`,
      SecretString: JSON.stringify({ username: sandbox.username, password: sandbox.password }),
    }),
  );
  await sandboxControl(sandbox).set('', {
    integrationLimit: 1_000,
    // Below the minute that a token must have left to be used again.
    tokenLifetimeSeconds: 30,
    refreshTokens: false,
  });
  // A configuration that is written starts functions anew: none keeps a log-in from before.
  await shortenTimeouts(environment);
}
