/** The end of Dataloop's API key: whoever has to renew it hears of it in time. */
import type { Publish } from '../api/events.ts';
import { dayMs, warnedDays } from '../preflight/quotas.ts';

/** How many days before its end an API key is told of, once each. */
export const noticeDays = [warnedDays, 7, 1] as const;
export type NoticeDays = (typeof noticeDays)[number];

/** A notice about one key: a new key ends at another time, and is told of anew. */
export interface Notice {
  /** ms since the epoch. */
  readonly expiresAt: number;
  readonly days: NoticeDays;
}

export interface KeyWatch {
  /** When the API key in the secret ends, ms since the epoch; undefined where the secret holds a log-in. */
  apiKeyEnd(): Promise<number | undefined>;
  wasTold(notice: Notice): Promise<boolean>;
  /** Keeps that a notice was published. */
  keepNotice(notice: Notice): Promise<void>;
  readonly publish: Publish;
  readonly secretId: string;
}

/** The notice that is due now: the last of those whose time has come. */
export function noticeDue(expiresAt: number, now: number): NoticeDays | undefined {
  const daysLeft = (expiresAt - now) / dayMs;
  return noticeDays.findLast((days) => daysLeft <= days);
}

/**
 * Looks when the API key ends, and tells it if that is due. Told first and kept then: whoever dies in between tells it twice,
 * not never.
 * @returns the days that are left, and whether they were told now; undefined where the secret holds a log-in
 */
export async function watchApiKey(
  { apiKeyEnd, wasTold, keepNotice, publish, secretId }: KeyWatch,
  now: number,
): Promise<{ daysLeft: number; told: boolean } | undefined> {
  const expiresAt = await apiKeyEnd();
  if (expiresAt === undefined) return undefined;
  const daysLeft = Math.max(0, Math.floor((expiresAt - now) / dayMs));
  const days = noticeDue(expiresAt, now);
  const notice = days === undefined ? undefined : { expiresAt, days };
  if (!notice || (await wasTold(notice))) return { daysLeft, told: false };
  await publish('Dataloop API Key Expires', {
    version: '1',
    secretId,
    expiresAt: new Date(expiresAt).toISOString(),
    daysLeft,
  });
  await keepNotice(notice);
  return { daysLeft, told: true };
}
