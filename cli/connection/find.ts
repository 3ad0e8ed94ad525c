/** Names serve where ids do. */
import { CommandError, exitCodes } from '../exit-codes.ts';
import { closest } from '../screen/closest.ts';
import { type Connection, connectionSchema, endedStatuses, pageSchema, standingStatuses } from './answers.ts';
import type { Api } from './api.ts';

export interface Found {
  readonly value: Connection;
  /** As the API answered it. */
  readonly raw: unknown;
}

const isId = (text: string): boolean => /^int_[0-9A-Z]{26}$/.test(text);
const isDriverId = (text: string): boolean => /^drv_[0-9A-Z]{26}$/.test(text);

export const readConnection = (api: Api, path: string): Promise<Found> =>
  api.call({ method: 'GET', path }, connectionSchema);

/** All integrations in some of the statuses, newest first, a page at a time. */
export async function* pagesOf(api: Api, statuses: readonly string[], limit = 100) {
  let token: string | undefined;
  do {
    const query = new URLSearchParams({
      limit: String(limit),
      ...(statuses.length > 0 ? { status: statuses.join(',') } : {}),
      ...(token ? { nextToken: token } : {}),
    });
    // The signer and the URL must encode alike: a comma stays encoded in both.
    const { value } = await api.call({ method: 'GET', path: `/integrations?${query}` }, pageSchema);
    yield value;
    token = value.nextToken;
  } while (token !== undefined);
}

/**
 * The integration of an id or a name. Of several with one name, that of which something is left, else the newest.
 * @throws CommandError where there is none
 */
export async function findIntegration(api: Api, nameOrId: string): Promise<Found> {
  if (isId(nameOrId)) return readConnection(api, `/integrations/${nameOrId}`);
  const seen = new Set<string>();
  for (const statuses of [standingStatuses, endedStatuses]) {
    for await (const { items } of pagesOf(api, statuses)) {
      const found = items.find(({ name }) => name === nameOrId);
      // Read again alone: this answer also says what is awaited of an operator.
      if (found) return readConnection(api, found.links.self);
      for (const { name } of items) seen.add(name);
    }
  }
  const meant = closest(nameOrId, [...seen]);
  throw new CommandError(exitCodes.refused, `No integration is named "${nameOrId}".`, {
    lines: meant ? [`Did you mean "${meant}"?`] : [],
    next: 'list',
  });
}

/**
 * A bucket that was added to an integration, by its id (drv_…), the name of its driver, or its bucket.
 * @returns its path in the API
 * @throws CommandError where there is none, or the name fits several
 */
export function addedBucketOf({ name, integrationId, drivers = [] }: Connection, wanted: string): string {
  if (isDriverId(wanted)) return `/integrations/${integrationId}/drivers/${wanted}`;
  const fitting = drivers.filter((driver) => driver.name === wanted || driver.bucket === wanted);
  const [found, other] = fitting;
  if (found && !other) return found.links.self;
  const known = (other ? fitting : drivers).map(
    (each) => `${each.driverId}  ${each.name}  s3://${each.bucket}`,
  );
  throw new CommandError(
    exitCodes.refused,
    other
      ? `"${wanted}" fits several added buckets of ${name}. Name one by its id.`
      : `${name} has no added bucket "${wanted}".`,
    { lines: known.length > 0 ? known : ['It has no added buckets.'], next: `status ${name}` },
  );
}
