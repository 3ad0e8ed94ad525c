/** What all things have that stand in AWS or at Dataloop, and who may do what to them. */
import type { Clock } from './clock.ts';
import type { Worker } from './worker.ts';

/** Maker of what is not the service's. */
export const stranger = 'stranger';

export interface Thing {
  /** Kind and name, as in "role dataloop-acme". */
  readonly key: string;
  /** Integration that made it, or the stranger. */
  readonly maker: string;
  readonly bornAt: number;
  /** Whether somebody has changed it since. */
  tamperedWith: boolean;
}

export interface Watch {
  /** What broke the promise, whenever it did. */
  readonly violations: string[];
  /** Things of strangers that were changed because they came to be behind somebody's last look. */
  readonly excused: Set<string>;
  /** Notes that a function has looked at a thing. */
  looked(by: Worker, key: string): void;
  /** Called for whatever a function changes or deletes. */
  touched(by: Worker, thing: Thing, what: string): void;
  violate(text: string): void;
}

const active = ['provisioning', 'rolling-back', 'removing'];

/** What a driver's functions do to its integration's policies and role. */
const shared = [
  'CreatePolicyVersion',
  'DeletePolicyVersion',
  'DeletePolicy',
  'AttachRolePolicy',
  'DetachRolePolicy',
];

/** @param ownerOf the integration that a driver was added to; of an integration, itself */
export function watch(
  clock: Clock,
  statusOf: (integrationId: string) => string | undefined,
  ownerOf: (integrationId: string) => string,
): Watch {
  const violations: string[] = [];
  const excused = new Set<string>();
  const violate = (text: string) => violations.push(`${new Date(clock.now()).toISOString()} ${text}`);
  return {
    violations,
    excused,
    violate,
    looked: (by, key) => by.looks.set(key, clock.now()),
    touched: (by, thing, what) => {
      if (thing.maker === by.integrationId) return;
      if (thing.maker === ownerOf(by.integrationId ?? '') && shared.includes(what)) return;
      // AWS has no "delete if still the same": what somebody else puts there behind the last look is not seen.
      const unseen =
        thing.maker === stranger &&
        thing.bornAt >= (by.looks.get(thing.key) ?? Number.POSITIVE_INFINITY) &&
        active.includes(statusOf(by.integrationId ?? '') ?? '');
      if (unseen) excused.add(thing.key);
      else violate(`${by.label} of ${by.integrationId} did ${what} to ${thing.key} of ${thing.maker}`);
    },
  };
}
