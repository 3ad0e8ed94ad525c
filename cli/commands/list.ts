import * as z from 'zod';
import { statuses } from '../../src/domain/model/record.ts';
import { defineCommand } from '../command.ts';
import type { Connection } from '../connection/answers.ts';
import { pagesOf } from '../connection/find.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { closest } from '../screen/closest.ts';
import { table } from '../screen/table.ts';
import { localTime } from '../screen/time.ts';

/** @throws CommandError for a status that does not exist */
function statusesFrom(text: string | undefined): string[] {
  const wanted = text === undefined || text === '' ? [] : text.split(',');
  for (const each of wanted) {
    if (statuses.some((known) => known === each)) continue;
    const meant = closest(each, statuses);
    throw new CommandError(
      exitCodes.usage,
      `There is no status "${each}".${meant ? ` Did you mean "${meant}"?` : ` Known: ${statuses.join(', ')}.`}`,
    );
  }
  return wanted;
}

const limitSchema = z
  .string()
  .regex(/^[1-9]\d{0,5}$/, '--limit must be a whole number from 1 on.')
  .transform(Number);

/** `GET /integrations`, page after page. */
export const list = defineCommand({
  name: 'list',
  summary: 'List integrations, newest first.',
  flags: [
    ['--status <statuses>', `only those, separated by commas: ${statuses.join(', ')}`],
    ['--limit <number>', 'at most so many'],
  ],
  schema: z.object({ status: z.string().optional(), limit: limitSchema.optional() }),
  examples: ['list', 'list --status ready,residue --output json'],
  run: async ({ flags }, session) => {
    const { screen } = session;
    const wanted = statusesFrom(flags.status);
    const { limit = Number.POSITIVE_INFINITY } = flags;
    const api = await session.api();
    const items: Connection[] = [];
    const damaged: string[] = [];
    for await (const page of pagesOf(api, wanted, Math.min(limit, 100))) {
      items.push(...page.items);
      damaged.push(...(page.damaged ?? []));
      if (items.length >= limit) break;
    }
    const shown = items.slice(0, limit);
    screen.document({ items: shown, ...(damaged.length > 0 ? { damaged } : {}) });
    const head = [
      { title: 'NAME', mayBeCut: true },
      { title: 'STATUS' },
      { title: 'UPDATED' },
      { title: 'ID' },
    ];
    const rows = shown.map((item) => [item.name, item.status, localTime(item.updatedAt), item.integrationId]);
    if (rows.length === 0) screen.say('There are no integrations.');
    else for (const line of table(head, rows, screen.columns)) screen.say(line);
    for (const id of damaged)
      screen.note(`${id}: somebody changed its record; status ${id} says what is wrong.`);
    return exitCodes.done;
  },
});
