/** The desired state of a record in this deployment. */
import { accountSettings } from '../config.ts';
import { type DesiredState, desiredState } from '../domain/model/desired-state.ts';
import type { JournalRecord } from '../domain/model/record.ts';

export const desiredStateOf = ({ id, request }: Pick<JournalRecord, 'id' | 'request'>): DesiredState =>
  desiredState(id, request, accountSettings());
