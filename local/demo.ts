/** `npm run demo`: connects a bucket, proves that it works, and disconnects it, all on this machine. */
import { DeleteObjectCommand, GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { deployService } from './environment/deploy.ts';
import { saveFunctionLogs } from './environment/logs.ts';
import { runProgram } from './environment/processes.ts';
import { inRunFolder } from './environment/run-folder.ts';
import { type LocalEnvironment, startEnvironment } from './environment/start.ts';
import { apiClient, type IntegrationAnswer, integrationSchema } from './observe/api-client.ts';
import { differences, type Listing, takeListing } from './observe/inventory.ts';
import { follow, type Screen } from './observe/progress.ts';
import { sandboxControl } from './sandbox/control-client.ts';

const screen: Screen = {
  isTerminal: process.stdout.isTTY === true,
  write: (text) => process.stdout.write(text),
};
const say = (line: string) => screen.write(`${line}\n`);
const title = (line: string) => say(`\n${line}`);

const name = 'demo-images';
const bucketName = 'dataloop-demo-images';

function idOf(integration: IntegrationAnswer, type: string): string {
  const id = integration.resources.find((resource) => resource.type === type)?.id;
  if (!id) throw new Error(`The integration lists no ${type}.`);
  return id;
}

function expectStatus(integration: IntegrationAnswer, status: string): void {
  if (integration.status === status) return;
  const { error, residue } = integration;
  throw new Error(
    [
      `The integration is "${integration.status}"; expected "${status}".`,
      ...(error ? [`${error.step ?? ''}: ${error.title}. ${error.detail}`] : []),
      ...residue.map((left) => `Left over: ${left.type} ${left.arn ?? left.id ?? left.name}: ${left.reason}`),
    ].join('\n'),
  );
}

/** A request as a person would write it, one field a line. */
const requestLines = (request: object): string =>
  Object.entries(request)
    .map(([field, value], index, { length }) => {
      const [begin, end] = [index === 0 ? '{' : ' ', index === length - 1 ? ' }' : ','];
      return `  ${begin} "${field}": ${JSON.stringify(value)}${end}`;
    })
    .join('\n');

function printListing(listings: readonly [string, Listing][]): void {
  const kinds = Object.keys(listings[0]?.[1] ?? {});
  say(`  ${''.padEnd(20)}${listings.map(([label]) => label.padStart(14)).join('')}`);
  for (const kind of kinds) {
    const counts = listings.map(([, listing]) => String(listing[kind]?.length ?? 0).padStart(14));
    say(`  ${kind.padEnd(20)}${counts.join('')}`);
  }
}

async function prove(environment: LocalEnvironment, integration: IntegrationAnswer): Promise<void> {
  const { endpointUrl: endpoint, region, credentials, sandbox } = environment;
  const control = sandboxControl(sandbox);
  const content = `Written by Dataloop at ${new Date().toISOString()}`;
  const written = await control.writeObject(idOf(integration, 'Dataloop::Driver'), 'proof.txt', content);
  const s3 = new S3Client({ endpoint, region, credentials });
  const object = { Bucket: written.bucket, Key: written.key };
  const read = await (await s3.send(new GetObjectCommand(object))).Body?.transformToString();
  if (read !== content) throw new Error(`s3://${written.bucket}/${written.key} holds "${read}".`);
  say(`  ✓ Dataloop assumed the role and wrote s3://${written.bucket}/${written.key}`);
  say(`  ✓ You can read it: "${read}"`);

  const stranger = await control.assumeAsStranger(idOf(integration, 'Dataloop::Integration'));
  if (stranger.assumed || stranger.errorName !== 'AccessDenied') {
    throw new Error(
      `Another IAM user of Dataloop's account was not denied access: ${JSON.stringify(stranger)}`,
    );
  }
  say("  ✓ Another IAM user of Dataloop's account is refused: AccessDenied");
  await s3.send(new DeleteObjectCommand(object));
  say('  ✓ The demo deleted the object: the service never deletes objects');
}

async function demo(environment: LocalEnvironment): Promise<void> {
  title('Deploying with serverless deploy');
  const { apiUrl } = await deployService(environment, 'demo');
  say(`  ✓ ${apiUrl}`);
  const { region, credentials, sandbox } = environment;
  const api = apiClient(apiUrl, region, credentials);
  // Long enough to see the workflow wait for the callback.
  await sandboxControl(sandbox).set('', { userArnDelaySeconds: 3 });
  const before = await takeListing(environment);

  const request = { name, bucket: { name: bucketName }, dataloop: { projectId: sandbox.projectId } };
  title('Connecting: POST /integrations');
  say(requestLines(request));
  const created = await api.request('POST', '/integrations', { body: request });
  if (created.status !== 202) {
    throw new Error(`POST /integrations answered ${created.status}: ${JSON.stringify(created.body)}`);
  }
  const { integrationId, links } = integrationSchema.parse(created.body);
  const connected = await follow(api, links.self, screen, { timeoutSeconds: 90 });
  expectStatus(connected, 'ready');
  say(`  ${integrationId} is ready:`);
  for (const { type, arn, id } of connected.resources) {
    // Whole ARNs are wider than a terminal.
    say(`    ${type.padEnd(24)} ${arn?.split(/[:/]/).at(-1) ?? id}`);
  }

  title('Proof');
  await prove(environment, connected);
  const during = await takeListing(environment);

  const since = new Date().toISOString();
  title(`Disconnecting: DELETE /integrations/${integrationId}`);
  const removing = await api.request('DELETE', `/integrations/${integrationId}`);
  if (removing.status !== 202) {
    throw new Error(`DELETE answered ${removing.status}: ${JSON.stringify(removing.body)}`);
  }
  expectStatus(await follow(api, links.self, screen, { since, timeoutSeconds: 90 }), 'removed');

  title('Resources before and after');
  const after = await takeListing(environment);
  printListing([
    ['before', before],
    ['connected', during],
    ['disconnected', after],
  ]);
  const left = differences(before, after);
  if (left.length > 0) throw new Error(`The account is not as it was before:\n${left.join('\n')}`);
  say('  ✓ Nothing is left, and nothing else has changed');
}

await runProgram(async () => {
  const started = Date.now();
  await inRunFolder('demo', async (folder) => {
    title('Starting a local AWS account and the Dataloop sandbox');
    const environment = await startEnvironment({
      folder,
      portBase: process.env['PORT_BASE'],
      say: (line) => say(`  ${line}`),
    });
    try {
      await demo(environment);
    } catch (error) {
      // The logs end with the emulator. The demo's own error matters more than one of saving them.
      await saveFunctionLogs(environment).catch(() => undefined);
      throw error;
    }
  });
  say(`\nDone in ${((Date.now() - started) / 1000).toFixed(0)} s.`);
  return 0;
});
