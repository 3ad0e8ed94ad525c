import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ulid } from 'ulid';
import {
  type IntegrationLister,
  listIntegrations,
  parseListQuery,
  parseRemovalQuery,
} from '../../../../src/domain/api/queries.ts';
import { integrationView } from '../../../../src/domain/api/view.ts';
import { type JournalRecord, type Status, statuses } from '../../../../src/domain/model/record.ts';
import { ServiceError } from '../../../../src/errors.ts';
import { runs } from '../../runs.ts';
import { recordOf } from '../fakes.ts';

const start = Date.parse('2026-11-23T00:00:00Z');
const idOf = (second: number) => `int_${ulid(start + second * 1000)}`;

/** From which status an integration can go to which. */
const next: Readonly<Partial<Record<Status, readonly Status[]>>> = {
  provisioning: ['ready', 'rolling-back'],
  ready: ['removing'],
  'rolling-back': ['failed', 'residue'],
  residue: ['removing'],
  removing: ['removed', 'residue'],
};

/** A journal in memory; something may happen before each of its reads. */
function journalWith(
  all: readonly (readonly [string, Status])[],
  before = (_reads: number): void => undefined,
) {
  const records = new Map<string, JournalRecord>(
    all.map(([integrationId, status]) => [integrationId, recordOf({ id: integrationId, status })]),
  );
  const broken = new Set<string>();
  let reads = 0;
  const lister: IntegrationLister = {
    newestIds: async (status, older, limit) => {
      before(reads++);
      return [...records.values()]
        .filter((record) => record.status === status && (!older || record.id < older))
        .map(({ id: integrationId }) => integrationId)
        .sort()
        .reverse()
        .slice(0, limit);
    },
    readAll: async (ids) => {
      before(reads++);
      return {
        records: ids.flatMap((id) => (broken.has(id) ? [] : (records.get(id) ?? []))),
        damaged: ids.filter((id) => broken.has(id)),
      };
    },
  };
  const put = (integrationId: string, status: Status) =>
    records.set(integrationId, recordOf({ id: integrationId, status }));
  return { lister, put, broken, statusOf: (id: string) => records.get(id)?.status };
}

/** Ids of all pages, one list a page. */
async function pages(
  lister: IntegrationLister,
  query: Record<string, string>,
  between: () => void = () => undefined,
) {
  const found: string[][] = [];
  let token: string | undefined;
  do {
    const page = await listIntegrations(
      parseListQuery({ ...query, ...(token ? { nextToken: token } : {}) }),
      lister,
    );
    found.push(page.items.map(({ integrationId }) => integrationId));
    token = page.nextToken;
    between();
  } while (token !== undefined);
  return found;
}

const ten = Array.from({ length: 10 }, (_, index) => [idOf(index), statuses[index % 7] ?? 'ready'] as const);
const idsOfTen = ten.map(([id]) => id);
const newestFirst = idsOfTen.toReversed();

describe('a list', () => {
  test('has all integrations, newest first, as the API shows each of them', async () => {
    const { lister } = journalWith(ten);
    const { items, nextToken } = await listIntegrations(parseListQuery({}), lister);
    const shown = [...ten]
      .reverse()
      .map(([integrationId, status]) => recordOf({ id: integrationId, status }));
    expect(items).toEqual(shown.map(integrationView));
    expect(nextToken).toBeUndefined();
  });

  test.each([1, 3, 5, 10, 100])('comes in pages of %d without a gap', async (limit) => {
    const all = await pages(journalWith(ten).lister, { limit: String(limit) });
    expect(all.flat()).toEqual(newestFirst);
    expect(all).toHaveLength(Math.ceil(10 / limit));
  });

  test('of no integrations is empty', async () => {
    expect(await listIntegrations(parseListQuery({}), journalWith([]).lister)).toEqual({ items: [] });
  });

  test('names what somebody damaged in the journal, beside all others', async () => {
    const { lister, broken } = journalWith(ten);
    const [damaged = '', ...others] = newestFirst;
    broken.add(damaged);
    const page = await listIntegrations(parseListQuery({}), lister);
    expect(page.items.map(({ integrationId }) => integrationId)).toEqual(others);
    expect(page.damaged).toEqual([damaged]);
  });

  test('has just the statuses that are asked for', async () => {
    const { lister } = journalWith(ten);
    const all = await pages(lister, { status: 'ready,residue', limit: '1' });
    const asked = ten.filter(([, status]) => status === 'ready' || status === 'residue').map(([id]) => id);
    expect(all.flat()).toEqual(asked.toReversed());
  });

  test('begun before integrations that are new goes on as if they were not there', async () => {
    const { lister, put } = journalWith(ten);
    let second = 100;
    const all = await pages(lister, { limit: '3' }, () => put(idOf(second++), 'provisioning'));
    expect(all.flat()).toEqual(newestFirst);
  });

  test('does not show what has left the asked status since the index was written', async () => {
    const [[id]] = [ten[0] ?? ['', 'ready']];
    const { lister, put } = journalWith([[id, 'ready']], (reads) => {
      if (reads === 1) put(id, 'removing');
    });
    expect(await listIntegrations(parseListQuery({ status: 'ready' }), lister)).toEqual({ items: [] });
  });

  test('shows what ends as residue while it is asked for', async () => {
    const id = idOf(1);
    let asked: Status | undefined;
    const { lister, put } = journalWith([[id, 'removing']], () => {
      if (asked === 'removing') put(id, 'residue');
    });
    const watched: IntegrationLister = {
      ...lister,
      newestIds: (status, ...rest) => {
        asked = status;
        return lister.newestIds(status, ...rest);
      },
    };
    const { items } = await listIntegrations(parseListQuery({}), watched);
    expect(items).toMatchObject([{ integrationId: id, status: 'residue' }]);
  });

  test('shows each integration once, whatever becomes of it between and within the pages', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...statuses), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 5 }),
        // Who goes on before a read, and to which of the statuses that it may go to.
        fc.array(fc.tuple(fc.nat(11), fc.nat(1)), { maxLength: 60 }),
        async (begin, limit, changes) => {
          const all = begin.map((status, index) => [idOf(index), status] as const);
          const queue = [...changes];
          // Nobody sends DELETE again between two reads of a page.
          const left = new Set<string>();
          const { lister, put, statusOf } = journalWith(all, () => {
            const [who = 0, choice = 0] = queue.shift() ?? [];
            const id = all[who]?.[0];
            const status = id && statusOf(id);
            const to = status && (next[status]?.[choice] ?? next[status]?.[0]);
            if (!id || !to || left.has(id)) return;
            if (status === 'removing') left.add(id);
            put(id, to);
          });
          const found = await pages(lister, { limit: String(limit) });
          expect(found.flat()).toEqual(all.map(([id]) => id).toReversed());
        },
      ),
      { numRuns: runs(300) },
    );
  });
});

describe('a query', () => {
  const errorsOf = (query: Record<string, string>) => {
    try {
      parseListQuery(query);
    } catch (error) {
      if (error instanceof ServiceError && error.name === 'InvalidRequestError') {
        return error.fields.map(({ pointer, detail }) => {
          expect(detail.length).toBeGreaterThan(15);
          return pointer;
        });
      }
    }
    return [];
  };

  test('without parameters asks for the newest 25 of every status', () => {
    expect(parseListQuery({})).toEqual({ statuses, limit: 25, before: undefined });
  });

  test.each(['0', '101', '-1', '1.5', '1e1', ' 1', '', 'x', '1000'])(
    'with a limit of %j is refused',
    (limit) => {
      expect(errorsOf({ limit })).toEqual(['/query/limit']);
    },
  );

  test.each(['', 'done', 'ready,', 'READY', 'ready,done', 'ready residue'])(
    'with a status of %j is refused',
    (status) => {
      expect(errorsOf({ status })).toEqual(['/query/status']);
    },
  );

  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  test.each([
    ['nothing', ''],
    ['text', 'abc'],
    ['an id as it is', idOf(1)],
    ['no id', encoded({ before: 'int_1' })],
    ['more than a position', encoded({ before: idOf(1), status: 'ready' })],
    ['another type', encoded([idOf(1)])],
    ['a token that was padded', `${encoded({ before: idOf(1) })}==`],
    ['a token with something behind it', `${encoded({ before: idOf(1) })}!`],
    ['a token that is too long', 'A'.repeat(100_000)],
  ])('with a nextToken of %s is refused', (_what, nextToken) => {
    expect(errorsOf({ nextToken })).toEqual(['/query/nextToken']);
  });

  test('is told everything that is bad at once, what is not known included', () => {
    expect(errorsOf({ status: 'x', limit: 'y', nextToken: 'z', 'a/b': '' }).sort()).toEqual([
      '/query/a~1b',
      '/query/limit',
      '/query/nextToken',
      '/query/status',
    ]);
  });
});

const pointersOf = (query: Record<string, string>) => {
  try {
    parseRemovalQuery(query);
  } catch (error) {
    if (error instanceof ServiceError && error.name === 'InvalidRequestError') {
      for (const { detail } of error.fields) expect(detail).toMatch(/force|keepBucket/);
      return error.fields.map(({ pointer }) => pointer);
    }
    throw error;
  }
  return [];
};

describe('the query of a removal', () => {
  test.each([
    [{}, false],
    [{ force: 'false' }, false],
    [{ force: 'true' }, true],
  ])('%j is forced: %j', (query, forced) => {
    expect(parseRemovalQuery(query).isForced).toBe(forced);
  });

  test.each([
    [{}, undefined],
    [{ force: 'true' }, undefined],
    [{ keepBucket: 'false' }, false],
    [{ keepBucket: 'true', force: 'true' }, true],
  ])('%j keeps the bucket: %j', (query, kept) => {
    expect(parseRemovalQuery(query).keepBucket).toBe(kept);
  });

  test('with a keepBucket that is neither is refused', () => {
    expect(pointersOf({ keepBucket: 'yes' })).toEqual(['/query/keepBucket']);
    expect(pointersOf({ keepBuckets: 'true' })).toEqual(['/query/keepBuckets']);
  });

  test.each(['', '1', 'yes', 'TRUE', 'true ', 'true,true'])('with force %j is refused', (force) => {
    expect(pointersOf({ force })).toEqual(['/query/force']);
  });

  test('with what is not known is refused, each parameter by its name', () => {
    expect(pointersOf({ Force: 'true', 'a/b~': '1' })).toEqual(['/query/Force', '/query/a~1b~0']);
    expect(pointersOf({ force: 'maybe', other: '1' }).sort()).toEqual(['/query/force', '/query/other']);
  });
});
