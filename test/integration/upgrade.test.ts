/** A new version deployed, or the service taken away, while integrations live: nothing is lost. */
import { expect, test } from '@jest/globals';
import { runServerless } from '../../local/environment/deploy.ts';
import { settledStatuses } from '../../local/observe/api-client.ts';
import { shortenTimeouts } from '../faults/bed.ts';
import {
  connect,
  control,
  deployer,
  deployment,
  disconnect,
  environment,
  params,
  read,
  settled,
  stepStatus,
  uniqueName,
  until,
} from './deployment.ts';

const place = {
  ...environment,
  env: {
    ...process.env,
    AWS_ACCESS_KEY_ID: deployer.accessKeyId,
    AWS_SECRET_ACCESS_KEY: deployer.secretAccessKey,
  },
};

test('a deployment while an execution waits: the execution goes on to its end, as it was started', async () => {
  const name = uniqueName('upgrade');
  // Long enough to wait for a deployment.
  await runServerless(place, 'deploy', deployment.stage, { ...params, iamUserTimeoutSeconds: 300 });
  await control.set(name, { userArnDelaySeconds: 'never' });
  const { integrationId } = await connect(name);
  await until(integrationId, (now) => stepStatus(now, 'RequestIamUser') === 'waiting');

  await runServerless(place, 'deploy', deployment.stage, { ...params, logRetentionInDays: 30 });

  await shortenTimeouts(environment);
  await control.set(name, { userArnDelaySeconds: 0 });
  // Polls are up to a minute apart by now.
  const ready = await until(integrationId, ({ status }) => settledStatuses.includes(status), 150);
  expect(ready.error).toBeUndefined();
  expect(ready.status).toBe('ready');
  expect((await disconnect(integrationId)).status).toBe('removed');
  // Two deployments, and up to a minute until the next poll.
}, 400_000);

test('serverless remove while an integration stands is refused, naming it; it goes on working', async () => {
  const { integrationId } = await connect(uniqueName('standing'));
  await settled(integrationId);

  const removal = runServerless(place, 'remove', deployment.stage, params);

  await expect(removal).rejects.toThrow(
    'Cannot uninstall: these integrations still own resources. Disconnect them first:',
  );
  await expect(removal).rejects.toThrow(`${integrationId} (ready)`);
  await expect(removal).rejects.toThrow('Send DELETE /integrations/{integrationId} for each');
  expect((await read(integrationId)).status).toBe('ready');
  expect((await disconnect(integrationId)).status).toBe('removed');
});
