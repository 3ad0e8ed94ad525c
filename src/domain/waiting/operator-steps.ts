/** What the steps do where an operator makes the integration at Dataloop: they take what was named, once it fits. */
import { ServiceError } from '../../errors.ts';
import { type DataloopApi, type DataloopIntegration, trustEstablished } from '../resources/dataloop/api.ts';
import { checkNoDriver } from '../resources/dataloop/driver.ts';
import { type ConfirmsOrganization, organizationOfProject } from '../resources/dataloop/organization.ts';
import type { StepContext } from '../saga/step.ts';
import { operatorUserArn } from './operator.ts';

/** What Dataloop answers, where our credentials may ask. */
async function ifAllowed<T>(call: Promise<T>): Promise<T | 'forbidden'> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ServiceError && error.name === 'DataloopForbiddenError') return 'forbidden';
    throw error;
  }
}

/**
 * The IAM user that the operator named. Where our credentials may read the organisation's integrations, one of them
 * must have that user.
 * @param timeoutSeconds how long the operator may take to correct it
 * @throws ServiceError `OperatorAwaitedError` for one that Dataloop does not show, `InvalidIamUserArnError` for one that
 *   must never be trusted
 */
export async function namedUserArn(
  step: StepContext,
  dataloop: Pick<DataloopApi, 'listIntegrations'> & ConfirmsOrganization,
  trust: { partition: string; dataloopAccountId: string | undefined },
  timeoutSeconds: number,
): Promise<string> {
  const named = step.record.operator?.userArn;
  if (!named) throw new ServiceError('IamUserNotIssuedError', 'The operator has not named the IAM user yet.');
  const userArn = operatorUserArn(named, trust.partition, trust.dataloopAccountId);
  // Asked again: in an organisation that is not the project's, "may not be asked" would say nothing.
  const organizationId = organizationOfProject(await dataloop.getProject(step.desired.driver.projectId), {
    organizationId: step.record.request.dataloop.organizationId,
    onlyOrganizationId: dataloop.organizationId,
  });
  const all = await ifAllowed(dataloop.listIntegrations(organizationId));
  if (all !== 'forbidden' && !all.some((integration) => integration.userArn === userArn)) {
    throw operatorAwaited(
      step,
      `The organisation ${organizationId} has no integration at Dataloop with the IAM user ${userArn}. No trust was granted. ` +
        'Name the user that Dataloop shows.',
      timeoutSeconds,
    );
  }
  return userArn;
}

/**
 * Takes on the integration that the operator gave the role.
 * @param timeoutSeconds how long is waited for the operator
 * @throws ServiceError `OperatorAwaitedError` until one is named that fits; `OperatorTimeoutError` where that takes too long
 */
export async function takeGivenIntegration(
  step: StepContext,
  organizationId: string,
  dataloop: Pick<DataloopApi, 'getIntegration' | 'listDrivers'>,
  timeoutSeconds: number,
): Promise<{ trustStatus: string }> {
  const { operator } = step.record;
  // One that an earlier attempt took on stays.
  const taken = step.resource('dataloopIntegration')?.id;
  const id = taken ?? operator?.given?.dataloopIntegrationId;
  if (!operator || !id) {
    throw operatorAwaited(step, 'The operator has not given the role to Dataloop yet.', timeoutSeconds);
  }
  const found = await ifAllowed(dataloop.getIntegration(organizationId, id));
  const misfit =
    found === 'forbidden' ? undefined : misfitOf(found, { ...operator, id, organizationId }, step);
  if (misfit) throw operatorAwaited(step, misfit, timeoutSeconds);
  if (taken === undefined) {
    await noDriver(step, id, dataloop, timeoutSeconds);
    const name = found === 'forbidden' || !found ? {} : { name: found.name };
    await step.created('dataloopIntegration', { id, ...name, origin: 'adopted' });
  }
  // Where it cannot be read the driver test, which uses the role, is the proof.
  return { trustStatus: found === 'forbidden' ? 'unknown' : trustEstablished };
}

/** Another integration can be named, and that driver can be deleted: neither ends the wait. */
async function noDriver(
  step: StepContext,
  id: string,
  dataloop: Pick<DataloopApi, 'listDrivers'>,
  timeoutSeconds: number,
): Promise<void> {
  try {
    await checkNoDriver(step.desired, id, dataloop);
  } catch (error) {
    if (!(error instanceof ServiceError) || error.name !== 'DriverNameTakenError') throw error;
    throw operatorAwaited(step, error.message, timeoutSeconds);
  }
}

/** The step waits: a person can still do what is missing, or correct what was named. After the time it fails. */
function operatorAwaited({ call }: StepContext, reason: string, timeoutSeconds: number): ServiceError {
  const waitedSeconds = (call.begunAt - Date.parse(call.startedAt)) / 1000;
  if (waitedSeconds < timeoutSeconds) {
    return new ServiceError('OperatorAwaitedError', `${reason} The service waits for the operator.`);
  }
  return new ServiceError(
    'OperatorTimeoutError',
    `${reason} That took longer than the parameter iamUserTimeoutSeconds allows. Send the request again, or raise the ` +
      'parameter.',
  );
}

/** Why the integration that was named is not the one, or not ready. */
function misfitOf(
  found: DataloopIntegration | undefined,
  named: { readonly id: string; readonly userArn: string; readonly organizationId: string },
  { desired }: StepContext,
): string | undefined {
  if (!found) {
    return (
      `The organisation ${named.organizationId} has no integration ${named.id} at Dataloop. Name the integration that has ` +
      'the role.'
    );
  }
  if (found.userArn !== named.userArn) {
    return (
      `Dataloop's integration ${found.id} does not have the IAM user ${named.userArn}, which the role trusts. Name the ` +
      'integration of that user.'
    );
  }
  if (found.trustStatus === trustEstablished) return undefined;
  return (
    `Dataloop's integration ${found.id} says "${found.trustStatus ?? 'nothing'}". Enter the role ARN ${desired.role.arn} there. ` +
    'If it is there already, look for a resource control policy (RCP) of your organisation that keeps other accounts out.'
  );
}
