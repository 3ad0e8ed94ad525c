/** Adopts an integration that somebody made at Dataloop and that waits for a role; and leaves it in place again. */
import { ServiceError } from '../../../errors.ts';
import type { UndoOutcome } from '../../saga/ownership.ts';
import type { StepContext } from '../../saga/step.ts';
import { type DataloopApi, type DataloopIntegration, trustEstablished, waitingForTrust } from './api.ts';

/**
 * Checks whether an integration may be adopted, and changes nothing.
 * @throws ServiceError `IntegrationNotAdoptableError`
 */
export async function checkAdoptableIntegration(
  dataloopIntegrationId: string,
  organizationId: string,
  dataloop: Pick<DataloopApi, 'getIntegration' | 'countDrivers'>,
): Promise<DataloopIntegration> {
  const found = await dataloop.getIntegration(organizationId, dataloopIntegrationId).catch(orOperator);
  if (!found) {
    throw notAdoptable(
      dataloopIntegrationId,
      `is not in organisation ${organizationId}`,
      'Check dataloop.integrationId.',
    );
  }
  const reason = notFree(found);
  if (reason) throw notAdoptable(dataloopIntegrationId, reason.why, reason.advice);
  const drivers = await dataloop.countDrivers(dataloopIntegrationId);
  if (drivers > 0) {
    throw notAdoptable(
      dataloopIntegrationId,
      `("${found.name}") already has drivers (${drivers})`,
      'Choose one that nobody uses, or omit dataloop.integrationId.',
    );
  }
  return found;
}

/** Who may not see integrations can have one made by hand all the same. */
function orOperator(error: unknown): never {
  if (!(error instanceof ServiceError) || error.name !== 'DataloopForbiddenError') throw error;
  throw new ServiceError(
    error.name,
    `${error.message} A bot of a project cannot be. Without such a user, omit dataloop.integrationId and send ` +
      '"createdBy": "operator".',
    { cause: error },
  );
}

/** Why an integration is not free to be adopted, by what it says of itself. */
function notFree(found: DataloopIntegration): { why: string; advice: string } | undefined {
  if (found.type !== 'aws-cross') {
    return {
      why: `("${found.name}") is of type "${found.type ?? 'unknown'}"`,
      advice: 'Choose a cross-account integration ("aws-cross").',
    };
  }
  if (found.trustStatus === trustEstablished) {
    return {
      why: `("${found.name}") already has a role`,
      advice: 'Choose one that still waits for its role, or omit dataloop.integrationId.',
    };
  }
  // One whose trust broke later may be in use all the same.
  if (found.trustStatus !== waitingForTrust) {
    return {
      why: `("${found.name}") says "${found.trustStatus ?? 'nothing'}" instead of "${waitingForTrust}", so it may be in use`,
      advice: 'Choose one that still waits for its role, or omit dataloop.integrationId.',
    };
  }
  const maker = /(?<= )int_[0-9A-Z]{26}$/.exec(found.name)?.[0];
  // Our own names end with the id of their record.
  if (maker !== undefined) {
    return {
      why: `("${found.name}") was created by this service for ${maker}`,
      advice: 'Choose one that nobody uses, or omit dataloop.integrationId.',
    };
  }
  if (!found.userArn) {
    return {
      why: `("${found.name}") has no IAM user`,
      advice: 'Wait until Dataloop has issued it, or omit dataloop.integrationId.',
    };
  }
  return undefined;
}

function notAdoptable(dataloopIntegrationId: string, why: string, advice: string): ServiceError {
  return new ServiceError(
    'IntegrationNotAdoptableError',
    `Dataloop's integration ${dataloopIntegrationId} ${why}. It was left unchanged. ${advice}`,
  );
}

/** How many integrations a message names. */
const mostNamed = 10;

export interface WaitingReads extends Pick<DataloopApi, 'listIntegrations' | 'countDrivers'> {
  /** Whether a request of this deployment has it already. Only a plan may look. */
  isHeld?(dataloopIntegrationId: string): Promise<boolean>;
}

/**
 * The same error, and the integrations that could be adopted instead.
 * @returns the error as it is where Dataloop does not tell
 */
export async function withWaiting(
  error: ServiceError,
  organizationId: string,
  dataloop: WaitingReads,
): Promise<ServiceError> {
  const free = await freeIntegrations(organizationId, dataloop).catch(() => undefined);
  if (!free) return error;
  const named = free.map(({ id, name }) => `"${name}" (${id})`).join(', ');
  const instead = named ? `These wait for a role: ${named}.` : 'No other integration waits for a role.';
  return new ServiceError(error.name, `${error.message} ${instead}`, { cause: error });
}

/** Those that could be adopted, as many as a message names. */
export async function freeIntegrations(
  organizationId: string,
  dataloop: WaitingReads,
): Promise<readonly DataloopIntegration[]> {
  const waiting = (await dataloop.listIntegrations(organizationId)).filter((each) => !notFree(each));
  const free: DataloopIntegration[] = [];
  for (let first = 0; first < waiting.length && free.length < mostNamed; first += mostNamed) {
    const looked = await Promise.all(
      waiting.slice(first, first + mostNamed).map(async (each) => {
        const [drivers, isHeld] = await Promise.all([
          dataloop.countDrivers(each.id),
          dataloop.isHeld?.(each.id),
        ]);
        return { each, isFree: drivers === 0 && !isHeld };
      }),
    );
    free.push(...looked.filter(({ isFree }) => isFree).map(({ each }) => each));
  }
  return free.slice(0, mostNamed);
}

/** Adopts the integration; a repeated attempt continues with it. */
export async function adoptIntegration(
  step: StepContext,
  dataloopIntegrationId: string,
  organizationId: string,
  dataloop: Pick<DataloopApi, 'getIntegration' | 'countDrivers'>,
): Promise<DataloopIntegration> {
  const found = await checkAdoptableIntegration(dataloopIntegrationId, organizationId, dataloop);
  await step.created('dataloopIntegration', {
    id: dataloopIntegrationId,
    name: found.name,
    origin: 'adopted',
  });
  return found;
}

/** Leaves the integration in place, and says what cannot be restored. */
export async function releaseIntegration(step: StepContext): Promise<UndoOutcome> {
  const hasRoleArn = step.record.steps.CompleteIntegration !== undefined;
  await step.gone(
    'dataloopIntegration',
    hasRoleArn
      ? 'It existed before, so it stays. Dataloop cannot remove a role ARN, so it keeps the one of this integration, which ' +
          'no longer gives access. Delete it at Dataloop if nobody needs it.'
      : undefined,
  );
  return { outcome: 'left in place' };
}
