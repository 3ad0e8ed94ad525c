/** What a command writes: text for people, or one JSON document for programs. Notes go to standard error. */
import { styleText } from 'node:util';
import type { Stream, World } from '../world.ts';
import { harmless } from './harmless.ts';

export type Colour = 'green' | 'red' | 'yellow' | 'cyan' | 'dim' | 'bold';

export interface Screen {
  readonly isJson: boolean;
  /** Whether lines can be drawn again. */
  readonly isLive: boolean;
  /** Columns of the terminal; undefined where the output is no terminal: nothing is cut then. */
  readonly columns: number | undefined;
  /** A line for people, on standard output. */
  say(line?: string): void;
  /** Text as it is, on standard output. */
  write(text: string): void;
  /** A document for programs, on one line where several follow each other. */
  document(value: unknown, onOneLine?: boolean): void;
  /** A line beside the result, on standard error; for programs a document of its own, as an error is. */
  note(line: string): void;
  paint(colour: Colour, text: string): string;
}

const isSet = (value: string | undefined) => value !== undefined && value !== '';

function hasColour(stream: Stream, env: World['env']): boolean {
  return stream.isTTY === true && !isSet(env['NO_COLOR']) && env['TERM'] !== 'dumb';
}

export function screenFor(
  { stdout, stderr, env }: Pick<World, 'stdout' | 'stderr' | 'env'>,
  output: 'text' | 'json',
): Screen {
  const isJson = output === 'json';
  const coloured = hasColour(stdout, env);
  return {
    isJson,
    isLive: !isJson && stdout.isTTY === true && env['TERM'] !== 'dumb',
    columns: stdout.isTTY === true ? (stdout.columns ?? 80) : undefined,
    say: (line = '') => {
      if (!isJson) stdout.write(`${line}\n`);
    },
    write: (text) => {
      if (!isJson) stdout.write(text);
    },
    document: (value, onOneLine = false) => {
      if (isJson) stdout.write(`${JSON.stringify(value, undefined, onOneLine ? undefined : 2)}\n`);
    },
    note: (line) => {
      stderr.write(`${isJson ? JSON.stringify({ note: line }) : harmless(line)}\n`);
    },
    paint: (colour, text) => (coloured ? styleText(colour, text, { validateStream: false }) : text),
  };
}
