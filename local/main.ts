/** `npm run local`: keeps the whole service up on this machine until Ctrl-C. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { type Deployment, deployService } from './environment/deploy.ts';
import { projectRoot } from './environment/paths.ts';
import { writePrivately } from './environment/private-file.ts';
import { runProgram } from './environment/processes.ts';
import { inRunFolder, isAlive } from './environment/run-folder.ts';
import { type LocalEnvironment, startEnvironment } from './environment/start.ts';
import { serveLocalPage } from './observe/page.ts';

const defaultPortBase = '47100';

/** The process that wrote an environment file, if it is still running. */
function ownerOf(file: string): number | undefined {
  if (!existsSync(file)) return undefined;
  const pid = Number(/^# process (\d+)$/m.exec(readFileSync(file, 'utf8'))?.[1]);
  return pid > 0 && pid !== process.pid && isAlive(pid) ? pid : undefined;
}

/** `.local/env`, or one named after the ports while another run uses that. @throws Error if both are in use */
function environmentFile(portBase: string | undefined): string {
  const usual = join(projectRoot, '.local', 'env');
  const owner = ownerOf(usual);
  if (owner === undefined) return usual;
  const own = `${usual}-${portBase}`;
  if (portBase === undefined || portBase === '' || ownerOf(own) !== undefined) {
    throw new Error(
      `npm run local is already running here (process ${owner}). Stop it, or start a second one on other ports:\n` +
        '  PORT_BASE=48000 npm run local',
    );
  }
  return own;
}

function environmentText(environment: LocalEnvironment, deployment: Deployment): string {
  const { sandbox, certificate, credentials } = environment;
  const values = {
    AWS_ENDPOINT_URL: environment.endpointUrl,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_REGION: environment.region,
    AWS_DEFAULT_REGION: environment.region,
    AWS_CA_BUNDLE: certificate.certFile,
    NODE_EXTRA_CA_CERTS: certificate.certFile,
    API_URL: deployment.apiUrl,
    DATALOOP_CONNECT_STAGE: deployment.stage,
    STATE_MACHINE_ARN: deployment.outputs.ProvisionStateMachineArn,
    EVENT_BUS_NAME: deployment.outputs.EventBusName,
    TABLE_NAME: deployment.outputs.TableName,
    DATALOOP_API_URL: sandbox.apiUrl,
    DATALOOP_CONTROL_URL: sandbox.controlUrl,
    DATALOOP_CONTROL_TOKEN: sandbox.controlToken,
    DATALOOP_TOKEN: sandbox.token,
    DATALOOP_ORG_ID: sandbox.organizationId,
    DATALOOP_PROJECT_ID: sandbox.projectId,
    DATALOOP_ACCOUNT_ID: sandbox.accountId,
  };
  const lines = Object.entries(values).map(([name, value]) => `${name}='${value.replaceAll("'", "'\\''")}'`);
  return [`# Written by npm run local, removed when it ends`, `# process ${process.pid}`, ...lines, ''].join(
    '\n',
  );
}

await runProgram(async () => {
  const portBase = process.env['PORT_BASE'];
  const file = environmentFile(portBase);
  process.once('exit', () => {
    if (ownerOf(file) === undefined) rmSync(file, { force: true });
  });
  return inRunFolder('local', async (folder) => {
    const say = (line: string) => process.stdout.write(`${line}\n`);
    const environment = await startEnvironment({ folder, portBase: portBase || defaultPortBase, say });
    say('Deploying with serverless deploy');
    const deployment = await deployService(environment, 'local');
    const page = await serveLocalPage(environment, deployment.apiUrl);
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writePrivately(file, environmentText(environment, deployment));
    say(
      [
        '',
        `API       ${deployment.apiUrl}`,
        `AWS       ${environment.endpointUrl}`,
        `Dataloop  ${environment.sandbox.apiUrl}`,
        `Page      ${page.address}`,
        '',
        'The page shows each workflow as it goes: open it in a browser of this machine.',
        '',
        'To use it with any AWS client, or with npx dataloop-connect, run in another terminal:',
        `  set -a; . ${relative(projectRoot, file)}; set +a`,
        '',
        'Press Ctrl-C to stop everything.',
      ].join('\n'),
    );
    throw new Error(`${await environment.ended} stopped unexpectedly.`);
  });
});
