/** `dataloop-connect`: this process as the world of the program. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import confirm from '@inquirer/confirm';
import { accountOf } from './connection/account.ts';
import { connectToService } from './connection/connect.ts';
import { exitCodes } from './exit-codes.ts';
import manifest from './package.json' with { type: 'json' };
import { runProgram } from './program.ts';
import type { World } from './world.ts';

// Standard error is for people who ask what went wrong: the SDK's advice about Node.js is doctor's work.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

/** Made of cli/page/browser when this is bundled. */
declare const PAGE_SCRIPT: string;
declare const PAGE_STYLE: string;

let sayWhenInterrupted: (() => readonly string[]) | undefined;
let endWait: (() => void) | undefined;

async function standardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

/** @returns whether a program was found that opens addresses */
function openInBrowser(url: string): Promise<boolean> {
  const command = process.platform === 'darwin' ? 'open' : 'xdg-open';
  return new Promise((resolve) => {
    execFile(command, [url], (error) => resolve(error === null));
  });
}

const world: World = {
  env: process.env,
  nodeVersion: process.versions.node,
  version: manifest.version,
  stdout: process.stdout,
  stderr: process.stderr,
  canAsk: process.stdin.isTTY === true && process.stderr.isTTY === true,
  readText: (path) => (path === '-' ? standardInput() : readFile(path, 'utf8')),
  writeText: (path, text) => writeFile(path, text),
  // Standard output may be read by a program.
  ask: (message) => confirm({ message, default: false }, { output: process.stderr }),
  now: Date.now,
  delay: (milliseconds) => delay(milliseconds),
  every: (milliseconds, work) => {
    const timer = setInterval(work, milliseconds);
    return () => clearInterval(timer);
  },
  openInBrowser,
  pageAssets: { script: PAGE_SCRIPT, style: PAGE_STYLE },
  untilInterrupted: () =>
    new Promise((resolve) => {
      endWait = resolve;
    }),
  connect: connectToService,
  account: accountOf,
  whenInterrupted: (say) => {
    sayWhenInterrupted = say;
  },
};

process.on('SIGINT', () => {
  if (endWait) {
    endWait();
    endWait = undefined;
    return;
  }
  const lines = sayWhenInterrupted?.() ?? [];
  process.stderr.write(`\n${lines.map((line) => `${line}\n`).join('')}`);
  process.exit(exitCodes.interrupted);
});
// A reader such as `head` has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCodes.done);
  process.stderr.write(`✗ The output cannot be written: ${error.message}\n`);
  process.exit(exitCodes.unexpected);
});

runProgram(process.argv.slice(2), world).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = exitCodes.unexpected;
  },
);
