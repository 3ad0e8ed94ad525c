import type { Command } from 'commander';
import type { ProgramCommand } from '../command.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { programName } from '../session.ts';

interface Words {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly string[];
}

const wordsOf = (program: Command): Words[] =>
  program.commands.map((command) => ({
    name: command.name(),
    summary: command.summary(),
    flags: [...command.options.flatMap(({ long }) => long ?? []), '--help'],
  }));

const functionName = `_${programName.replace('-', '_')}`;

function bash(words: readonly Words[]): string {
  const cases = words.map(({ name, flags }) => `    ${name}) known="${flags.join(' ')}" ;;`);
  return [
    `${functionName}() {`,
    `  local word="\${COMP_WORDS[COMP_CWORD]}" known`,
    `  case "\${COMP_WORDS[1]}" in`,
    ...cases,
    '  esac',
    `  if [ "$COMP_CWORD" -eq 1 ]; then known="${words.map(({ name }) => name).join(' ')}"; fi`,
    '  COMPREPLY=($(compgen -W "$known" -- "$word"))',
    '}',
    `complete -o default -F ${functionName} ${programName}`,
  ].join('\n');
}

function zsh(words: readonly Words[]): string {
  const quoted = (text: string) => text.replaceAll("'", "'\\''").replaceAll(':', '\\:');
  const names = words.map(({ name, summary }) => `    '${name}:${quoted(summary)}'`);
  const cases = words.map(({ name, flags }) => `    ${name}) compadd -- ${flags.join(' ')} ;;`);
  return [
    `#compdef ${programName}`,
    `${functionName}() {`,
    '  local -a known',
    '  known=(',
    ...names,
    '  )',
    '  if (( CURRENT == 2 )); then',
    "    _describe 'command' known",
    '    return',
    '  fi',
    '  case "$words[2]" in',
    ...cases,
    '  esac',
    '  _files',
    '}',
    `compdef ${functionName} ${programName}`,
  ].join('\n');
}

function fish(words: readonly Words[]): string {
  const quoted = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  return words
    .flatMap(({ name, summary, flags }) => [
      `complete -c ${programName} -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
      ...flags.map(
        (flag) =>
          `complete -c ${programName} -n '__fish_seen_subcommand_from ${name}' -l ${flag.replace(/^--/, '')}`,
      ),
    ])
    .join('\n');
}

const shells: Readonly<Record<string, (words: readonly Words[]) => string>> = { bash, zsh, fish };

/** A script for the shell, made of the commands themselves. It needs no deployment. */
export const completion: ProgramCommand = {
  name: 'completion',
  addTo: (program, world, end) => {
    program
      .command('completion')
      .summary('Print a script that completes commands in bash, zsh or fish.')
      .description('Print a script that completes commands in bash, zsh or fish.')
      .argument('<shell>', Object.keys(shells).join(', '))
      .addHelpText('after', `\nExample:\n  $ source <(${programName} completion bash)`)
      .action((shell: unknown) => {
        const script = typeof shell === 'string' ? shells[shell] : undefined;
        if (!script) {
          throw new CommandError(exitCodes.usage, `Known shells: ${Object.keys(shells).join(', ')}.`);
        }
        world.stdout.write(`${script(wordsOf(program))}\n`);
        end(exitCodes.done);
      });
  },
};
