/** `npm run rehearse`: fails each step of an integration and of a driver once, and proves that nothing is left. */
import { deployService } from '../environment/deploy.ts';
import { saveFunctionLogs } from '../environment/logs.ts';
import { beforeStopping, isStopping, runProgram } from '../environment/processes.ts';
import { inRunFolder } from '../environment/run-folder.ts';
import { startEnvironment } from '../environment/start.ts';
import { apiClient } from '../observe/api-client.ts';
import type { Screen } from '../observe/progress.ts';
import { makeBystanders } from './bystanders.ts';
import { type Options, parseOptions, usage } from './options.ts';
import { type Place, rehearseAt } from './run.ts';
import { awsClients, readStack } from './stack.ts';

const screen: Screen = {
  isTerminal: process.stdout.isTTY === true,
  // While it is being stopped, only what is taken back is told.
  write: (text) => {
    if (!isStopping()) process.stdout.write(text);
  },
};
const say = (line: string) => screen.write(`${line}\n`);

/** IAM's changes take some seconds to act on AWS, a few more than is usual here; the emulator's act at once. */
const iamDelayMs = 15_000;

async function deployedPlace(deployed: NonNullable<Options['deployed']>): Promise<Place> {
  const { region, endpoint } = deployed;
  const clients = awsClients({ region, ...(endpoint ? { endpoint } : {}) });
  const stack = await readStack(clients, deployed.stage, deployed);
  return {
    stack,
    clients,
    // Asked for with each call, as temporary credentials run out.
    api: apiClient(stack.apiUrl, region, clients.iam.config.credentials),
    dataloop: deployed.dataloop,
    projectId: deployed.projectId,
    timeoutSeconds: 1_800,
    ...(endpoint ? { iamDelayMs: 0, pollPauseMs: 0 } : { iamDelayMs, pollPauseMs: 1_000 }),
  };
}

const hooks = { screen, isStopping, beforeStopping };

async function rehearseDeployed(options: Options & { deployed: NonNullable<Options['deployed']> }) {
  return (await rehearseAt(await deployedPlace(options.deployed), options.only, hooks)) ? 0 : 1;
}

async function rehearseLocally({ only }: Options): Promise<number> {
  return inRunFolder('rehearsal', async (folder) => {
    say('\nStarting a local AWS account and the Dataloop sandbox');
    const environment = await startEnvironment({
      folder,
      portBase: process.env['PORT_BASE'],
      // Nothing here is to be seen of a wait, and there are many.
      waitScale: 0.05,
      say: (line) => say(`  ${line}`),
    });
    say('\nDeploying with serverless deploy');
    const { apiUrl } = await deployService(environment, 'rehearsal');
    say(`  ✓ ${apiUrl}`);
    const { region, endpointUrl: endpoint, credentials, sandbox } = environment;
    const clients = awsClients({ region, endpoint, credentials });
    const place: Place = {
      stack: await readStack(clients, 'rehearsal', { apiUrl }),
      clients,
      api: apiClient(apiUrl, region, credentials),
      dataloop: { apiUrl: sandbox.apiUrl, token: sandbox.token, orgId: sandbox.organizationId },
      projectId: sandbox.projectId,
      timeoutSeconds: 120,
      iamDelayMs: 0,
      pollPauseMs: 0,
    };
    await makeBystanders(place);
    say(
      "  ✓ somebody else's bucket, policy, role, integration and driver, under names that the service may touch",
    );
    // The environment ends with the program, and whatever was done to it.
    if (await rehearseAt(place, only, { ...hooks, beforeStopping: () => undefined })) return 0;
    await saveFunctionLogs(environment).catch(() => undefined);
    throw new Error('The rehearsal does not prove what it is to prove: see above.');
  });
}

await runProgram(async () => {
  const options = parseOptions(process.argv.slice(2), process.env);
  if (options === 'help') {
    say(usage);
    return 0;
  }
  const { deployed } = options;
  return deployed ? rehearseDeployed({ ...options, deployed }) : rehearseLocally(options);
});
