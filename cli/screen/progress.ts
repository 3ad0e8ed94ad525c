/** The steps of a workflow as they happen: a line for each that ended, and below them those that run now. */
import type { Step } from '../connection/answers.ts';
import type { Colour } from './screen.ts';
import { cut } from './table.ts';

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const signs: Readonly<Record<string, string>> = { succeeded: '✓', failed: '✗' };
const colours: Readonly<Record<string, Colour>> = {
  succeeded: 'green',
  failed: 'red',
  waiting: 'yellow',
  retrying: 'yellow',
};

/** What a step waits for; short, for a line of 80 columns. */
const awaited: Readonly<Record<string, string>> = {
  RequestIamUser: 'until it is issued',
  CompleteIntegration: 'until it is trusted',
  TestDriver: 'until access works',
  VerifyDriver: 'until access works',
  SyncDataset: 'until the bucket is read',
  AwaitOpenCalls: 'until all have ended',
  AwaitUndoCalls: 'until all have ended',
};

const hasEnded = ({ status }: Step): boolean => status === 'succeeded' || status === 'failed';

/** `✓ CreateBucket          succeeded    0.4 s  1 attempt` */
export function stepLine(step: Step, now: number, sign = signs[step.status] ?? '…'): string {
  const until = step.endedAt && hasEnded(step) ? Date.parse(step.endedAt) : now;
  const seconds = (Math.max(0, until - Date.parse(step.startedAt)) / 1000).toFixed(1);
  const attempts = `${step.attempts} ${step.attempts === 1 ? 'attempt' : 'attempts'}`;
  const what = hasEnded(step) || step.status === 'running' ? undefined : awaited[step.name];
  const line = `  ${sign} ${step.name.padEnd(20)} ${step.status.padEnd(10)} ${seconds.padStart(6)} s  ${attempts}`;
  return what ? `${line}, ${what}` : line;
}

/** `      next try within 8 s: Dataloop cannot use the bucket …`, while a step is retried. */
function reasonLine({ reason, nextAttemptBy }: Step, now: number): string | undefined {
  if (reason === undefined) return undefined;
  const left = nextAttemptBy === undefined ? 0 : Math.ceil((Date.parse(nextAttemptBy) - now) / 1000);
  return `      ${left > 0 ? `next try within ${left} s: ` : ''}${reason}`;
}

export interface ProgressScreen {
  readonly isLive: boolean;
  readonly columns: number | undefined;
  write(text: string): void;
  paint(colour: Colour, text: string): string;
}

export type Progress = ReturnType<typeof progressOn>;

export function progressOn(screen: ProgressScreen, now: () => number) {
  const printed = new Map<string, string>();
  let open: readonly Step[] = [];
  /** Lines that are drawn again. */
  let drawn = 0;
  let frame = 0;

  const erase = () => {
    if (drawn > 0) screen.write(`\r${'\u001b[1A\u001b[2K'.repeat(drawn)}`);
    drawn = 0;
  };
  const painted = (step: Step, line: string) => {
    const colour = colours[step.status];
    return colour ? screen.paint(colour, line) : line;
  };
  const draw = () => {
    for (const step of open) {
      for (const line of [stepLine(step, now(), frames[frame]), reasonLine(step, now())]) {
        if (line === undefined) continue;
        // A line that is wider than the terminal takes two, and could not be taken back.
        screen.write(`${painted(step, cut(line, (screen.columns ?? 80) - 1))}\n`);
        drawn += 1;
      }
    }
  };
  return {
    /** Shows how the steps are now. */
    show(steps: readonly Step[]): void {
      if (screen.isLive) {
        erase();
        frame = (frame + 1) % frames.length;
      }
      for (const step of steps.toSorted((a, b) => a.startedAt.localeCompare(b.startedAt))) {
        const state = `${step.startedAt} ${step.status} ${step.attempts} ${step.reason}`;
        // Steps that go on are drawn again where that can be done, else each change is a line.
        if (printed.get(step.name) === state || (screen.isLive && !hasEnded(step))) continue;
        printed.set(step.name, state);
        screen.write(`${painted(step, stepLine(step, now()))}\n`);
        const reason = reasonLine(step, now());
        if (reason) screen.write(`${painted(step, reason)}\n`);
      }
      open = steps.filter((step) => !hasEnded(step));
      if (screen.isLive) draw();
    },
    /** Draws again what runs: the clock has moved. */
    tick(): void {
      if (!screen.isLive || open.length === 0) return;
      frame = (frame + 1) % frames.length;
      erase();
      draw();
    },
    /** Leaves only what has ended. */
    end(): void {
      if (screen.isLive) erase();
      open = [];
    },
  };
}
