/** Process of the Dataloop sandbox. Prints one line of JSON when it is ready; ends when its parent does. */
import { readFileSync } from 'node:fs';
import { dataloopAws } from './aws.ts';
import { sandbox } from './server.ts';

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`The environment variable ${name} is not set.`);
  return value;
}

const port = Number(required('SANDBOX_PORT'));
const accountId = required('DATALOOP_ACCOUNT_ID');
const tls = {
  cert: readFileSync(required('SANDBOX_TLS_CERT')),
  key: readFileSync(required('SANDBOX_TLS_KEY')),
};
required('AWS_ENDPOINT_URL');
// The root of Dataloop's account: the AWS clients find its keys in the environment.
required('AWS_ACCESS_KEY_ID');
const { server, platform, apiKey, controlToken } = sandbox(dataloopAws(required('AWS_REGION')), tls);

server.listen(port, '127.0.0.1', () => {
  const origin = `https://127.0.0.1:${port}`;
  const [owner] = platform.members;
  const ready = {
    apiUrl: `${origin}/api/v1`,
    controlUrl: `${origin}/_control`,
    controlToken,
    token: apiKey,
    username: owner?.email,
    password: owner?.password,
    organizationId: platform.organisation.id,
    projectId: platform.project.id,
    accountId,
  };
  process.stdout.write(`${JSON.stringify(ready)}\n`);
});

const stop = () => {
  server.close();
  server.closeAllConnections();
  process.stdin.destroy();
};
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
process.stdin.on('end', stop).resume();
