/** The organisation at Dataloop: as Dataloop says of the project, and as the journal keeps it. */
import { ServiceError } from '../../../errors.ts';
import { recordDamaged } from '../../model/lookup.ts';
import type { StepContext } from '../../saga/step.ts';
import type { DataloopApi } from './api.ts';

/** What confirms an organisation: Dataloop, and the parameter of the deployment. */
export type ConfirmsOrganization = Pick<DataloopApi, 'getProject'> & {
  /** The only organisation that the deployment serves. */
  readonly organizationId: string | undefined;
  /** What Preflight answered in the same execution. Step Functions keeps it, where no function can write it. */
  readonly foundByPreflight?: string | undefined;
};

/** @throws ServiceError where the project's organisation is not known, or not the one that was asked for */
export function organizationOfProject(
  project: Awaited<ReturnType<DataloopApi['getProject']>>,
  {
    organizationId,
    onlyOrganizationId,
  }: {
    /** The one that the request names. */
    readonly organizationId: string | undefined;
    /** The only one that the deployment serves. */
    readonly onlyOrganizationId: string | undefined;
  },
): string {
  const found = project.organizationId ?? organizationId ?? onlyOrganizationId;
  if (!found) {
    throw new ServiceError(
      'DataloopNotFoundError',
      `Dataloop does not say which organisation the project ${project.id} belongs to. Send dataloop.organizationId.`,
    );
  }
  for (const expected of [organizationId, onlyOrganizationId]) {
    if (expected && expected !== found) {
      throw new ServiceError(
        'DataloopForbiddenError',
        `The Dataloop project ${project.id} belongs to organisation ${found}, not to ${expected}. ` +
          `Choose a project of organisation ${expected}.`,
      );
    }
  }
  return found;
}

/** The organisation that Preflight resolved. @throws ServiceError when it did not run, or found another than was requested */
export function organizationOf(step: Pick<StepContext, 'record'>): string {
  const organizationId = step.record.dataloop?.organizationId;
  if (!organizationId) {
    throw new ServiceError(
      'InternalError',
      `The record of integration ${step.record.id} names no organisation: Preflight has not run.`,
    );
  }
  const { organizationId: requested } = step.record.request.dataloop;
  if (requested !== undefined && requested !== organizationId) {
    throw recordDamaged(step.record.id, 'dataloop.organizationId');
  }
  return organizationId;
}

/**
 * The same, before something is made there or somebody of it is trusted. Where neither the request nor the deployment names
 * the organisation, only the record does: then it must be the one that Preflight found, or Dataloop is asked again.
 * @throws ServiceError `RecordDamagedError` where the project is of another one
 */
export async function confirmedOrganization(
  step: Pick<StepContext, 'record' | 'desired'>,
  dataloop: ConfirmsOrganization,
): Promise<string> {
  const organizationId = organizationOf(step);
  if (step.record.request.dataloop.organizationId ?? dataloop.organizationId) return organizationId;
  const confirmed =
    dataloop.foundByPreflight ?? (await dataloop.getProject(step.desired.driver.projectId)).organizationId;
  if (confirmed === organizationId) return organizationId;
  throw recordDamaged(step.record.id, 'dataloop.organizationId');
}

const unknowable: readonly string[] = ['DataloopNotFoundError', 'DataloopForbiddenError'];

/**
 * The organisation in which the undo deletes. Dataloop's word goes before that of the record, which may be forged; a
 * project that is gone, or closed to us, by now does not keep the undo from its end.
 */
export async function organizationToLeave(
  step: Pick<StepContext, 'record' | 'desired'>,
  dataloop: ConfirmsOrganization,
): Promise<string> {
  const named = step.record.request.dataloop.organizationId ?? dataloop.organizationId;
  if (named) return named;
  const project = await dataloop.getProject(step.desired.driver.projectId).catch((error: unknown) => {
    if (error instanceof ServiceError && unknowable.includes(error.name)) return undefined;
    throw error;
  });
  return project?.organizationId ?? organizationOf(step);
}
