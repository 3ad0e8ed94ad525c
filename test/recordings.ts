/** What cannot be read any more once it is over, written down while a run goes on: files in a folder of the run. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';

/** Name of the environment variable with the folder; without it nothing is recorded. */
export const recordingsVariable = 'TEST_RECORDINGS';

const recordingSchema = z.object({
  kind: z.enum(['API answer', 'journal item', 'dead letter', 'call to AWS']),
  /** Which one, for people. */
  where: z.string(),
  text: z.string(),
});
export type Recording = z.infer<typeof recordingSchema>;

const secretSchema = z.object({ kind: z.string(), value: z.string() });
/** A credential or a token that somebody held during the run. */
export type Secret = z.infer<typeof secretSchema>;

const recordings = 'recordings.jsonl';
const secrets = 'secrets.jsonl';
/** What people see of the run: the output of the run itself and of what it starts. */
export const consoleFile = (folder: string): string => join(folder, 'console.txt');

/** A line at once, so that processes beside each other do not tear each other's lines. */
function append(name: string, entry: object): void {
  const folder = process.env[recordingsVariable];
  if (folder) appendFileSync(join(folder, name), `${JSON.stringify(entry)}\n`);
}

export const record = (recording: Recording): void => append(recordings, recording);
export const recordSecret = (secret: Secret): void => append(secrets, secret);

function read<T>(folder: string, name: string, schema: z.ZodType<T>): T[] {
  const file = join(folder, name);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => schema.parse(JSON.parse(line)));
}

export const readRecordings = (folder: string): Recording[] => read(folder, recordings, recordingSchema);
export const readSecrets = (folder: string): Secret[] => read(folder, secrets, secretSchema);
