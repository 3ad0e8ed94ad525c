/** How a command ends. docs/command-line.md explains each code to those who write scripts. */
export const exitCodes = {
  done: 0,
  unexpected: 1,
  /** Arguments, files or settings (credentials, region, stage) are wrong: nothing was sent. */
  usage: 2,
  /** The API or AWS refused the call, or a plan has blocking issues. */
  refused: 3,
  /** A connection failed and nothing is left of it; or a test found something. */
  failed: 4,
  leftovers: 5,
  /** The workflow goes on. */
  running: 6,
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** An end that people can do something about. Anything else that is thrown is unexpected. */
export class CommandError extends Error {
  readonly code: ExitCode;
  /** What is wrong in detail, a line each. */
  readonly lines: readonly string[];
  /** The command to type next, without the name of the program. */
  readonly next: string | undefined;
  /** What the API answered. */
  readonly answer: unknown;

  constructor(
    code: ExitCode,
    message: string,
    more: { lines?: readonly string[]; next?: string | undefined; answer?: unknown; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.lines = more.lines ?? [];
    this.next = more.next;
    this.answer = more.answer;
  }
}
