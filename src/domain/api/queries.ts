/** The query strings of the API: pages of `GET /integrations`, newest first, and the options of `DELETE`. */
import * as z from 'zod';
import { type FieldError, ServiceError } from '../../errors.ts';
import { isIntegrationId } from '../model/ids.ts';
import { type JournalRecord, type Status, statuses, statusSchema } from '../model/record.ts';
import { jsonPointer } from '../model/request.ts';
import type { IntegrationList } from './responses.ts';
import { integrationView } from './view.ts';

export interface IntegrationLister {
  /** Ids of the newest integrations in a status, newest first; with `before` those that are older than it. */
  newestIds(status: Status, before: string | undefined, limit: number): Promise<readonly string[]>;
  /**
   * @param ids at most 100
   * @returns the records, and the ids of those that somebody has damaged
   */
  readAll(ids: readonly string[]): Promise<{
    readonly records: readonly JournalRecord[];
    readonly damaged: readonly string[];
  }>;
}

/** Edits (insert, delete, replace a character) that turn one text into another, as far as they matter here. */
function editsBetween(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...one].entries()) {
    let diagonal = index;
    const next = [index + 1];
    for (const [column, otherLetter] of [...other].entries()) {
      const above = row[column + 1] ?? 0;
      next.push(Math.min(above + 1, (next[column] ?? 0) + 1, diagonal + (letter === otherLetter ? 0 : 1)));
      diagonal = above;
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** Most of a caller's text that a message repeats. */
const longestShown = 40;

function unknownParameter(parameter: string, known: readonly string[]): string {
  const shown = parameter.replace(/[^\x20-\x7e]+/g, ' ').slice(0, longestShown);
  const meant = known.find((name) => editsBetween(shown, name) <= 2);
  const hint = meant ? `Did you mean "${meant}"?` : `Known parameters: ${known.join(', ')}.`;
  return `Unknown parameter "${shown}". ${hint}`;
}

export const defaultLimit = 25;
export const maximumLimit = 100;
const limitRule = `limit must be a whole number from 1 to ${maximumLimit}.`;
const statusRule = `status must be one of ${statuses.join(', ')}, or several of them separated by commas.`;
const tokenRule = 'Invalid nextToken. Pass it exactly as returned, or omit it to start from the first page.';

const positionSchema = z.strictObject({ before: z.string().refine(isIntegrationId) });

const tokenOf = (before: string): string =>
  Buffer.from(JSON.stringify({ before } satisfies z.infer<typeof positionSchema>)).toString('base64url');

/** Where a page begins; undefined for anything but a token of ours. */
function positionOf(token: string): string | undefined {
  if (token.length > 200) return undefined;
  try {
    const { before } = positionSchema.parse(JSON.parse(Buffer.from(token, 'base64url').toString('utf8')));
    return tokenOf(before) === token ? before : undefined;
  } catch {
    return undefined;
  }
}

export const listQuerySchema = z.strictObject({
  status: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(statusSchema, statusRule))
    .optional(),
  limit: z
    .string()
    .regex(/^\d{1,3}$/, limitRule)
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= maximumLimit, limitRule)
    .default(defaultLimit),
  nextToken: z
    .string()
    .transform((token, context) => {
      const before = positionOf(token);
      if (before === undefined) context.addIssue({ code: 'custom', message: tokenRule });
      return before;
    })
    .optional(),
});

interface ListQuery {
  readonly statuses: readonly Status[];
  readonly limit: number;
  readonly before: string | undefined;
}

/**
 * Checks the query of a request.
 * @throws ServiceError `InvalidRequestError` that names every bad parameter as `/query/NAME`
 */
export function parseListQuery(query: Readonly<Record<string, string>>): ListQuery {
  const parsed = listQuerySchema.safeParse(query);
  if (!parsed.success) {
    throw new ServiceError(
      'InvalidRequestError',
      'The query string is invalid. Correct the parameters that "errors" lists.',
      {
        fields: parsed.error.issues.flatMap(queryErrors),
      },
    );
  }
  const { status, limit, nextToken } = parsed.data;
  return { statuses: status ?? statuses, limit, before: nextToken };
}

function queryErrors(issue: z.core.$ZodIssue): FieldError[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      pointer: jsonPointer(['query', key]),
      detail: unknownParameter(key, Object.keys(listQuerySchema.shape)),
    }));
  }
  // One bad status among several makes the whole parameter invalid.
  const [parameter = ''] = issue.path;
  return [
    {
      pointer: jsonPointer(['query', parameter]),
      detail: parameter === 'status' ? statusRule : issue.message,
    },
  ];
}

/**
 * Statuses in an order in which each comes before those that an integration can go to from it, so that one that
 * goes on while they are asked one after the other is found in the old or in the new one.
 */
const onwards: readonly Status[] = [
  'provisioning',
  'ready',
  'rolling-back',
  'residue',
  'removing',
  'residue',
  'failed',
  'removed',
];

/**
 * One page. Pages depend on ids, which grow with time: new integrations are on no later page, and one that changes its
 * status stays in place. A page may hold fewer than asked for although there are more.
 */
export async function listIntegrations(
  { statuses: wanted, limit, before }: ListQuery,
  journal: IntegrationLister,
): Promise<IntegrationList> {
  const found = new Set<string>();
  for (const status of onwards) {
    if (!wanted.includes(status)) continue;
    for (const id of await journal.newestIds(status, before, limit + 1)) found.add(id);
  }
  const newestFirst = [...found].sort().reverse();
  const page = newestFirst.slice(0, limit);
  const { records, damaged } = await journal.readAll(page);
  const byId = new Map(records.map((record) => [record.id, record]));
  const items = page.flatMap((id) => {
    const record = byId.get(id);
    return record && wanted.includes(record.status) ? [integrationView(record)] : [];
  });
  const last = page.at(-1);
  return {
    items,
    // One bad record must not hide all others; asked for alone it says what is wrong with it.
    ...(damaged.length > 0 ? { damaged } : {}),
    ...(last && newestFirst.length > limit ? { nextToken: tokenOf(last) } : {}),
  };
}

const forceRule =
  'force must be "true" or "false". With "true", drivers that this service did not create lose their storage.';

const keepBucketRule =
  'keepBucket must be "true" or "false". With "true", created buckets stay with their objects, and are yours.';

export const removalQuerySchema = z.strictObject({
  force: z.enum(['true', 'false'], forceRule).optional(),
  keepBucket: z.enum(['true', 'false'], keepBucketRule).optional(),
});

/** What a `DELETE` says. */
interface RemovalQuery {
  readonly isForced: boolean;
  /** Undefined: what an earlier one said of the bucket holds. */
  readonly keepBucket: boolean | undefined;
}

/** @throws ServiceError `InvalidRequestError` that names every bad parameter as `/query/NAME` */
export function parseRemovalQuery(query: Readonly<Record<string, string>>): RemovalQuery {
  const parsed = removalQuerySchema.safeParse(query);
  if (parsed.success) {
    const { force, keepBucket } = parsed.data;
    return {
      isForced: force === 'true',
      keepBucket: keepBucket === undefined ? undefined : keepBucket === 'true',
    };
  }
  const fields = parsed.error.issues.flatMap((issue): FieldError[] =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({
          pointer: jsonPointer(['query', key]),
          detail: unknownParameter(key, Object.keys(removalQuerySchema.shape)),
        }))
      : [{ pointer: jsonPointer(['query', ...issue.path]), detail: issue.message }],
  );
  throw new ServiceError(
    'InvalidRequestError',
    'The query string is invalid. Correct the parameters that "errors" lists. Nothing was removed.',
    { fields },
  );
}
