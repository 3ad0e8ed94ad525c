/** The organisation at Dataloop: as Dataloop says of the project, and as the journal keeps it. */
import { ServiceError } from '../../../errors.ts';
import { recordDamaged } from '../../model/lookup.ts';
import type { StepContext } from '../../saga/step.ts';
import type { DataloopApi } from './api.ts';

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
