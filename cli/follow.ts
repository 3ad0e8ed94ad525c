/** Follows a workflow through the API until it has ended, whether people or programs look on. */
import { type Connection, isSettled } from './connection/answers.ts';
import type { Api } from './connection/api.ts';
import { type Found, readConnection } from './connection/find.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { progressOn } from './screen/progress.ts';
import type { Session } from './session.ts';

export interface Following {
  /** Path in the API. */
  readonly path: string;
  /** How people come back to it: its id, or the ids of an added bucket. */
  readonly id: string;
  /** ISO time: steps that began before were shown before. */
  readonly since?: string;
  /** Stops looking after this time; undefined: never. */
  readonly timeoutSeconds?: number | undefined;
  /** What an operator was asked, and has said: what is asked about these ends no wait, the next question does. */
  readonly answered?: readonly string[];
  /** Called with each new state, for those who want to know of all. */
  onChange?(found: Found): void;
}

const redrawEvery = 120;

/** A workflow is young for a minute; later a look every few seconds is enough. */
const pauseAfter = (milliseconds: number): number => (milliseconds < 60_000 ? 1_000 : 4_000);

/** @returns the last state: settled, or not where the time was up */
export async function follow(session: Session, api: Api, following: Following): Promise<Found> {
  const { world, screen } = session;
  const { path, id, since = '', timeoutSeconds, answered = [], onChange } = following;
  const progress = progressOn({ ...screen, write: screen.write }, world.now);
  const begun = world.now();
  let known = '';
  world.whenInterrupted(() => {
    progress.end();
    return ['The workflow goes on. To come back:', `  ${session.command(`watch ${id}`)}`];
  });
  const stopDrawing = world.every(redrawEvery, () => progress.tick());
  try {
    for (;;) {
      const found = await readConnection(api, path);
      progress.show(found.value.steps.filter(({ startedAt }) => startedAt >= since));
      const state = JSON.stringify(found.raw);
      if (state !== known) onChange?.(found);
      known = state;
      const passed = world.now() - begun;
      const isOver = timeoutSeconds !== undefined && passed >= timeoutSeconds * 1_000;
      const { action } = found.value;
      const isAsked = action !== undefined && !answered.some((each) => action.what.includes(each));
      if (isSettled(found.value) || isOver || isAsked) return found;
      await world.delay(pauseAfter(passed));
    }
  } catch (error) {
    throw stillRunning(error, id);
  } finally {
    stopDrawing();
    progress.end();
    world.whenInterrupted(undefined);
  }
}

/** What prevents us from looking does not prevent the workflow from going on. */
function stillRunning(error: unknown, id: string): unknown {
  if (!(error instanceof CommandError)) return error;
  return new CommandError(error.code, error.message, {
    lines: [...error.lines, 'The workflow goes on.'],
    next: `watch ${id}`,
    answer: error.answer,
    cause: error,
  });
}

/** The exit code that a state stands for. */
export function codeOf({ status }: Pick<Connection, 'status'>) {
  switch (status) {
    case 'ready':
    case 'removed':
      return exitCodes.done;
    case 'failed':
      return exitCodes.failed;
    case 'residue':
      return exitCodes.leftovers;
    default:
      return exitCodes.running;
  }
}
