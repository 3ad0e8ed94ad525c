/** What people and strangers do about drivers that are added to an integration, one command after the other. */
import type { JournalRecord } from '../../../src/domain/model/record.ts';
import { type Callers, eventOf, pick, statusCodeOf } from './commands.ts';
import { driverRequests } from './driver-requests.ts';
import { strangeToDrivers } from './driver-strangers.ts';
import type { DriverCommand } from './schedule.ts';
import type { Simulation } from './simulation.ts';

/** For so long a command waits for what it needs. */
const patienceMs = 1_800_000;

/** Lets time pass until an integration, or a driver, is no longer on its way to ready. */
export async function awaitNeeded({ clock, journal }: Simulation, command: DriverCommand): Promise<void> {
  const isDriver = command.kind === 'remove-driver';
  const index = isDriver ? command.driver : command.integration;
  const isOnItsWay = () => {
    const needed = pick(journal.ids(isDriver ? 'drv_' : 'int_'), index);
    return !['ready', 'failed', 'removed', 'residue'].includes(journal.statusOf(needed ?? '') ?? '');
  };
  if (command.waits && isOnItsWay()) await clock.pass(patienceMs, () => !isOnItsWay());
}

export function addDriver(
  { lambda, journal }: Simulation,
  callers: Callers,
  integrationId: string,
  request: number,
  key?: number,
): void {
  const name = journal.record(integrationId)?.name ?? '';
  addBucket({ lambda }, callers, integrationId, pick(driverRequests(name), request), key);
}

/** POST /integrations/{integrationId}/drivers */
export function addBucket(
  { lambda }: Pick<Simulation, 'lambda'>,
  callers: Callers,
  integrationId: string,
  body: unknown,
  key?: number,
): void {
  callers.open += 1;
  void lambda
    .invoke('addDriver', {
      headers: {
        'content-type': 'application/json',
        ...(key === undefined ? {} : { 'idempotency-key': `key-${key}` }),
      },
      pathParameters: { integrationId },
      body: JSON.stringify(body),
      ...eventOf('POST /integrations/{integrationId}/drivers'),
    })
    .then(() => {
      callers.open -= 1;
    });
}

/** Asks for a driver again that was there before. */
export function addAgain(simulation: Simulation, callers: Callers, driver: JournalRecord): void {
  const { parent, request } = driver;
  const name = parent && simulation.journal.record(parent.integrationId)?.name;
  if (!parent || !name) return;
  const index = driverRequests(name).findIndex(
    ({ bucket, dataloop }) =>
      bucket.name === request.bucket.name &&
      ('driverName' in dataloop ? dataloop.driverName : bucket.name) === request.dataloop.driverName,
  );
  addDriver(simulation, callers, parent.integrationId, index);
}

export async function removeDriver(
  { lambda, journal }: Simulation,
  callers: Callers,
  driverId: string,
  force: boolean,
): Promise<number> {
  callers.open += 1;
  const integrationId = journal.ownerOf(driverId);
  const outcome = await lambda.invoke('removeDriver', {
    headers: {},
    pathParameters: { integrationId, driverId },
    ...(force ? { queryStringParameters: { force: 'true' } } : {}),
    ...eventOf('DELETE /integrations/{integrationId}/drivers/{driverId}'),
  });
  callers.open -= 1;
  return statusCodeOf(outcome);
}

export function executeOnDrivers(simulation: Simulation, callers: Callers, command: DriverCommand): void {
  const { journal } = simulation;
  if (command.kind === 'remove-driver') {
    const driver = pick(journal.drivers(), command.driver);
    if (driver) void removeDriver(simulation, callers, driver.id, command.force);
    return;
  }
  const integration = pick(journal.records(), command.integration);
  if (!integration) return;
  if (command.kind === 'add-driver') {
    addDriver(simulation, callers, integration.id, command.request, command.key);
  }
  if (command.kind === 'strange-to-drivers') strangeToDrivers(simulation, integration, command);
}
