/** One setting of something that may be adopted: who has written what, and what a function was shown of it. */
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from './clock.ts';
import type { Watch } from './things.ts';
import type { Worker } from './worker.ts';

const plain = (value: unknown): unknown =>
  value === undefined ? undefined : JSON.parse(JSON.stringify(value));

/** Whether two settings are the same, whatever the order of their keys. */
export const isSame = (one: unknown, other: unknown): boolean => isDeepStrictEqual(plain(one), plain(other));

interface Version<T> {
  readonly value: T;
  /** What its owners would have without the service. */
  readonly owned: T;
  /** Whether the owners' words hold to the byte: not where they wrote them around a statement of the service's. */
  readonly isExact: boolean;
  readonly isOwners: boolean;
  /** The first of something that was made anew: nothing older shows. */
  readonly isFirst: boolean;
  readonly at: number;
}

/** What the journal of whoever has adopted it says of a change. */
export interface Announced {
  readonly before?: unknown;
  readonly after: unknown;
}

export interface Adopters {
  /** The integration that has adopted it now. */
  holder(): string | undefined;
  announced(integrationId: string): Announced | undefined;
  /** Whether the journal says that it was given back. */
  isGivenBack(integrationId: string): boolean;
}

export interface Part<T> {
  readonly key: string;
  now(): T;
  owned(): Pick<Version<T>, 'owned' | 'isExact'>;
  /** What a function is shown: what was written may take a while to show. */
  shown(by: Worker): T;
  write(by: Worker, value: T): void;
  /** Its owner writes. @param owned what the owner would have without the service */
  own(value: T, owned?: T): void;
  /** Something else stands under the name, as its owner made it. */
  begin(value: T): void;
  /** What an undo was shown last, before it said that it was given back. */
  lastShownTo(integrationId: string): Pick<Version<T>, 'value' | 'isOwners'> | undefined;
  readonly adopters: Adopters;
  toJSON(): unknown;
}

export function part<T>(
  key: string,
  first: T,
  clock: Clock,
  watch: Watch,
  visibleAfterMs: number,
  adopters: Adopters,
): Part<T> {
  const versionOf = (value: T, more: Partial<Version<T>> = {}): Version<T> => ({
    value,
    owned: value,
    isExact: true,
    isOwners: true,
    isFirst: false,
    at: clock.now(),
    ...more,
  });
  const versions = [versionOf(first, { isFirst: true })];
  const seen = new WeakMap<Worker, Version<T>>();
  const shownToUndo = new Map<string, Version<T>>();
  const last = (): Version<T> => versions.at(-1) ?? versionOf(first);

  return {
    key,
    adopters,
    now: () => last().value,
    owned: last,
    shown: (by) => {
      const version =
        versions.findLast(({ at, isFirst }) => isFirst || clock.now() >= at + visibleAfterMs) ?? last();
      seen.set(by, version);
      const { integrationId = '' } = by;
      const isUndo = by.functionName.startsWith('delete') && by.state === 'alive';
      if (isUndo && !adopters.isGivenBack(integrationId)) shownToUndo.set(integrationId, version);
      return version.value;
    },
    write: (by, value) => {
      const looked = seen.get(by);
      if (!looked) watch.violate(`${by.label} writes ${key} without a look at it`);
      if (adopters.holder() !== by.integrationId || by.integrationId === undefined) {
        watch.violate(`${by.label} of ${by.integrationId} writes ${key}, which it has not adopted`);
      }
      const { owned, isExact, isOwners } = looked ?? last();
      // An owner who writes just what the service would write, or wrote, cannot be told from it.
      const { after } = adopters.announced(by.integrationId ?? '') ?? {};
      const isTakenForOurs =
        isOwners && isSame(looked?.value, after) && versions.some((version) => isSame(version.owned, value));
      // AWS has no "write if still the same": what an owner wrote behind the last look is lost.
      versions.push(versionOf(value, { owned: isTakenForOurs ? value : owned, isExact, isOwners: false }));
    },
    own: (value, owned) =>
      versions.push(versionOf(value, owned === undefined ? {} : { owned, isExact: false })),
    begin: (value) => versions.push(versionOf(value, { isFirst: true })),
    lastShownTo: (integrationId) => shownToUndo.get(integrationId),
    toJSON: () => last().value,
  };
}
