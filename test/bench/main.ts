/**
 * `npm run bench`: how long it takes to connect a bucket, by this service and by scripts that a user would write instead,
 * on the local environment with slow calls. docs/performance.md says how to read it.
 *
 *   npm run bench -- --runs 20 --seed 7        how often each is measured, and the seed of what each call takes
 *   npm run bench -- --aws 100 --journal 10 --dataloop 300 --principal 4000      milliseconds
 *   npm run bench -- --json                    for programs
 *   npm run bench -- many                      many at once, within the limits of IAM and Dataloop, in virtual time
 *   npm run bench -- cold --runs 20            how long Node.js takes to import each function, now and at first
 */
import { setTimeout as delay } from 'node:timers/promises';
import { paginateListFunctions, UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { deployService } from '../../local/environment/deploy.ts';
import { runProgram } from '../../local/environment/processes.ts';
import { accountIds } from '../../local/environment/root-keys.ts';
import { inRunFolder } from '../../local/environment/run-folder.ts';
import type { LocalEnvironment } from '../../local/environment/start.ts';
import { sandboxControl } from '../../local/sandbox/control-client.ts';
import { startBehindProxy } from '../faults/behind-proxy.ts';
import { clientsAt } from '../faults/clients.ts';
import { recordItem } from '../faults/journal.ts';
import { runJest } from '../jest.ts';
import { serviceAt } from '../service.ts';
import { type Options, readOptions } from './options.ts';
import { type Run, resultOf, tableOf } from './report.ts';
import { type Manner, scriptFor } from './script.ts';
import { breakdown, SlowWorld } from './world.ts';

const say = (text: string) => void process.stderr.write(`${text}\n`);

const stage = 'bench';
/** How people wait for IAM: Terraform's examples and the AWS forums have ten seconds. */
const usualSleep = 10_000;

const scripts: Readonly<Record<string, Manner>> = {
  'script, fixed sleeps': { sideBySide: false, sleep: usualSleep },
  'script, retrying': { sideBySide: false, sleep: undefined },
  'side by side, retrying': { sideBySide: true, sleep: undefined },
};

/** Milliseconds between two looks at the journal. */
const lookEvery = 25;

/** As AWS does when nobody has called a function for a while: its next call starts it anew. */
async function makeCold(environment: LocalEnvironment): Promise<void> {
  const { lambda } = clientsAt(environment);
  for await (const page of paginateListFunctions({ client: lambda }, {})) {
    for (const { FunctionName, Timeout } of page.Functions ?? []) {
      await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Timeout }));
    }
  }
}

async function bench({ runs, seed, latencies, isJson }: Options, folder: string): Promise<number> {
  const world = new SlowWorld(latencies, seed);
  const { environment, proxy, dataloopApiUrl } = await startBehindProxy(
    { folder, portBase: process.env['PORT_BASE'], say },
    { usual: world },
  );
  const { sandbox, region, credentials } = environment;
  say('Deploying with serverless deploy');
  const deployment = await deployService(environment, stage, {
    bucketNamePattern: 'dataloop-*',
    dataloopApiUrl,
    // As docs/security.md asks of production: then Preflight need not learn it first.
    dataloopOrganizationId: sandbox.organizationId,
  });
  await sandboxControl(sandbox).set('', { integrationLimit: 1_000 });
  // The clients of the script look where the functions do.
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: `https://127.0.0.1:${proxy.emulatorPort}`,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  });
  const service = serviceAt({ environment, deployment });
  const script = scriptFor({
    apiUrl: dataloopApiUrl,
    token: sandbox.token,
    organizationId: sandbox.organizationId,
    projectId: sandbox.projectId,
    region,
    accountId: accountIds.customer,
    permissionsBoundaryArn: deployment.outputs.PermissionsBoundaryArn,
  });

  const measured = new Map<string, Run[]>();
  async function measure<T>(what: string, work: () => Promise<T>, isCounted: boolean): Promise<T> {
    const first = world.calls.length;
    const from = Date.now();
    const result = await work();
    const to = Date.now();
    const calls = world.calls.slice(first);
    const run = {
      milliseconds: to - from,
      parts: breakdown(calls, from, to),
      calls: calls.filter(({ part }) => part !== 'Journal').length,
    };
    if (isCounted) measured.set(what, [...(measured.get(what) ?? []), run]);
    say(`${what}: ${(run.milliseconds / 1_000).toFixed(2)} s`);
    return result;
  }
  /** Looks past the service, which has no time for it. */
  const ends = async (integrationId: string, wanted: string): Promise<void> => {
    for (;;) {
      const status = (await recordItem({ environment, deployment }, integrationId))?.status ?? '';
      if (status === wanted) return;
      if (['failed', 'residue'].includes(status)) {
        throw new Error(`The integration ${integrationId} is ${status}, not ${wanted}.`);
      }
      await delay(lookEvery);
    }
  };
  async function ours(kind: string, name: string, isCounted: boolean): Promise<void> {
    const id = await measure(
      `ours, ${kind}`,
      async () => {
        const { integrationId } = await service.connect(name);
        await ends(integrationId, 'ready');
        return integrationId;
      },
      isCounted,
    );
    await measure(
      `removal, ${kind}`,
      async () => {
        await service.api.request('DELETE', `/integrations/${id}`);
        await ends(id, 'removed');
      },
      isCounted,
    );
  }

  // The first round starts all functions, and opens connections; it counts for nothing.
  for (let round = 0; round <= runs; round += 1) {
    const isCounted = round > 0;
    say(`Round ${round} of ${runs}`);
    await ours('warm', `bench-${seed}-w${round}`, isCounted);
    for (const [what, manner] of Object.entries(scripts)) {
      const name = `dataloop-bench-${seed}-${Object.keys(scripts).indexOf(what)}-${round}`;
      await script.disconnect(await measure(what, () => script.connect(name, manner), isCounted));
    }
    await makeCold(environment);
    await ours('cold', `bench-${seed}-c${round}`, isCounted);
  }
  await proxy.stop();
  process.stdout.write(
    isJson
      ? `${JSON.stringify(resultOf(measured, latencies), undefined, 2)}\n`
      : `${tableOf(measured, latencies)}\n`,
  );
  return 0;
}

/** It needs no environment: its world is in memory, and so is its clock. */
async function many(folder: string): Promise<number> {
  const env = { ...process.env, THOROUGH: '1', TABLE: '1' };
  return (await runJest(folder, ['unit'], ['--testPathPatterns', 'schedules/many'], env)).failed;
}

async function imports({ runs }: Options, folder: string): Promise<number> {
  // It puts the variables of functions into the environment, which nothing else here may have.
  const { cold } = await import('./cold.ts');
  process.stdout.write(`${await cold(runs, folder, say)}\n`);
  return 0;
}

const [first, ...others] = process.argv.slice(2);
await runProgram(() =>
  inRunFolder('bench', (folder) => {
    if (first === 'many') return many(folder);
    if (first === 'cold') return imports(readOptions(others), folder);
    return bench(readOptions(process.argv.slice(2)), folder);
  }),
);
