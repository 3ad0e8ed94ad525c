/** The storage driver: TestDriver, CreateDriver, VerifyDriver and their undo, DeleteDriver. */
import { ServiceError } from '../errors.ts';
import { dataloopIntegrationIdOf } from './integration.ts';
import type { UndoOutcome } from './ownership.ts';
import type { StepContext } from './step.ts';

/** A storage driver as it is to be. */
export interface DriverSettings {
  readonly name: string;
  readonly integrationId: string;
  readonly projectId: string;
  readonly bucketName: string;
  readonly region: string;
  /** Folder in the bucket without slashes at its ends; empty: the whole bucket. */
  readonly path: string;
  readonly allowExternalDelete: boolean;
}

export interface Driver {
  readonly id: string;
  readonly name: string;
  readonly integrationId: string | undefined;
}

export interface DriverTester {
  /** @throws ServiceError `DriverTestFailedError` with Dataloop's reason. */
  testDriver(settings: DriverSettings): Promise<void>;
}

export interface DriverVerifier {
  /** @throws ServiceError `DriverTestFailedError` with Dataloop's reason. */
  verifyDriver(id: string): Promise<void>;
}

export interface DriverFinder {
  listDrivers(projectId: string): Promise<readonly Driver[]>;
}

export interface DriverCreator extends DriverFinder {
  createDriver(settings: DriverSettings): Promise<Driver>;
}

export interface DriverRemover extends DriverFinder {
  /** Deletes a driver; one that is gone already counts as deleted. */
  deleteDriver(id: string): Promise<void>;
}

function settingsFor(step: StepContext): DriverSettings {
  const { bucket, driver } = step.plan;
  return {
    name: driver.name,
    integrationId: dataloopIntegrationIdOf(step),
    projectId: driver.projectId,
    bucketName: bucket.name,
    region: bucket.region,
    path: bucket.prefix.replace(/\/$/, ''),
    allowExternalDelete: driver.allowDelete,
  };
}

export async function testDriver(
  step: StepContext,
  dataloop: DriverTester,
): Promise<{ driverTest: 'passed' }> {
  await dataloop.testDriver(settingsFor(step));
  return { driverTest: 'passed' };
}

/** Creation is not idempotent at Dataloop: after an unknown outcome the driver is looked for first. */
export async function createDriver(
  step: StepContext,
  dataloop: DriverCreator,
): Promise<{ driverId: string }> {
  const settings = settingsFor(step);
  const known = step.resource('driver');
  if (known?.id) return { driverId: known.id };
  const found = known ? await findDriver(step, dataloop) : undefined;
  if (!found) await step.intend('driver', { name: settings.name });
  const driver = found ?? (await dataloop.createDriver(settings));
  await step.created('driver', { id: driver.id, name: driver.name });
  return { driverId: driver.id };
}

export async function verifyDriver(
  step: StepContext,
  dataloop: DriverVerifier,
): Promise<{ driverTest: 'passed' }> {
  const id = step.resource('driver')?.id;
  if (!id)
    throw new ServiceError(
      'InternalError',
      `Integration ${step.plan.integrationId} has no driver to verify.`,
    );
  await dataloop.verifyDriver(id);
  return { driverTest: 'passed' };
}

export async function deleteDriver(step: StepContext, dataloop: DriverRemover): Promise<UndoOutcome> {
  const known = step.resource('driver');
  if (!known || known.state === 'gone') return { outcome: 'nothing to remove' };
  const id = known.id ?? (await findDriver(step, dataloop))?.id;
  if (id) await dataloop.deleteDriver(id);
  await step.gone('driver');
  return { outcome: id ? 'removed' : 'does not exist' };
}

/** Names repeat at Dataloop, but a driver of that name on our own integration can only be ours. */
async function findDriver(step: StepContext, dataloop: DriverFinder): Promise<Driver | undefined> {
  const { name, projectId } = step.plan.driver;
  const integrationId = dataloopIntegrationIdOf(step);
  const all = await dataloop.listDrivers(projectId);
  return all.find((driver) => driver.name === name && driver.integrationId === integrationId);
}
