/** A new version deployed, or the service taken away, while integrations live: nothing is lost. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { strFromU8, strToU8, unzipSync, zipSync } from 'fflate';
import { bundlesIn, runServerless } from '../../local/environment/deploy.ts';
import { settledStatuses } from '../../local/observe/api-client.ts';
import { shortenTimeouts } from '../faults/bed.ts';
import { add, driverRequest, driverSettled, takeAway, testOf } from './added-buckets.ts';
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

/**
 * Puts a word in the place of another in the bundle of every function, so that the next deployment is of another version.
 * @returns how many functions have it
 */
async function reword(word: string, by: string): Promise<number> {
  const bundles = bundlesIn(environment.folder);
  let count = 0;
  for (const name of (await readdir(bundles)).filter((each) => each.endsWith('.zip'))) {
    const files = unzipSync(await readFile(join(bundles, name)));
    const reworded = Object.entries(files).flatMap(([path, bytes]) => {
      const text = /\.[cm]?js$/.test(path) ? strFromU8(bytes) : '';
      return text.includes(word) ? [[path, strToU8(text.replaceAll(word, by))] as const] : [];
    });
    if (reworded.length === 0) continue;
    await writeFile(join(bundles, name), zipSync({ ...files, ...Object.fromEntries(reworded) }));
    count += 1;
  }
  return count;
}

async function deploy(more: Record<string, number>): Promise<void> {
  await runServerless(place, 'deploy', deployment.stage, { ...params, ...more });
  await shortenTimeouts(environment);
}

async function ready(name: string): Promise<string> {
  const { integrationId } = await connect(name);
  expect((await settled(integrationId)).status).toBe('ready');
  return integrationId;
}

/**
 * Adds a bucket and takes it away, so that the policy is written twice, as this version writes it. What the other has written
 * the test of the connection may call changed: a real version knows the texts of those before it.
 */
async function useOf(integrationId: string, name: string): Promise<void> {
  const added = await driverSettled(await add(integrationId, driverRequest(`dataloop-${name}`)));
  expect([added.error, added.status]).toEqual([undefined, 'ready']);
  expect(await testOf(integrationId)).toMatchObject({ status: 'passed' });
  expect((await takeAway(added)).status).toBe('removed');
}

test('a deployment while an execution waits: the execution goes on to its end, as it was started', async () => {
  const name = uniqueName('upgrade');
  // Long enough to wait for a deployment.
  await runServerless(place, 'deploy', deployment.stage, { ...params, iamUserTimeoutSeconds: 300 });
  await control.set(name, { userArnDelaySeconds: 'never' });
  const { integrationId } = await connect(name);
  await until(integrationId, (now) => stepStatus(now, 'RequestIamUser') === 'waiting');

  await deploy({ logRetentionInDays: 30 });

  await control.set(name, { userArnDelaySeconds: 0 });
  // Polls are up to a minute apart by now.
  const waited = await until(integrationId, ({ status }) => settledStatuses.includes(status), 150);
  expect(waited.error).toBeUndefined();
  expect(waited.status).toBe('ready');
  expect((await disconnect(integrationId)).status).toBe('removed');
  // Two deployments, and up to a minute until the next poll.
}, 600_000);

test('a version that writes other documents, and the way back: both use and remove what the other has connected', async () => {
  const [earlier, later] = [uniqueName('earlier'), uniqueName('later')];
  const [sid, another] = ['AllowListBucket', 'AllowTheBucket'];
  const fromEarlier = await ready(earlier);

  const changed = await reword(sid, another);
  try {
    expect(changed).toBeGreaterThan(5);
    await deploy({});
  } finally {
    expect(await reword(another, sid)).toBe(changed);
  }
  await useOf(fromEarlier, `${earlier}-2`);
  expect((await disconnect(fromEarlier)).status).toBe('removed');
  const fromLater = await ready(later);
  const kept = await driverSettled(await add(fromLater, driverRequest(`dataloop-${later}-2`)));
  expect(kept.status).toBe('ready');

  await deploy({});

  await useOf(fromLater, `${later}-3`);
  expect((await takeAway(kept)).status).toBe('removed');
  expect((await disconnect(fromLater)).status).toBe('removed');
}, 600_000);

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
