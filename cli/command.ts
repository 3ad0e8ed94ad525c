/** The form of a command: each is one file in commands/, and the program is made of them. */
import { type Command, Option } from 'commander';
import * as z from 'zod';
import { connectionFlags } from './connection/settings.ts';
import type { ExitCode } from './exit-codes.ts';
import { programName, type Session, sessionFor } from './session.ts';
import type { World } from './world.ts';

interface CommandOf<Flags extends z.ZodType> {
  readonly name: string;
  readonly summary: string;
  /** Arguments, as commander writes them (`<name>`, `[name]`), with what they mean. */
  readonly takes?: readonly (readonly [argument: string, meaning: string])[];
  readonly flags?: readonly (readonly [flag: string, meaning: string])[];
  /** The flags as the command reads them. */
  readonly schema: Flags;
  /** What follows the name of the program. */
  readonly examples: readonly [string, ...string[]];
  run(
    call: { readonly names: readonly string[]; readonly flags: z.output<Flags> },
    session: Session,
  ): Promise<ExitCode>;
}

export interface ProgramCommand {
  readonly name: string;
  /** @param end takes the exit code of the run */
  addTo(program: Command, world: World, end: (code: ExitCode) => void): void;
}

const commonFlags = connectionFlags.extend({ output: z.enum(['text', 'json']).default('text') });

export const defineCommand = <Flags extends z.ZodType>(command: CommandOf<Flags>): ProgramCommand => ({
  name: command.name,
  addTo: (program, world, end) => {
    const added = program.command(command.name).summary(command.summary).description(command.summary);
    for (const [argument, meaning] of command.takes ?? []) added.argument(argument, meaning);
    for (const [flag, meaning] of command.flags ?? []) added.option(flag, meaning);
    added
      .addOption(
        new Option('--stage <stage>', 'stage of the deployment; default: dev, or DATALOOP_CONNECT_STAGE'),
      )
      .addOption(
        new Option('--region <region>', 'AWS region of the deployment; default: AWS_REGION, or the profile'),
      )
      .addOption(new Option('--profile <profile>', 'profile of the AWS configuration; default: AWS_PROFILE'))
      .addOption(
        new Option('--api-url <url>', 'address of the API, instead of a look at the stack; default: API_URL'),
      )
      .addOption(new Option('--output <form>', 'text or json').choices(['text', 'json']).default('text'))
      .addHelpText('after', `\n${command.examples.length > 1 ? 'Examples' : 'Example'}:`)
      .addHelpText('after', command.examples.map((example) => `  $ ${programName} ${example}`).join('\n'));
    added.action(async (...given: unknown[]) => {
      const names = given.slice(0, command.takes?.length ?? 0);
      const options = added.opts();
      const { output, ...flags } = commonFlags.parse(options);
      const session = sessionFor(world, flags, output);
      const call = {
        names: z.array(z.string()).parse(names.filter((name) => name !== undefined)),
        flags: command.schema.parse(options),
      };
      end(await command.run(call, session));
    });
  },
});
