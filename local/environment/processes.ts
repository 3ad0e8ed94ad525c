/** Child processes in groups of their own, so that whatever they start ends with them. Ended by id, never by name. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, openSync, readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';

export interface Spawned {
  readonly process: ChildProcess;
  /** Settles when the process has ended, with its exit code; undefined where a signal ended it. */
  readonly ended: Promise<number | undefined>;
  /** Ends the whole group and waits for it. */
  stop(): Promise<void>;
}

export interface SpawnOptions {
  readonly cwd?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** First line of its standard input, which stays open. */
  readonly input?: string;
  /** Where standard output and error go; without it, to this process's own. */
  readonly logFile?: string;
  /** Keeps standard output for the caller to read; it goes to `logFile` as well. */
  readonly pipeOutput?: boolean;
  /** File that takes what goes to standard error, too. */
  readonly errorsAlsoTo?: string;
  /** Throws standard output away. */
  readonly discardOutput?: boolean;
}

const running = new Set<Spawned>();
let stopping = false;

/** Whether the program is stopping: later failures are a consequence of that. */
export const isStopping = (): boolean => stopping;

/** @throws Error while the program is stopping: a process started now would be left behind */
export function start(command: string, args: readonly string[], options: SpawnOptions): Spawned {
  if (stopping) throw new Error(`${command} was not started: the program is stopping.`);
  const log = options.logFile === undefined ? undefined : openSync(options.logFile, 'a');
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env,
    detached: true,
    // An open pipe on standard input tells the child that its parent lives.
    stdio: ['pipe', outputOf(options, log), log ?? (options.errorsAlsoTo ? 'pipe' : 'inherit')],
  });
  if (options.input !== undefined) {
    // Where it has ended already, `ended` says so.
    child.stdin?.on('error', () => undefined);
    child.stdin?.write(`${options.input}\n`);
  }
  if (options.pipeOutput && options.logFile !== undefined) {
    child.stdout?.pipe(createWriteStream(options.logFile, { flags: 'a' }));
  }
  if (options.errorsAlsoTo !== undefined) {
    child.stderr?.pipe(process.stderr, { end: false });
    child.stderr?.pipe(createWriteStream(options.errorsAlsoTo, { flags: 'a' }));
  }
  const ended = new Promise<number | undefined>((resolve, reject) => {
    child.once('exit', (code) => resolve(code ?? undefined));
    child.once('error', reject);
  });
  const spawned: Spawned = {
    process: child,
    ended,
    stop: async () => {
      killGroup(child, 'SIGTERM');
      const forced = setTimeout(() => killGroup(child, 'SIGKILL'), 3_000);
      await ended.catch(() => undefined);
      clearTimeout(forced);
      // What the leader left behind.
      killGroup(child, 'SIGKILL');
      running.delete(spawned);
    },
  };
  running.add(spawned);
  // The caller awaits `ended` itself; this only keeps the register true.
  ended.then(
    () => running.delete(spawned),
    () => running.delete(spawned),
  );
  return spawned;
}

function outputOf(options: SpawnOptions, log: number | undefined): 'pipe' | 'ignore' | 'inherit' | number {
  if (options.pipeOutput) return 'pipe';
  return options.discardOutput ? 'ignore' : (log ?? 'inherit');
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // ESRCH: the group has ended already.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** Runs a command to its end. @throws Error with the last lines of its output when it fails */
export async function run(
  what: string,
  command: string,
  args: readonly string[],
  options: SpawnOptions & { logFile: string },
): Promise<void> {
  const spawned = start(command, args, options);
  const code = await spawned.ended;
  if (code !== 0)
    throw new Error(`${what} failed (${code ?? 'ended by a signal'}).\n${tail(options.logFile)}`);
}

export function tail(file: string, lines = 30): string {
  return `${readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')}\n(full log: ${file})`;
}

/** The first line of a stream. @throws Error when it ends without one */
export async function firstLine(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream) {
    text += String(chunk);
    const end = text.indexOf('\n');
    if (end >= 0) return text.slice(0, end);
  }
  throw new Error('The process ended before it was ready.');
}

const lastWorks: (() => Promise<void>)[] = [];

/** Registers work to be done when a signal stops the program, before what it started is ended. */
export function beforeStopping(work: () => Promise<void>): void {
  lastWorks.push(work);
}

async function doLastWorks(): Promise<void> {
  for (const work of lastWorks) {
    try {
      await work();
    } catch (error) {
      process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
}

/** Ends everything that was started here. */
async function stopAll(): Promise<void> {
  stopping = true;
  await Promise.all([...running].map((spawned) => spawned.stop()));
}

/**
 * Runs a program that starts processes: they end with it, whether it returns, throws or is interrupted.
 * Exits with the program's code, 1 after an error (which is printed), 130 or 143 after a signal.
 */
export async function runProgram(program: () => Promise<number>): Promise<never> {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      process.stderr.write(`\n${signal}: stopping…\n`);
      doLastWorks()
        .then(stopAll)
        .finally(() => process.exit(code));
    });
  }
  let code = 1;
  try {
    code = await program();
  } catch (error) {
    if (!stopping) process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
  }
  if (stopping) await once(process, 'exit');
  await stopAll();
  process.exit(code);
}
