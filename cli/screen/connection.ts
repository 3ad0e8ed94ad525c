/** An integration or an added bucket in words: what it is, what went wrong, what to do next. */
import type { Connection } from '../connection/answers.ts';
import { kindOf, referenceOf } from '../page/words.ts';
import type { Session } from '../session.ts';
import type { Colour } from './screen.ts';
import { paragraph } from './table.ts';
import { localTime } from './time.ts';

const colours: Readonly<Record<string, Colour>> = {
  ready: 'green',
  removed: 'green',
  failed: 'red',
  residue: 'red',
};

/** How commands name it: an integration by its name, an added bucket by both ids. */
export const handleOf = ({ name, integrationId, driverId }: Connection): string =>
  driverId ? `${integrationId} ${driverId}` : name;

export function printResources({ screen }: Session, { resources }: Connection, indent = '  '): void {
  const kinds = resources.map(kindOf);
  const width = Math.max(0, ...kinds.map((kind) => kind.length));
  for (const [index, resource] of resources.entries()) {
    const adopted = resource.origin === 'adopted' ? '  (was there before; stays)' : '';
    screen.say(
      `${indent}${(kinds[index] ?? '').padEnd(width)}  ${screen.paint('bold', referenceOf(resource))}${adopted}`,
    );
  }
}

/** How the sync of the dataset stands: the connection is ready also where it failed. */
export function printDataset({ screen }: Session, { dataset }: Connection): void {
  if (!dataset?.sync) return;
  const { name, sync, items, reason } = dataset;
  const how =
    sync === 'succeeded'
      ? `synced, ${items === 1 ? '1 item' : `${items ?? 'unknown number of'} items`}`
      : screen.paint('yellow', sync === 'running' ? 'is being synced' : 'not synced');
  screen.say(`Dataset "${name}": ${how}`);
  for (const line of reason ? paragraph(reason, screen.columns, '  ') : []) screen.say(line);
}

/** What a workflow left behind, and what belongs to others. */
export function printLeftovers({ screen }: Session, { residue, leftAlone = [] }: Connection): void {
  for (const left of residue) {
    screen.say(`${screen.paint('red', 'Left:')} ${kindOf(left)} ${screen.paint('bold', referenceOf(left))}`);
    for (const [label, text] of [
      ['Why: ', left.reason],
      ['Do:  ', left.advice],
    ] as const) {
      const [first = '', ...rest] = paragraph(text, screen.columns, '        ');
      screen.say(screen.paint('dim', `  ${label} `) + screen.paint('dim', first.trimStart()));
      for (const line of rest) screen.say(screen.paint('dim', line));
    }
  }
  for (const other of leftAlone) {
    screen.say(`Left alone: ${kindOf(other)} ${referenceOf(other)}: ${other.reason}`);
  }
}

/** What its owner keeps. */
export function printReleased({ screen }: Session, { released = [] }: Connection): void {
  for (const kept of released) {
    screen.say(`Kept: ${kindOf(kept)} ${screen.paint('bold', referenceOf(kept))}; it is yours now`);
  }
}

export function printError({ screen }: Session, { error }: Connection): void {
  if (!error) return;
  const lines = paragraph(`${error.title}: ${error.detail}`, screen.columns, '       ');
  for (const [index, line] of lines.entries()) {
    screen.say(index === 0 ? `${screen.paint('red', 'Cause:')} ${line.trimStart()}` : line);
  }
}

/** What an operator is asked to do, with the commands of this program in the place of calls. */
function printAction(session: Session, connection: Connection): void {
  const { screen } = session;
  const { action } = connection;
  if (!action) return;
  screen.say(`${screen.paint('yellow', 'It waits for you:')} ${action.what}`);
  const steps = action.steps.filter((step) => !step.startsWith('Send POST '));
  for (const [index, step] of steps.entries()) {
    const [first = '', ...rest] = paragraph(step, screen.columns, '     ');
    screen.say(`  ${index + 1}. ${first.trimStart()}`);
    for (const line of rest) screen.say(line);
  }
  const known = /"userArn":"(arn:[^"]+)"/.exec(action.steps.join(' '))?.[1];
  const id = known ? ' --dataloop-integration ID' : '';
  session.next(`confirm-user ${connection.name} --user-arn ${known ?? 'ARN'}${id}`);
}

const past: Readonly<Record<string, string>> = { failed: 'nothing is left', removed: 'nothing is left' };

/** `acme-images  int_…  FAILED at CreateRole, 2026-11-28 22:35; nothing is left` */
export function headline({ screen }: Session, connection: Connection): string {
  const { name, integrationId, driverId, status, error, updatedAt } = connection;
  const colour = colours[status] ?? 'yellow';
  const at = error?.step && status !== 'ready' ? ` at ${error.step}` : '';
  const after = past[status] ? `; ${past[status]}` : '';
  const state = screen.paint(colour, status.toUpperCase());
  return `${screen.paint('bold', name)}  ${driverId ?? integrationId}  ${state}${at}, ${localTime(updatedAt)}${after}`;
}

/**
 * All of it: state, cause, what is there, what is left, what to do next.
 * @param steps a line for each step
 */
export function printConnection(
  session: Session,
  connection: Connection,
  steps: readonly string[] = [],
): void {
  const { screen } = session;
  screen.say(headline(session, connection));
  printError(session, connection);
  printResources(session, connection);
  printDataset(session, connection);
  for (const driver of connection.drivers ?? []) {
    screen.say(`  Added bucket  s3://${driver.bucket}  (driver ${driver.name}, ${driver.driverId})`);
  }
  printReleased(session, connection);
  printLeftovers(session, connection);
  for (const line of steps) screen.say(line);
  printNext(session, connection);
}

/** What to do next: by an operator, by a command, or about the cause of a failure. */
export function printNext(session: Session, connection: Connection): void {
  const { action, status, driverId } = connection;
  if (action) {
    printAction(session, connection);
    return;
  }
  const next = nextFor(connection);
  if (next) session.next(next);
  else if (status === 'failed') {
    const again = driverId ? 'add the bucket' : `connect ${connection.name}`;
    session.screen.say(`Next: solve the cause, then ${again} again.`);
  }
}

/** What people usually do next. */
function nextFor(connection: Connection): string | undefined {
  const { status, driverId, integrationId } = connection;
  const handle = handleOf(connection);
  switch (status) {
    case 'ready':
      return `test ${handle}`;
    case 'residue':
      return driverId ? `remove-bucket ${handle}` : `disconnect ${handle}`;
    case 'failed':
    case 'removed':
      return undefined;
    default:
      return driverId ? `watch ${handle}` : `watch ${integrationId}`;
  }
}
