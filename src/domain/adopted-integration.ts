/**
 * An integration that already waits at Dataloop with an IAM user of its own: RequestIamUser adopts it, and nothing
 * deletes it. Dataloop has no call that takes a role ARN back; access ends with the role.
 */
import { ServiceError } from '../errors.ts';
import type { Plan } from './model/desired-state.ts';
import type { DriverFinder } from './resources/dataloop/driver.ts';
import type { DataloopIntegration, IntegrationReader } from './resources/dataloop/integration.ts';
import type { UndoOutcome } from './saga/ownership.ts';
import type { StepContext } from './saga/step.ts';
import { trustEstablished } from './trust-status.ts';

/**
 * Looks whether an integration may be adopted, and changes nothing.
 * @throws ServiceError `IntegrationNotAdoptableError`
 */
export async function checkAdoptableIntegration(
  id: string,
  organizationId: string,
  dataloop: IntegrationReader,
): Promise<DataloopIntegration> {
  const found = await dataloop.getIntegration(organizationId, id);
  if (!found) {
    throw notAdoptable(id, `is not in organisation ${organizationId}`, 'Check dataloop.integrationId.');
  }
  if (found.type !== 'aws-cross') {
    throw notAdoptable(
      id,
      `("${found.name}") is of type "${found.type ?? 'unknown'}"`,
      'Name a cross-account integration ("aws-cross").',
    );
  }
  if (found.trustStatus === trustEstablished) {
    throw notAdoptable(
      id,
      `("${found.name}") has a role already`,
      'Name one that still waits for its role, or leave dataloop.integrationId out.',
    );
  }
  if (!found.userArn) {
    throw notAdoptable(
      id,
      `("${found.name}") has no IAM user`,
      'Wait until Dataloop has issued it, or leave dataloop.integrationId out.',
    );
  }
  return found;
}

/**
 * Drivers have no owner but the integration they hang on: on an adopted one, a driver of our name could be another's.
 * @throws ServiceError `DriverNameTakenError` where there is one
 */
export async function checkNoDriver(
  { driver: { name, projectId } }: Plan,
  id: string,
  dataloop: DriverFinder,
): Promise<void> {
  const drivers = await dataloop.listDrivers(projectId);
  if (drivers.some((driver) => driver.integrationId === id && driver.name === name)) {
    throw new ServiceError(
      'DriverNameTakenError',
      `Dataloop's integration ${id} has a driver "${name}" in project ${projectId} already, which was not made for this ` +
        'request; it was left as it is. Choose another dataloop.driverName, or delete that driver.',
    );
  }
}

function notAdoptable(id: string, why: string, advice: string): ServiceError {
  return new ServiceError(
    'IntegrationNotAdoptableError',
    `Dataloop's integration ${id} ${why}; it was left as it is. ${advice}`,
  );
}

/** Takes the integration on; a repeated attempt goes on with it. */
export async function adoptIntegration(
  step: StepContext,
  id: string,
  organizationId: string,
  dataloop: IntegrationReader,
): Promise<DataloopIntegration> {
  const found = await checkAdoptableIntegration(id, organizationId, dataloop);
  await step.created('dataloopIntegration', { id, name: found.name, origin: 'adopted' });
  return found;
}

/** Leaves the integration where it is, and says what cannot be taken back. */
export async function releaseIntegration(step: StepContext): Promise<UndoOutcome> {
  const hasRoleArn = step.record.steps.CompleteIntegration !== undefined;
  await step.gone(
    'dataloopIntegration',
    hasRoleArn
      ? 'It was there before, and stays. Dataloop cannot take a role ARN back, so it keeps the one that this integration ' +
          'gave it; that ARN gives no access any more. Delete it at Dataloop if nobody needs it.'
      : undefined,
  );
  return { outcome: 'left where it was' };
}
