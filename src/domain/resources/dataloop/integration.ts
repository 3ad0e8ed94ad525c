/** The integration at Dataloop: RequestIamUser and its undo, DeleteIntegration. trust.ts completes it. */
import * as z from 'zod';
import { ServiceError } from '../../../errors.ts';
import type { StepCall } from '../../model/record.ts';
import { beforeMaking, madeAgainIf } from '../../saga/in-flight-calls.ts';
import { confirmAbsence, type UndoOutcome } from '../../saga/ownership.ts';
import { type Leftover, sendAgain } from '../../saga/residue.ts';
import type { StepContext } from '../../saga/step.ts';
import { adoptIntegration, releaseIntegration } from './adopt.ts';
import type { DataloopApi, DataloopIntegration } from './api.ts';
import { type ConfirmsOrganization, confirmedOrganization, organizationToLeave } from './organization.ts';

/** How an integration of ours is found: by the id that Dataloop gave it, else by its name. */
export type FindCall = 'getIntegration' | 'listIntegrations';

/** How "Dataloop has issued the IAM user" gets from Dataloop to the waiting workflow. */
export interface Callback {
  /** @throws ServiceError `IntegrationMovedOnError` where a later attempt of the step waits */
  saveTaskToken(call: StepCall, taskToken: string): Promise<void>;
  announceIamUser(issued: IamUserIssued): Promise<void>;
  /**
   * Asks for a look at Dataloop after a while, for an answer that comes late or an event that is lost.
   * @param poll how many looks came before, too, and whether it is one beside those
   */
  schedulePoll(
    poll: { readonly integrationId: string; readonly count: number; readonly isExtra?: true | undefined },
    delaySeconds: number,
  ): Promise<void>;
}

export interface IamUserIssued {
  readonly integrationId: string;
  /** Undefined where an operator names the user: the integration is known later. */
  readonly dataloopIntegrationId?: string | undefined;
  readonly userArn: string;
}

/** Seconds until a poll: 2, 4, 8, … 60. */
export const pollDelaySeconds = (count: number): number => Math.min(2 ** (count + 1), 60);

/**
 * Makes Dataloop issue an IAM user by creating the integration, and leaves the workflow waiting with the task
 * token. Creation is not idempotent at Dataloop, so after an unknown outcome the integration is looked for first.
 */
export async function requestIamUser(
  step: StepContext,
  dataloop: Pick<DataloopApi, FindCall | 'createIntegration' | 'countDrivers'> & ConfirmsOrganization,
  callback: Callback,
  taskToken: string,
): Promise<{ dataloopIntegrationId?: string }> {
  // The token first: an answer that comes at once must find it.
  await callback.saveTaskToken(step.call, taskToken);
  // Nobody but the operator can say when the user is there.
  if (step.desired.isMadeByOperator) return {};
  const organizationId = await confirmedOrganization(step, dataloop);
  const { adoptedDataloopIntegrationId } = step.desired;
  const integration = adoptedDataloopIntegrationId
    ? await adoptIntegration(step, adoptedDataloopIntegrationId, organizationId, dataloop)
    : ((await findIntegration(step, dataloop, organizationId)) ??
      (await createIntegration(step, dataloop, organizationId)));

  await callback.schedulePoll({ integrationId: step.desired.recordId, count: 0 }, pollDelaySeconds(0));
  if (integration.userArn) {
    await callback.announceIamUser({
      integrationId: step.desired.recordId,
      dataloopIntegrationId: integration.id,
      userArn: integration.userArn,
    });
  }
  return { dataloopIntegrationId: integration.id };
}

async function createIntegration(
  step: StepContext,
  dataloop: Pick<DataloopApi, FindCall | 'createIntegration'>,
  organizationId: string,
): Promise<DataloopIntegration> {
  const name = step.desired.dataloopIntegrationName;
  // Names repeat in some organisations.
  const again = madeAgainIf(beforeMaking(step, 'dataloopIntegration'));
  await step.intend('dataloopIntegration', { name, ...again });
  const integration = await dataloop.createIntegration(organizationId, name).catch(async (error: unknown) => {
    if (!(error instanceof ServiceError) || error.name !== 'EarlierCallOpenError') throw error;
    const [found] = (await ownIntegrations(step, dataloop, organizationId)).own;
    if (found) return found;
    throw error;
  });
  await step.created('dataloopIntegration', { id: integration.id, name, ...again });
  return integration;
}

/** The integration that the journal knows by id or, where an answer was lost, by the name that carries our id. */
async function findIntegration(
  step: StepContext,
  dataloop: Pick<DataloopApi, FindCall>,
  organizationId: string,
): Promise<DataloopIntegration | undefined> {
  const known = step.resource('dataloopIntegration');
  if (!known) return undefined;
  const named = known.id ? await dataloop.getIntegration(organizationId, known.id) : undefined;
  if (named) return checkOurs(step, named);
  const [found, ...others] = (await ownIntegrations(step, dataloop, organizationId)).own;
  if (!found) return undefined;
  const again = madeAgainIf(known.madeAgain || others.length > 0);
  await step.created('dataloopIntegration', { id: found.id, name: found.name, ...again });
  return found;
}

/**
 * By the name that carries our id: there are several where an answer was lost and it came late. An id that the journal
 * knows is not enough.
 */
export async function ownIntegrations(
  step: StepContext,
  dataloop: Pick<DataloopApi, 'listIntegrations'>,
  organizationId: string,
): Promise<{ own: DataloopIntegration[]; renamed: DataloopIntegration | undefined }> {
  const known = step.resource('dataloopIntegration');
  const concern = { id: known?.id, name: step.desired.dataloopIntegrationName };
  const all = await dataloop.listIntegrations(organizationId, concern);
  return {
    own: all.filter((each) => isNamedOurs(step, each)),
    renamed: all.find((each) => each.id === known?.id && !isNamedOurs(step, each)),
  };
}

const isNamedOurs = ({ desired }: StepContext, { name }: DataloopIntegration): boolean =>
  name === desired.dataloopIntegrationName;

/**
 * Whether it is the integration of this record: the one that the request names, or one that carries our id in its name.
 * What the journal says of it is not enough.
 */
const isOurs = (step: StepContext, found: DataloopIntegration): boolean => {
  const { adoptedDataloopIntegrationId: adopted } = step.desired;
  return adopted === undefined ? isNamedOurs(step, found) : found.id === adopted;
};

/** @throws ServiceError `DataloopNotOursError` */
function checkOurs(step: StepContext, found: DataloopIntegration): DataloopIntegration {
  if (isOurs(step, found)) return found;
  throw new ServiceError(
    'DataloopNotOursError',
    `The name of Dataloop's integration ${found.id}, "${found.name}", is not the one that ${step.desired.recordId} gave it, so it ` +
      'may belong to somebody else. It was not used. Send the request again.',
  );
}

/** Id of the integration that this provisioning created at Dataloop. */
export function dataloopIntegrationIdOf(step: StepContext): string {
  const id = step.resource('dataloopIntegration')?.id;
  if (!id)
    throw new ServiceError(
      'InternalError',
      `The record of integration ${step.desired.recordId} names no integration at Dataloop.`,
    );
  return id;
}

/**
 * Reads the integration, with its IAM user, from Dataloop with our own credentials.
 * @throws ServiceError `IamUserNotIssuedError` while there is none.
 */
export async function readIssued(
  step: StepContext,
  dataloop: Pick<DataloopApi, 'getIntegration'> & ConfirmsOrganization,
): Promise<DataloopIntegration & { readonly userArn: string }> {
  const integration = await ourIntegration(step, await confirmedOrganization(step, dataloop), dataloop);
  const { userArn } = integration;
  if (!userArn) {
    throw new ServiceError(
      'IamUserNotIssuedError',
      `Dataloop's integration ${integration.id} has no IAM user yet.`,
    );
  }
  return { ...integration, userArn };
}

/** What CreateRole saw of our integration at Dataloop, and answered. Step Functions keeps it, where no function can write it. */
export const seenIntegrationSchema = z.object({ id: z.string(), trustStatus: z.string().optional() });
export type SeenIntegration = z.infer<typeof seenIntegrationSchema>;

/** The integration that the journal names, as Dataloop shows it. @throws ServiceError where it is gone, or not ours */
export async function ourIntegration(
  step: StepContext,
  organizationId: string,
  dataloop: Pick<DataloopApi, 'getIntegration'>,
): Promise<DataloopIntegration> {
  const id = dataloopIntegrationIdOf(step);
  const found = await dataloop.getIntegration(organizationId, id);
  if (!found) {
    throw new ServiceError(
      'DataloopNotFoundError',
      `Somebody deleted Dataloop's integration ${id} during provisioning. Send the request again.`,
    );
  }
  return checkOurs(step, found);
}

export async function deleteIntegration(
  step: StepContext,
  dataloop: Pick<DataloopApi, 'listIntegrations' | 'deleteIntegration'> & ConfirmsOrganization,
): Promise<UndoOutcome> {
  const known = step.resource('dataloopIntegration');
  if (!known || known.state === 'gone') return { outcome: 'nothing to remove' };
  if (known.origin === 'adopted') return releaseIntegration(step);
  const organizationId = await organizationToLeave(step, dataloop);
  const { own, renamed } = await ownIntegrations(step, dataloop, organizationId);
  for (const { id } of own) await dataloop.deleteIntegration(organizationId, id);
  if (renamed) {
    await step.residue('dataloopIntegration', otherName(step, renamed, step.desired.dataloopIntegrationName));
    return { outcome: 'left: it has another name' };
  }
  if (own.length === 0) return confirmAbsence(step, 'dataloopIntegration');
  await step.gone('dataloopIntegration');
  return { outcome: 'removed' };
}

/** Dataloop has no owner tags: under another name it may be somebody else's. */
export const otherName = (
  { record }: Pick<StepContext, 'record'>,
  found: { readonly id: string; readonly name: string },
  name: string,
): Leftover => ({
  reason: `At Dataloop, ${found.id} is named "${found.name}", not "${name}", so it may belong to somebody else.`,
  advice: sendAgain(
    record,
    "Give it that name again to have it deleted, or delete it yourself in Dataloop's console.",
  ),
});
