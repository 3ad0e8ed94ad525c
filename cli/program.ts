/** The program: arguments in, exit code out. */
import { Command, CommanderError } from 'commander';
import { ZodError } from 'zod';
import { commands } from './commands/index.ts';
import { CommandError, type ExitCode, exitCodes } from './exit-codes.ts';
import { harmless } from './screen/harmless.ts';
import { programName } from './session.ts';
import type { World } from './world.ts';

export function programFor(world: World, end: (code: ExitCode) => void): Command {
  const program = new Command(programName)
    .description('Connects S3 buckets to Dataloop through the deployed service, and disconnects them.')
    .version(world.version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => world.stdout.write(text),
      writeErr: (text) => world.stderr.write(text),
      getOutHelpWidth: () => world.stdout.columns ?? 80,
      // What is wrong is said below, as for every other error.
      outputError: () => undefined,
    })
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .helpCommand(true);
  for (const command of commands) command.addTo(program, world, end);
  program.addHelpText(
    'after',
    `\nFirst:\n  $ ${programName} doctor\n\nExit codes: 0 done, 1 unexpected, 2 usage, 3 refused, 4 failed and nothing left,\n5 leftovers, 6 still running, 130 interrupted.`,
  );
  return program;
}

/** @param args without the names of node and of the program */
export async function runProgram(args: readonly string[], world: World): Promise<ExitCode> {
  let code: ExitCode = exitCodes.done;
  const program = programFor(world, (ended) => {
    code = ended;
  });
  try {
    if (args.length === 0) {
      program.outputHelp();
      return exitCodes.usage;
    }
    await program.parseAsync(knownOrAlone(args), { from: 'user' });
    return code;
  } catch (error) {
    return failed(error, args, world);
  }
}

const isCommand = (word: string): boolean => commands.some(({ name }) => name === word);

/** Of a command that does not exist, there is no help: without its flags, it is refused. */
function knownOrAlone(args: readonly string[]): readonly string[] {
  const [asked] = args[0] === 'help' ? args.slice(1) : args;
  return asked === undefined || asked.startsWith('-') || isCommand(asked) ? args : [asked];
}

function failed(error: unknown, args: readonly string[], world: World): ExitCode {
  // Help and version end that way, too.
  if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.done;
  // Ctrl-C while a question is open.
  if (error instanceof Error && error.name === 'ExitPromptError') {
    world.stderr.write('\nNothing was sent.\n');
    return exitCodes.interrupted;
  }
  const known = error instanceof CommanderError ? misuse(error, args) : asCommandError(error);
  const isJson = args.some(
    (arg, index) => arg === '--output=json' || (arg === 'json' && args[index - 1] === '--output'),
  );
  const same = sameDeployment(args);
  const text = isJson ? `${JSON.stringify(asDocument(known, same))}\n` : harmless(asText(known, same));
  world.stderr.write(text);
  return known.code;
}

/** Wrong arguments, in the words of commander, which may add what was meant. */
function misuse(error: CommanderError, [command = '']: readonly string[]): CommandError {
  const [message = '', ...lines] = error.message.replace(/^error: /, '').split('\n');
  const next = isCommand(command) ? `${command} --help` : '--help';
  return new CommandError(exitCodes.usage, message, { lines, next, cause: error });
}

function asCommandError(error: unknown): CommandError {
  if (error instanceof CommandError) return error;
  if (error instanceof ZodError) {
    return new CommandError(exitCodes.usage, error.issues.map(({ message }) => message).join(' '), {
      cause: error,
    });
  }
  const said = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new CommandError(exitCodes.unexpected, said, { next: 'doctor', cause: error });
}

/** The flags that say which deployment is meant, as they were typed. */
function sameDeployment(args: readonly string[]): string {
  const flags = ['--stage', '--profile', '--region', '--api-url'];
  return args
    .flatMap((arg, index) => {
      if (flags.some((flag) => arg.startsWith(`${flag}=`))) return [` ${arg}`];
      return flags.includes(arg) && args[index + 1] !== undefined ? [` ${arg} ${args[index + 1]}`] : [];
    })
    .join('');
}

const asCommand = (next: string, same: string): string =>
  `${programName} ${next}${next.endsWith('--help') ? '' : same}`;

const asText = ({ message, lines, next }: CommandError, same: string): string =>
  [
    `✗ ${message}`,
    ...lines.map((line) => `  ${line}`),
    ...(next ? [`Next: ${asCommand(next, same)}`] : []),
    '',
  ].join('\n');

const asDocument = ({ message, lines, next, answer, code }: CommandError, same: string) => ({
  error: {
    message,
    ...(lines.length > 0 ? { details: lines } : {}),
    ...(next ? { next: asCommand(next, same) } : {}),
    ...(answer === undefined ? {} : { answer }),
    exitCode: code,
  },
});
