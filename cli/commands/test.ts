import * as z from 'zod';
import { defineCommand } from '../command.ts';
import { type TestResult, testSchema } from '../connection/answers.ts';
import { addedBucketOf, findIntegration } from '../connection/find.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Colour } from '../screen/screen.ts';
import { paragraph } from '../screen/table.ts';
import type { Session } from '../session.ts';

const signs: Readonly<Record<string, readonly [string, Colour]>> = {
  passed: ['✓', 'green'],
  failed: ['✗', 'red'],
  skipped: ['-', 'dim'],
};

function print({ screen }: Session, { checks }: TestResult): void {
  const width = Math.max(0, ...checks.map(({ name }) => name.length));
  for (const { name, status, detail } of checks) {
    const [sign, colour] = signs[status] ?? ['?', 'yellow'];
    const [first = '', ...rest] = paragraph(detail, screen.columns, ' '.repeat(width + 4));
    screen.say(`${screen.paint(colour, sign)} ${name.padEnd(width)}  ${first.trimStart()}`);
    for (const line of rest) screen.say(line);
  }
}

/** `POST …/test`: changes nothing. */
export const test = defineCommand({
  name: 'test',
  summary: 'Test each part of a connection that is ready.',
  takes: [
    ['<integration>', 'name or id (int_…)'],
    ['[bucket]', 'an added bucket: its name, its driver, or its id (drv_…)'],
  ],
  schema: z.object({}),
  examples: ['test acme-images', 'test acme-images dataloop-dev-acme-videos'],
  run: async ({ names: [name = '', bucket] }, session) => {
    const api = await session.api();
    const { value: integration } = await findIntegration(api, name);
    const path = bucket === undefined ? integration.links.self : addedBucketOf(integration, bucket);
    const { value, raw } = await api.call({ method: 'POST', path: `${path}/test` }, testSchema);
    session.screen.document(raw);
    print(session, value);
    const failed = value.checks.filter(({ status }) => status === 'failed').length;
    if (value.status === 'passed') {
      session.screen.say(session.screen.paint('green', 'All checks passed.'));
      return exitCodes.done;
    }
    session.screen.say(failed === 1 ? 'One check failed.' : `${failed} checks failed.`);
    return exitCodes.failed;
  },
});
