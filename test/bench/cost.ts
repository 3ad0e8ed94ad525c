/**
 * `npm run costs`: counts what AWS bills of a provisioning and of a removal, on the local environment, and writes it into
 * docs/performance.md with AWS's prices. No clock is in it.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type HistoryEvent, paginateGetExecutionHistory, paginateListExecutions } from '@aws-sdk/client-sfn';
import { deployService } from '../../local/environment/deploy.ts';
import { projectRoot } from '../../local/environment/paths.ts';
import { runProgram } from '../../local/environment/processes.ts';
import { inRunFolder } from '../../local/environment/run-folder.ts';
import { startBehindProxy } from '../faults/behind-proxy.ts';
import { clientsAt } from '../faults/clients.ts';
import { serviceAt } from '../service.ts';
import { CountingWorld, usageOf } from './usage.ts';

const stage = 'bench';
const say = (text: string) => process.stderr.write(`${text}\n`);
/** Until what comes after the end has come: events, and the looks that they lead to. */
const afterwardsMs = 5_000;

async function count(folder: string): Promise<number> {
  const world = new CountingWorld();
  const { environment, proxy, dataloopApiUrl } = await startBehindProxy(
    { folder, portBase: process.env['PORT_BASE'], say },
    { usual: world },
  );
  say('Deploying with serverless deploy');
  const deployment = await deployService(environment, stage, {
    bucketNamePattern: 'dataloop-*',
    dataloopApiUrl,
  });
  const { connect, settled, disconnect } = serviceAt({ environment, deployment });
  const { stepFunctions: client } = clientsAt(environment);

  async function historiesOf(stateMachineArn: string, integrationId: string): Promise<HistoryEvent[][]> {
    const found: HistoryEvent[][] = [];
    for await (const { executions = [] } of paginateListExecutions({ client }, { stateMachineArn })) {
      for (const { executionArn, name } of executions) {
        if (!name?.startsWith(integrationId)) continue;
        const events: HistoryEvent[] = [];
        for await (const page of paginateGetExecutionHistory({ client }, { executionArn })) {
          events.push(...(page.events ?? []));
        }
        found.push(events);
      }
    }
    return found;
  }

  // Each function is started anew: it reads the secret, and opens connections.
  say('Connecting');
  const { integrationId } = await connect('costs');
  const { status } = await settled(integrationId);
  if (status !== 'ready') throw new Error(`The integration ${integrationId} is ${status}, not ready.`);
  await delay(afterwardsMs);
  const made = await historiesOf(deployment.outputs.ProvisionStateMachineArn, integrationId);
  // The record and its first lock in a transaction, which counts twice, and a change of the status.
  const provisioning = usageOf(world.calls, made, { apiRequests: 1, indexWrites: 6 });
  say('Disconnecting');
  const first = world.calls.length;
  await disconnect(integrationId);
  await delay(afterwardsMs);
  const undone = await historiesOf(deployment.outputs.DeprovisionStateMachineArn, integrationId);
  // The status changes twice, and the lock goes.
  const removal = usageOf(world.calls.slice(first), undone, { apiRequests: 1, indexWrites: 5 });
  await proxy.stop();
  const counted = `${JSON.stringify({ provisioning, removal }, undefined, 2)}\n`;
  process.stdout.write(counted);
  writeFileSync(join(projectRoot, 'scripts/usage.json'), counted);
  return 0;
}

await runProgram(() => inRunFolder('costs', count));
