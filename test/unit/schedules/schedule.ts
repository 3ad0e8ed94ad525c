/** What a schedule is made of. */
import type { Adoption, Says } from './adoption.ts';

/** What the owners of a bucket, a role and an integration may do to them. */
export const ownersActs = [
  'add a CORS rule',
  'replace the CORS rules',
  'delete the CORS rules',
  'take out our CORS rule',
  'edit our CORS rule',
  'open the bucket',
  'open half of the bucket',
  'close the bucket',
  'delete the bucket',
  'make the bucket anew',
  'put an object',
  'tag the bucket',
  'add a statement',
  'replace the trust policy',
  'take out our statement',
  'edit our statement',
  'leave only our statement',
  'attach a policy',
  'detach our policy',
  'delete the role',
  'make the role anew',
  'delete the integration',
  'make a driver of our name',
] as const;
export type OwnersAct = (typeof ownersActs)[number];

export type Meanwhile = 'stop' | 'delete' | 'delete-integration' | 'add-driver';

/** What befalls one call of one function. */
export interface Fault {
  readonly functionName: string;
  /** Which invocation of the function, from 1. */
  readonly invocation: number;
  /** Which of its calls, from 1, or of those that change something outside of the journal; 0 is the invocation. */
  readonly call: number;
  readonly of: 'calls' | 'effects';
  readonly kind:
    | 'none'
    | 'unavailable'
    | 'refused'
    /** A write of the journal meets a transaction on the same item; other calls meet nothing. */
    | 'conflict'
    /** Takes effect, but no answer comes; of an invocation: the function goes on. */
    | 'lost'
    /** Takes effect twice: the client has sent it again. */
    | 'repeated'
    | 'slow'
    /** The function dies, and the call with it. */
    | 'crash'
    /** The function dies, and the call takes effect after that. */
    | 'crash-and-effect'
    /** No answer until the function's time-out. */
    | 'hang'
    | 'hang-and-effect';
  /** ms until the effect of those that are late. */
  readonly delayMs: number;
  /** What somebody does while the call is under way; of a driver, `delete-integration` and `add-driver` concern its integration. */
  readonly meanwhile: 'nothing' | Meanwhile;
}

/** What becomes of a message on its way: an event, a poll, a status event. */
export interface Delivery {
  readonly kind: 'normal' | 'dropped' | 'duplicated' | 'delayed';
  readonly delayMs: number;
}

/** What strangers can do to what; to `take` is to have something of theirs under a name of ours. */
export const strange = [
  { thing: 'bucket', does: 'take' },
  { thing: 'bucket', does: 'take-elsewhere' },
  { thing: 'bucket', does: 'delete' },
  { thing: 'bucket', does: 'replace' },
  { thing: 'bucket', does: 'untag' },
  { thing: 'bucket', does: 'use' },
  { thing: 'policy', does: 'take' },
  { thing: 'policy', does: 'delete' },
  { thing: 'policy', does: 'replace' },
  { thing: 'policy', does: 'untag' },
  { thing: 'role', does: 'take' },
  { thing: 'role', does: 'take-elsewhere' },
  { thing: 'role', does: 'delete' },
  { thing: 'role', does: 'replace' },
  { thing: 'role', does: 'untag' },
  { thing: 'role', does: 'use' },
  { thing: 'role', does: 'retrust' },
  { thing: 'integration', does: 'take' },
  { thing: 'integration', does: 'delete' },
  { thing: 'driver', does: 'take' },
  { thing: 'driver', does: 'delete' },
] as const;

export const names = ['acme', 'beta'] as const;

/** What strangers can do to what the drivers of an integration share. */
export const strangeDrivers = [
  'narrow',
  'widen',
  'crowd',
  'take',
  'untag',
  'detach',
  'delete',
  'replace',
  'attach-elsewhere',
  'crowd-role',
  'drive',
  'drive-namesake',
] as const;

/** About drivers that are added. `waits`: until the integration, or the driver, is no longer on its way to ready. */
export type DriverCommand = { readonly afterMs: number; readonly waits: boolean } & (
  | {
      readonly kind: 'add-driver';
      readonly integration: number;
      readonly request: number;
      readonly key: number | undefined;
    }
  | { readonly kind: 'remove-driver'; readonly driver: number; readonly force: boolean }
  | {
      readonly kind: 'strange-to-drivers';
      readonly integration: number;
      readonly does: (typeof strangeDrivers)[number];
      /** Which of the role's policies, from 0. */
      readonly policy: number;
    }
);

const takesAccess: readonly (typeof strangeDrivers)[number][] = [
  'narrow',
  'untag',
  'detach',
  'delete',
  'replace',
];

/** Whether somebody changes what is ours, so that it is no longer as promised. */
export function changesOurs(command: Command): boolean {
  if (command.kind === 'strange-to-drivers') return takesAccess.includes(command.does);
  return command.kind === 'owner' || (command.kind === 'stranger' && !command.what.does.startsWith('take'));
}

/** An outage that every step outlasts with its retries. */
const shortOutageMs = 60_000;
/** Steps make a dozen calls: with more than this there and back they would not end in their time. */
const bearableMs = 500;
/** Events may come late, but before the wait for them ends. */
const bearableDelayMs = 60_000;

/** Whether owners and operators have done all that the request needs, or will in time. */
const mayBeAdopted = (
  { bucket, publicAccess, integration, operatorSays, operatorDelayMs = Number.POSITIVE_INFINITY }: Adoption,
  userDelayMs: number | undefined,
): boolean =>
  (bucket !== 'adopt' || publicAccess === 'closed') &&
  (integration !== 'waiting' || userDelayMs === 0) &&
  (integration !== 'operator' || (operatorSays === 'right' && operatorDelayMs <= bearableDelayMs));

/**
 * Whether only faults struck that pass by themselves, and nobody intervened: then what was started becomes ready.
 */
export const mustBecomeReady = ({
  adoption,
  userDelayMs,
  latencies,
  deliveries,
  commands,
  faults,
}: Schedule): boolean =>
  (adoption === undefined || mayBeAdopted(adoption, userDelayMs)) &&
  // Fates come in turn, so what is dropped may be every event, until the time is up.
  deliveries.every(({ kind, delayMs }) => kind !== 'dropped' && delayMs <= bearableDelayMs) &&
  userDelayMs !== undefined &&
  latencies.every((ms) => ms <= bearableMs) &&
  commands.every(
    (command) =>
      ['add-driver', 'sweep'].includes(command.kind) ||
      (command.kind === 'post' && command.request === 0) ||
      (command.kind === 'outage' && command.how === 'unavailable' && command.forMs <= shortOutageMs),
  ) &&
  faults.every(
    ({ kind, meanwhile }) => kind !== 'refused' && (meanwhile === 'nothing' || meanwhile === 'add-driver'),
  );

export const isDriverCommand = (command: Command): command is DriverCommand => 'waits' in command;

export type Command = DriverCommand | CommonCommand;

type CommonCommand = { readonly afterMs: number } & (
  | { readonly kind: 'post'; readonly request: number; readonly key: number | undefined }
  | { readonly kind: 'delete'; readonly integration: number; readonly keepBucket?: boolean }
  | { readonly kind: 'stop'; readonly execution: number; readonly timedOut: boolean }
  | {
      readonly kind: 'event';
      readonly integration: number;
      readonly about: number;
      readonly userArn: 'real' | 'forged';
    }
  | {
      readonly kind: 'stranger';
      readonly what: (typeof strange)[number];
      readonly name: (typeof names)[number];
    }
  | {
      readonly kind: 'outage';
      readonly service: string;
      readonly how: 'unavailable' | 'refused';
      readonly forMs: number;
    }
  | { readonly kind: 'owner'; readonly does: OwnersAct }
  | { readonly kind: 'operator'; readonly integration: number; readonly says: Says }
  | { readonly kind: 'sweep' }
);

export interface Schedule {
  /** What requests adopt; undefined: nothing. */
  readonly adoption: Adoption | undefined;
  readonly userDelayMs: number | undefined;
  readonly trustDelayMs: number;
  readonly visibleAfterMs: number;
  /** How often a request is sent again as soon as what it asked for has ended clean: the first one, or a driver's. */
  readonly again: number;
  readonly commands: readonly Command[];
  /** Whether, at the end, drivers are removed before their integrations. */
  readonly driversFirst: boolean;
  readonly faults: readonly Fault[];
  /** ms that calls take on their way there and back, in turn; none: 1 ms each. */
  readonly latencies: readonly number[];
  /** Share of each wait before a retry that is really waited. */
  readonly jitters: readonly number[];
  readonly deliveries: readonly Delivery[];
  /** ms by which the clocks of functions are ahead, in turn. */
  readonly skews: readonly number[];
}
