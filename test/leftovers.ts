/** What tests that failed have left standing is taken away and named, so that nothing after them fails of it. */
import { journalItems } from './faults/journal.ts';
import { forced, type ServiceSettings, serviceAt } from './service.ts';

const nothingLeft = ['failed', 'removed'];

/** @returns a line for each integration that stood, with what became of it */
export async function takeLeftoversAway(where: ServiceSettings): Promise<string[]> {
  const standing = (await journalItems(where)).filter(
    ({ pk, status }) => pk.startsWith('integration#int_') && !nothingLeft.includes(status ?? ''),
  );
  const service = serviceAt(where);
  const lines: string[] = [];
  for (const { integrationId = '', name, status } of standing) {
    const end = await service.disconnect(integrationId, forced).then(
      (left) => left.status,
      (error: unknown) => (error instanceof Error ? error.message.slice(0, 300) : String(error)),
    );
    lines.push(`${integrationId} "${name}" was left ${status}; now it is ${end}`);
  }
  return lines;
}
