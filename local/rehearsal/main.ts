/** `npm run rehearse`: breaks each step of an integration and of a driver once, and proves that nothing is left. */
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
  // While it stops, only undone changes are printed.
  write: (text) => {
    if (!isStopping()) process.stdout.write(text);
  },
};
const say = (line: string) => screen.write(`${line}\n`);

/** On AWS, IAM applies changes after some seconds, with some margin here; the emulator applies them at once. */
const iamDelayMs = 15_000;

async function deployedPlace(deployed: NonNullable<Options['deployed']>): Promise<Place> {
  const { region, endpoint } = deployed;
  const clients = awsClients({ region, ...(endpoint ? { endpoint } : {}) });
  const stack = await readStack(clients, deployed.stage, deployed);
  return {
    stack,
    clients,
    // Read for each call, because temporary credentials expire.
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
      // The waits show nothing here, and there are many.
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
    say("  ✓ Created another owner's bucket, policy, role, integration and driver");
    // The environment ends with the program, so nothing has to be undone.
    if (await rehearseAt(place, only, { ...hooks, beforeStopping: () => undefined })) return 0;
    await saveFunctionLogs(environment).catch(() => undefined);
    throw new Error('The rehearsal failed: see above.');
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
