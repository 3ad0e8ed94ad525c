/** Whatever a command needs from outside: files, clock, terminal, network. Tests bring their own. */
import type { Account } from './connection/account.ts';
import type { ServiceConnection } from './connection/connect.ts';
import type { ConnectionSettings } from './connection/settings.ts';
import type { PageAssets } from './page/document.ts';

export interface Stream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly nodeVersion: string;
  /** Version of this program. */
  readonly version: string;
  readonly stdout: Stream;
  readonly stderr: Stream;
  /** Whether a person can answer a question. */
  readonly canAsk: boolean;
  /** @param path `-` for standard input */
  readText(path: string): Promise<string>;
  writeText(path: string, text: string): Promise<void>;
  ask(question: string): Promise<boolean>;
  now(): number;
  delay(milliseconds: number): Promise<void>;
  /** Calls `work` every so often until the returned function is called. */
  every(milliseconds: number, work: () => void): () => void;
  openInBrowser(url: string): Promise<boolean>;
  readonly pageAssets: PageAssets;
  /** Waits for Ctrl-C, which then ends nothing but this. */
  untilInterrupted(): Promise<void>;
  connect(settings: ConnectionSettings): Promise<ServiceConnection>;
  account(settings: ConnectionSettings): Account;
  /** What is said when somebody presses Ctrl-C; the last one that was set. */
  whenInterrupted(say: (() => readonly string[]) | undefined): void;
}
