/** CompleteIntegration: Dataloop gets the role, and trust is established. */
import { ServiceError } from '../../../errors.ts';
import type { StepContext } from '../../saga/step.ts';
import { type DataloopApi, trustEstablished } from './api.ts';
import {
  dataloopIntegrationIdOf,
  type FindCall,
  ourIntegration,
  ownIntegrations,
  type SeenIntegration,
} from './integration.ts';
import { organizationOf } from './organization.ts';

/**
 * Gives the role ARN to Dataloop, which tries to assume the role.
 * @param seen what CreateRole saw of the integration a moment ago. The first attempt believes it.
 * @throws ServiceError `TrustNotEstablishedError` until Dataloop says that it could.
 */
export async function completeIntegration(
  step: StepContext,
  dataloop: Pick<DataloopApi, FindCall | 'setRoleArn' | 'deleteIntegration'>,
  seen?: SeenIntegration,
): Promise<{ trustStatus: string }> {
  const organizationId = organizationOf(step);
  const isSeen = seen !== undefined && step.call.attempt === 1 && seen.id === dataloopIntegrationIdOf(step);
  const found = isSeen ? seen : await ourIntegration(step, organizationId, dataloop);
  const { id, trustStatus: before } = found;
  if (step.resource('dataloopIntegration')?.madeAgain) {
    // The first one has come into being after all: it would use up one of the organisation's fifteen.
    const { own } = await ownIntegrations(step, dataloop, organizationId);
    for (const other of own) {
      if (other.id !== id) await dataloop.deleteIntegration(organizationId, other.id);
    }
  }
  const given = await giveRole(step, organizationId, id, dataloop);
  if (given.trustStatus === trustEstablished) {
    const isRefused = given.error?.name === 'TrustNotEstablishedError';
    // No attempt of ours came before this one.
    if (given.error && isRefused && before === trustEstablished && step.call.attempt === 1)
      throw otherRole(id, given.error);
    return { trustStatus: given.trustStatus };
  }
  // No answer says nothing about the role.
  if (given.error && given.error.name !== 'TrustNotEstablishedError') throw given.error;
  throw new ServiceError(
    'TrustNotEstablishedError',
    `${given.error ? `${given.error.message} ` : ''}Dataloop could not assume the role ${step.desired.role.arn} yet: its ` +
      `integration ${id} says "${given.trustStatus ?? 'nothing'}". ` +
      'If this continues, look for a resource control policy (RCP) of your organisation that keeps other accounts out, and for a ' +
      'changed trust policy.',
    { cause: given.error },
  );
}

/** After these Dataloop may trust the role all the same: a late answer, or the refusal of what an earlier attempt did. */
const undecided: readonly string[] = [
  'TrustNotEstablishedError',
  'DataloopUnavailableError',
  'DataloopAnswerError',
];

/** @returns what Dataloop says of the integration after the call, and the error where the call had no good answer */
async function giveRole(
  step: StepContext,
  organizationId: string,
  id: string,
  dataloop: Pick<DataloopApi, 'getIntegration' | 'setRoleArn'>,
): Promise<{ trustStatus: string | undefined; error?: ServiceError }> {
  try {
    const { trustStatus } = await dataloop.setRoleArn(organizationId, id, step.desired.role.arn);
    if (trustStatus === trustEstablished) return { trustStatus };
  } catch (error) {
    if (!(error instanceof ServiceError) || !undecided.includes(error.name)) throw error;
    const found = await dataloop.getIntegration(organizationId, id).catch(() => {
      throw error;
    });
    return { trustStatus: found?.trustStatus, error };
  }
  return { trustStatus: (await dataloop.getIntegration(organizationId, id))?.trustStatus };
}

const otherRole = (id: string, error: ServiceError): ServiceError =>
  new ServiceError(
    'DataloopNotOursError',
    `${error.message} Dataloop's integration ${id} already had a role of somebody else. It was not used. Find out in Dataloop's ` +
      'console who gave it one, then send the request again.',
    { cause: error },
  );
