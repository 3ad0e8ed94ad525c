/** `dataloop-connect` as people and scripts run it: its bundle, in a real terminal and piped, against the deployed service. */
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../local/environment/paths.ts';
import { bundleCommandLine } from '../../scripts/command-line.ts';
import { until } from '../until.ts';
import { deployment, environment, python } from './deployment.ts';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Settings of the caller: as `. .local/env` makes them. */
const env = {
  ...process.env,
  API_URL: deployment.apiUrl,
  DATALOOP_CONNECT_STAGE: deployment.stage,
  TERM: 'xterm-256color',
  NO_COLOR: '',
};

export function execute([command = '', ...args]: readonly string[], input = ''): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(command, args, { env, maxBuffer: 64 * 1024 * 1024 }, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, out, err });
    });
    child.stdin?.end(input);
  });
}

export interface CommandLine {
  /** Holds the program, and whatever a test writes. */
  readonly folder: string;
  /** As a script runs it. */
  piped(args: readonly string[], input?: string): Promise<Ran>;
  /** As a person runs it. @param type keys for what appears on the screen */
  typed(args: readonly string[], type: readonly { after: string; keys: string }[]): Promise<Ran>;
  /** Runs a command that serves a page, looks at that, and presses Ctrl-C. @param look gets the address */
  withPage(args: readonly string[], look: (address: string) => Promise<void>): Promise<Ran>;
  /** Takes the folder away. */
  remove(): void;
}

export async function commandLine(): Promise<CommandLine> {
  const folder = mkdtempSync(join(environment.folder, 'command-line-'));
  await bundleCommandLine(folder);
  const program = [process.execPath, join(folder, 'dataloop-connect.cjs')];
  return {
    folder,
    piped: (args, input) => execute([...program, ...args], input),
    typed: (args, type) =>
      execute(
        [join(python, 'python'), join(projectRoot, 'test', 'integration', 'side-by-side', 'terminal.py')],
        JSON.stringify({ command: [...program, ...args], type }),
      ),
    withPage: (args, look) => withPage([...program, ...args], look),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

async function withPage(
  [command = '', ...args]: readonly string[],
  look: (address: string) => Promise<void>,
): Promise<Ran> {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    said.out += chunk.toString('utf8');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    said.err += chunk.toString('utf8');
  });
  const ended = new Promise<number>((resolve) => {
    child.on('close', (code) => resolve(code ?? -1));
  });
  try {
    await until(
      () => `the page is served and all is followed: ${said.err}`,
      () => said.err.includes('until you press Ctrl-C') || child.exitCode !== null,
    );
    await look(/^Page: (\S+)$/m.exec(said.err)?.[1] ?? '');
  } finally {
    child.kill('SIGINT');
  }
  return { code: await ended, ...said };
}
