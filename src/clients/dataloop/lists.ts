/**
 * Lists of Dataloop's. They hold what others made, in whatever shape: so a list is filtered before its entries are read,
 * and only one that concerns the caller must be readable.
 */
import * as z from 'zod';
import type { Concern } from '../../domain/resources/dataloop/api.ts';
import { placesOf, printable } from '../../errors.ts';
import { type Call, type Http, notAsDocumented } from './http.ts';

/** Most members of a list, and most pages. */
const most = { members: 10_000, pages: 100 } as const;
/** Longest name or id that a message quotes. */
const longestName = 100;

/** Members are counted before they are looked at. */
const membersSchema = z.custom<unknown[]>((all) => Array.isArray(all) && all.length <= most.members);
/** A list as documented, or one page of it, as Dataloop's longer lists have them. */
const pageSchema = z.union([
  membersSchema.transform((items) => ({ items, hasNextPage: false })),
  z.object({ items: membersSchema, hasNextPage: z.boolean().optional().default(false) }),
]);

/** All pages of a list, its members as they are. @throws ServiceError `DataloopAnswerError` for one without an end */
export async function wholeList(http: Http, call: Omit<Call<unknown>, 'schema'>): Promise<unknown[]> {
  const all: unknown[] = [];
  for (let page = 0; page < most.pages && all.length <= most.members; page += 1) {
    const path =
      page === 0 ? call.path : `${call.path}${call.path.includes('?') ? '&' : '?'}pageOffset=${page}`;
    const { items, hasNextPage } = await http.send({ ...call, path, schema: pageSchema });
    all.push(...items);
    if (!hasNextPage) return all;
  }
  throw notAsDocumented(call.what, 'a list without an end');
}

/** What an entry says of itself, whatever the rest of it is. */
const headSchema = z.object({
  id: z.unknown().optional(),
  name: z.unknown().optional(),
  type: z.unknown().optional(),
  integrationId: z.unknown().optional(),
});

/** By its id, by its name, or only because it is on the integration of the concern. */
function concernOf(
  { id, name, dataloopIntegrationId }: Concern,
  head: z.output<typeof headSchema>,
): 'id' | 'integration' | 'name' | undefined {
  if (id !== undefined && head.id === id) return 'id';
  if (name !== undefined && head.name !== name) return undefined;
  if (dataloopIntegrationId !== undefined && head.integrationId === dataloopIntegrationId)
    return 'integration';
  // Dataloop need not say on which integration a driver is.
  const isElsewhere = dataloopIntegrationId !== undefined && typeof head.integrationId === 'string';
  return name !== undefined && !isElsewhere ? 'name' : undefined;
}

/**
 * The entries of a type. Entries of others, whatever they look like, stop no list.
 * @throws ServiceError `DataloopAnswerError` where one that concerns the caller cannot be read
 */
export function entriesOf<T>(
  all: readonly unknown[],
  {
    schema,
    type,
    concern = {},
    what,
  }: {
    readonly schema: z.ZodType<T>;
    readonly type: string;
    readonly concern?: Concern | undefined;
    readonly what: string;
  },
): T[] {
  return all.flatMap((entry) => {
    const head = headSchema.safeParse(entry).data;
    if (!head) return [];
    const by = concernOf(concern, head);
    const isOfOtherType = typeof head.type === 'string' && head.type !== type;
    // A name alone makes nothing of another type ours.
    if (isOfOtherType && (by === undefined || by === 'name')) return [];
    const parsed = schema.safeParse(entry);
    if (parsed.success) return [parsed.data];
    if (by === undefined) return [];
    const ours = [head.name, head.id].filter((each) => typeof each === 'string');
    throw notAsDocumented(
      what,
      `not as documented for ${ours.map(quoted).join(', ')} (${placesOf(parsed.error)})`,
    );
  });
}

const quoted = (text: string) => `"${printable(text, longestName)}"`;

/** How many entries are of a type. */
export const countOf = (all: readonly unknown[], type: string): number =>
  all.filter((entry) => headSchema.safeParse(entry).data?.type === type).length;
