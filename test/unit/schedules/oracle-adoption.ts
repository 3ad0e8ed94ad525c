/** Says whether what was there before was kept, or given back to the byte, and what others changed reported. */
import { integrationView } from '../../../src/domain/api/view.ts';
import type { JournalRecord } from '../../../src/domain/model/record.ts';
import type { ResourceKey } from '../../../src/domain/model/resource-keys.ts';
import { adoptedBucket, adoptedRole, adoptedRoleArn } from './adoption.ts';
import { type Announced, isSame, type Part } from './parts.ts';
import type { Simulation } from './simulation.ts';
import type { Thing } from './things.ts';
import { asDocument, isStatementChanged, statementsOf, trusts } from './trust-documents.ts';

/** Whether a thing is one that schedules adopt. */
export const isAdoptable = ({ adopting }: Simulation, thing: Thing): boolean =>
  'parts' in thing || thing === adopting?.waiting;

const isClean = ({ status }: JournalRecord): boolean => status === 'failed' || status === 'removed';

/** A part of something, and how the record speaks of both. */
interface Adopted {
  readonly part: Part<unknown>;
  readonly thing: string;
  readonly resource: Extract<ResourceKey, 'bucket' | 'role'>;
  readonly arn: string;
  /** Words of the report that somebody has changed it. */
  readonly report: string;
  /** Whether what somebody has made of it is to be reported. */
  readonly isChanged: (value: unknown, change: Announced, integrationId: string) => boolean;
  /** Whether it is as its owners have it. */
  readonly isAsOwned: (now: unknown, owned: unknown, isExact: boolean) => boolean;
}

function adopted({ adopting, aws }: Simulation): Adopted[] {
  if (!adopting) return [];
  const { bucket, role } = adopting;
  const ofBucket = {
    thing: adoptedBucket,
    resource: 'bucket' as const,
    arn: `arn:aws:s3:::${adoptedBucket}`,
    isChanged: (value: unknown, { before, after }: Announced) =>
      !isSame(value, after) && !isSame(value, before),
    isAsOwned: isSame,
  };
  const isDocument = (now: unknown, owned: unknown, isExact: boolean) =>
    now === owned || (!isExact && isSame(asDocument(String(now)), asDocument(String(owned))));
  return [
    ...(aws.buckets.has(adoptedBucket)
      ? [
          { ...ofBucket, part: bucket.cors, report: 'CORS rules' },
          { ...ofBucket, part: bucket.publicAccess, report: 'public-access block' },
        ]
      : []),
    ...(aws.roles.has(adoptedRole) && !role.isExcused
      ? [
          {
            part: role.trust,
            thing: adoptedRole,
            resource: 'role' as const,
            arn: adoptedRoleArn,
            report: 'in its trust policy',
            // Others may edit the rest of the document as they like.
            isChanged: (value: unknown, _change: Announced, integrationId: string) =>
              isStatementChanged(String(value), integrationId),
            isAsOwned: isDocument,
          },
        ]
      : []),
  ];
}

/** What differs from what its owners have must be held by an integration, which says so. */
function heldViolations({ journal }: Simulation, each: Adopted): string[] {
  const { part, thing, arn, isAsOwned } = each;
  const { owned, isExact } = part.owned();
  if (isAsOwned(part.now(), owned, isExact)) return [];
  const difference = `${thing}: ${part.key}: ${JSON.stringify(part.now())} instead of ${JSON.stringify(owned)}`;
  const holder = journal.record(part.adopters.holder() ?? '');
  if (!holder || isClean(holder)) return [`not as it was: ${difference}`];
  const isNamed = integrationView(holder).residue.some((left) => 'arn' in left && left.arn === arn);
  return holder.status === 'residue' && !isNamed ? [`not named as residue: ${difference}`] : [];
}

/** What somebody has changed meanwhile is reported, and nothing else is. */
function reportViolations(record: JournalRecord, each: Adopted): string[] {
  const { part, resource, report, thing } = each;
  const { id: integrationId } = record;
  if (!part.adopters.isGivenBack(integrationId)) return [];
  const { leftAlone = '' } = record.resources[resource] ?? {};
  const change = part.adopters.announced(integrationId);
  const last = part.lastShownTo(integrationId);
  const isChanged =
    last?.isOwners === true && change !== undefined && each.isChanged(last.value, change, integrationId);
  const isReported = leftAlone.includes(report);
  return isReported === isChanged
    ? []
    : [
        `${integrationId}: ${thing}: ${part.key} is ${isChanged ? 'not ' : ''}reported as changed: ${leftAlone}`,
      ];
}

function roleViolations({ adopting, aws }: Simulation): string[] {
  const role = aws.roles.get(adoptedRole);
  if (!adopting || !role || adopting.role.isExcused) return [];
  const { attached, isPolicyOf, trust } = adopting.role;
  const owned = [...attached];
  const others = [...role.attached].filter((arn) => !isPolicyOf(trust.adopters.holder(), arn));
  return isSame(others.sort(), owned.sort())
    ? []
    : [`${adoptedRole} has the policies ${others.join(', ')}, not ${owned.join(', ')}`];
}

/** Dataloop cannot take a role ARN back: whoever gave it says so. */
function waitingViolations({ adopting, platform, journal }: Simulation): string[] {
  const waiting = platform.integrations.get(adopting?.waiting.id ?? '');
  const giver = journal.record(waiting?.roleArnBy ?? '');
  if (!waiting?.roleArn || !giver || !isClean(giver)) return [];
  const isSaid = (integrationView(giver).leftAlone ?? []).some(
    (each) => 'id' in each && each.id === waiting.id,
  );
  return isSaid ? [] : [`${giver.id} does not say that ${waiting.id} keeps its role ARN`];
}

/** @returns what is not as its owners left it, and what is not said of it */
export function adoptionViolations(simulation: Simulation): string[] {
  const all = adopted(simulation);
  return [
    ...all.flatMap((each) => heldViolations(simulation, each)),
    ...simulation.journal
      .records()
      .flatMap((record) => all.flatMap((each) => reportViolations(record, each))),
    ...roleViolations(simulation),
    ...waitingViolations(simulation),
  ];
}

/** Whether a bucket that was adopted is as it was promised. */
export function isBucketReady({ adopting }: Simulation, { request }: JournalRecord): boolean {
  const rules = adopting?.bucket.cors.now() ?? [];
  const isAllowed = rules.some(({ AllowedOrigins }) =>
    AllowedOrigins.some((origin) => /^https:\/\/(console|\*)\.dataloop\.ai$/.test(origin)),
  );
  const { BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets } =
    adopting?.bucket.publicAccess.now() ?? {};
  const isClosed = BlockPublicAcls && IgnorePublicAcls && BlockPublicPolicy && RestrictPublicBuckets;
  return isClosed === true && (isAllowed || !request.bucket.cors);
}

/** Whether a role that was adopted trusts the user besides those whom it trusted before. */
export const isRoleReady = ({ adopting }: Simulation, userArn: string): boolean => {
  const trust = adopting?.role.trust.now() ?? '{"Statement":[]}';
  return trusts(trust, userArn) && statementsOf(trust).length === 2;
};
