/** The end of a workflow, or of the wait for it, in words. */
import type { Connection } from '../connection/answers.ts';
import type { Found } from '../connection/find.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { codeOf } from '../follow.ts';
import type { Session } from '../session.ts';
import {
  printDataset,
  printError,
  printLeftovers,
  printNext,
  printReleased,
  printResources,
} from './connection.ts';
import { duration, localTime } from './time.ts';

export interface Conclusion {
  /** When the command began, in ms. */
  readonly begun: number;
  readonly verb: 'connect' | 'disconnect' | 'watch';
}

export function concluded(session: Session, { value, raw }: Found, conclusion: Conclusion): ExitCode {
  const { screen } = session;
  // With watch, each change was a document.
  if (conclusion.verb !== 'watch') screen.document(raw);
  print(session, value, conclusion);
  if (value.action) return exitCodes.running;
  return isUndone(value, conclusion) ? exitCodes.done : codeOf(value);
}

/** What is disconnected while it is being connected is rolled back: it ends as `failed`, and that was wanted. */
const isUndone = ({ status }: Connection, { verb }: Conclusion): boolean =>
  status === 'removed' || (status === 'failed' && verb === 'disconnect');

function print(session: Session, connection: Connection, conclusion: Conclusion): void {
  printEnd(session, connection, conclusion);
  printLeftovers(session, connection);
  if (!isUndone(connection, conclusion)) printNext(session, connection);
}

function printEnd(session: Session, connection: Connection, conclusion: Conclusion): void {
  const { screen, world } = session;
  const { status, error } = connection;
  const id = connection.driverId ?? connection.integrationId;
  if (isUndone(connection, conclusion)) {
    printEndOfAccess(session, connection);
    const left = connection.released?.length ? 'nothing else is left' : 'nothing is left';
    screen.say(`${screen.paint('green', 'Removed')}: ${id}; ${left}.`);
    printReleased(session, connection);
  } else if (status === 'ready') {
    const took = conclusion.verb === 'connect' ? ` in ${duration(world.now() - conclusion.begun)}` : '';
    screen.say(`${screen.paint('green', 'Ready')}${took}: ${id}`);
    printResources(session, connection);
    printDataset(session, connection);
  } else if (status === 'failed') {
    const at = error?.step ? ` at ${error.step}` : '';
    screen.say(`${screen.paint('red', `Failed${at}`)}: ${id}; everything was undone, nothing is left.`);
    printError(session, connection);
  } else if (status === 'residue') {
    screen.say(`${screen.paint('red', 'Not all could be removed')}: ${id}`);
    printError(session, connection);
  } else {
    screen.say(`Still ${status}: ${id}`);
  }
}

/** When Dataloop's access ended: the first thing that a removal does. */
function printEndOfAccess({ screen }: Session, { steps }: Connection): void {
  const ended = steps.find(
    ({ name, status }) => /^(DeleteRole|RevokeAccess)$/.test(name) && status === 'succeeded',
  );
  if (ended?.endedAt) screen.say(`Access ended ${localTime(ended.endedAt, 'seconds')}`);
}
