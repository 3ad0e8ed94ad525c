/** The storage driver: TestDriver, CreateDriver, VerifyDriver and their undo, DeleteDriver. */
import { ServiceError } from '../../../errors.ts';
import type { DesiredState } from '../../model/desired-state.ts';
import type { ResourceRecord } from '../../model/record.ts';
import { beforeMaking, madeAgainIf } from '../../saga/in-flight-calls.ts';
import { confirmAbsence, type UndoOutcome } from '../../saga/ownership.ts';
import type { StepContext } from '../../saga/step.ts';
import type { DataloopApi, Driver, DriverSettings } from './api.ts';
import { dataloopIntegrationIdOf, otherName } from './integration.ts';

/** The integration at Dataloop on which the driver is: its own, or the one that it is added to. */
const dataloopIntegrationOf = (step: StepContext): string =>
  step.record.parent?.dataloopIntegrationId ?? dataloopIntegrationIdOf(step);

function settingsFor(step: StepContext): DriverSettings {
  const { bucket, driver } = step.desired;
  return {
    name: driver.name,
    dataloopIntegrationId: dataloopIntegrationOf(step),
    projectId: driver.projectId,
    bucketName: bucket.name,
    region: bucket.region,
    path: bucket.prefix.replace(/\/$/, ''),
    allowExternalDelete: driver.allowDelete,
  };
}

export async function testDriver(
  step: StepContext,
  dataloop: Pick<DataloopApi, 'testDriver'>,
): Promise<{ driverTest: 'passed' | 'not offered' }> {
  return { driverTest: await withKeyInMind(step, () => dataloop.testDriver(settingsFor(step))) };
}

/** If the bucket has its own key, the key policy may be the cause: IAM alone does not grant its use. */
async function withKeyInMind<T>(step: StepContext, test: () => Promise<T>): Promise<T> {
  const { kmsKeyArn } = step.desired.bucket;
  try {
    return await test();
  } catch (error) {
    if (!kmsKeyArn || !(error instanceof ServiceError) || error.name !== 'DriverTestFailedError') throw error;
    throw new ServiceError(
      'DriverTestFailedError',
      `${error.message} The bucket uses the KMS key ${kmsKeyArn}. Make sure that the key is enabled, and that its key policy ` +
        `allows the role ${step.desired.role.arn} or lets IAM policies of account ${step.desired.accountId} grant its use.`,
      { cause: error },
    );
  }
}

/** Creation is not idempotent at Dataloop: after an unknown outcome the driver is looked for first. */
export async function createDriver(
  step: StepContext,
  dataloop: Pick<DataloopApi, 'listDrivers' | 'createDriver'>,
): Promise<{ driverId: string }> {
  const settings = settingsFor(step);
  const known = step.resource('driver');
  const { own, other } = known ? await findDrivers(step, dataloop) : { own: [], other: undefined };
  if (other) {
    throw new ServiceError(
      'DataloopNotOursError',
      `The driver "${other.name}" (${other.id}) at Dataloop is not as this integration created it. It was not used. Find out who ` +
        'changed it, then send the request again.',
    );
  }
  const [found, ...others] = own;
  if (found) checkSettings(found, settings);
  // A list of Dataloop's may be a moment older than what it has made.
  if (known?.id) return { driverId: known.id };
  if (!found) return { driverId: await createNewDriver(step, dataloop, settings) };
  const again = madeAgainIf(known?.madeAgain || others.length > 0);
  await step.created('driver', { id: found.id, name: found.name, ...again });
  return { driverId: found.id };
}

/**
 * One that an earlier attempt made says what that attempt sent. What Dataloop does not tell is not known to differ.
 * @throws ServiceError `DataloopNotOursError`
 */
function checkSettings(found: Driver, settings: DriverSettings): void {
  const differing = (['bucketName', 'region', 'path', 'allowExternalDelete'] as const).find(
    (field) => found[field] !== undefined && found[field] !== settings[field],
  );
  if (differing === undefined) return;
  throw new ServiceError(
    'DataloopNotOursError',
    `The driver "${found.name}" (${found.id}) at Dataloop has ${differing} "${found[differing]}", not "${settings[differing]}", so ` +
      'this integration did not create it. It was not used. Choose another dataloop.driverName, or delete that driver.',
  );
}

async function createNewDriver(
  step: StepContext,
  dataloop: Pick<DataloopApi, 'listDrivers' | 'createDriver'>,
  settings: DriverSettings,
): Promise<string> {
  const { name } = settings;
  // Names repeat in some organisations.
  const again = madeAgainIf(beforeMaking(step, 'driver'));
  await step.intend('driver', { name, ...again });
  const { id } = await dataloop.createDriver(settings).catch(async (error: unknown) => {
    if (!(error instanceof ServiceError) || error.name !== 'DriverNameTakenError') throw error;
    const [found] = (await findDrivers(step, dataloop)).own;
    if (!found) throw error;
    checkSettings(found, settings);
    return found;
  });
  await step.created('driver', { id, name, ...again });
  return id;
}

export async function verifyDriver(
  step: StepContext,
  dataloop: Pick<DataloopApi, 'listDrivers' | 'verifyDriver' | 'deleteDriver'>,
): Promise<{ driverTest: 'passed'; dataset?: string }> {
  const id = step.resource('driver')?.id;
  if (!id)
    throw new ServiceError('InternalError', `Integration ${step.desired.recordId} has no driver to verify.`);
  if (step.resource('driver')?.madeAgain) {
    // The first one was created after all.
    for (const other of (await findDrivers(step, dataloop)).own) {
      if (other.id !== id) await dataloop.deleteDriver(other.id);
    }
  }
  await withKeyInMind(step, () => dataloop.verifyDriver(id));
  const { dataset } = step.desired;
  // The state machine goes by it.
  return { driverTest: 'passed', ...(dataset ? { dataset: dataset.name } : {}) };
}

export async function deleteDriver(
  step: StepContext,
  dataloop: Pick<DataloopApi, 'listDrivers' | 'deleteDriver'>,
): Promise<UndoOutcome> {
  const known = step.resource('driver');
  if (!known || known.state === 'gone') return { outcome: 'nothing to remove' };
  const { own, other } = await findDrivers(step, dataloop);
  for (const { id } of own) await dataloop.deleteDriver(id);
  if (other) {
    await step.residue('driver', otherName(step, other, step.desired.driver.name));
    return { outcome: 'left: it is not as it was created' };
  }
  if (own.length === 0) return confirmAbsence(step, 'driver');
  await step.gone('driver');
  return { outcome: 'removed' };
}

/** Whether a driver on our integration has the name and the bucket of ours. Names repeat at Dataloop. */
const isNamed = (
  own: { readonly name: string | undefined; readonly bucketName: string },
  driver: Driver,
): boolean => driver.name === own.name && (driver.bucketName ?? own.bucketName) === own.bucketName;

/** The id was never learned, or ours may be there twice. */
export const hasAnyId = (known: Pick<ResourceRecord, 'id' | 'madeAgain'> | undefined): boolean =>
  known?.id === undefined || known.madeAgain === true;

/** Whether a driver on our integration is ours although it has another id than we know. */
export const isOursByName = (
  known: Pick<ResourceRecord, 'id' | 'madeAgain'> | undefined,
  own: { readonly name: string | undefined; readonly bucketName: string },
  driver: Driver,
): boolean => hasAnyId(known) && isNamed(own, driver);

/** Ours: by its name, bucket and integration and, where the journal knows it, by the id that Dataloop gave. */
export async function findDrivers(
  step: StepContext,
  dataloop: Pick<DataloopApi, 'listDrivers'>,
): Promise<{ own: Driver[]; other: Driver | undefined }> {
  const { name, projectId } = step.desired.driver;
  const known = step.resource('driver');
  const dataloopIntegrationId = dataloopIntegrationOf(step);
  const isAsCreated = (driver: Driver) =>
    (driver.dataloopIntegrationId ?? dataloopIntegrationId) === dataloopIntegrationId &&
    isNamed({ name, bucketName: step.desired.bucket.name }, driver);
  const all = await dataloop.listDrivers(projectId, { id: known?.id, name, dataloopIntegrationId });
  return {
    own: all.filter((driver) => isAsCreated(driver) && (hasAnyId(known) || driver.id === known?.id)),
    other: all.find((driver) => driver.id === known?.id && !isAsCreated(driver)),
  };
}

/**
 * Drivers have no owner but their integration: on an adopted one, a driver of our name could belong to somebody else.
 * @throws ServiceError `DriverNameTakenError` where there is one
 */
export async function checkNoDriver(
  { driver: { name, projectId } }: DesiredState,
  dataloopIntegrationId: string,
  dataloop: Pick<DataloopApi, 'listDrivers'>,
): Promise<void> {
  const drivers = await dataloop.listDrivers(projectId, { name, dataloopIntegrationId });
  const isTaken = drivers.some(
    (driver) => driver.dataloopIntegrationId === dataloopIntegrationId && driver.name === name,
  );
  if (isTaken) {
    throw new ServiceError(
      'DriverNameTakenError',
      `Dataloop's integration ${dataloopIntegrationId} already has a driver "${name}" in project ${projectId}, which does not belong to ` +
        'this request. It was left unchanged. Choose another dataloop.driverName, or delete that driver.',
    );
  }
}
