/** Says whether the promise was kept, by what stands in AWS, at Dataloop and in the journal. */

import type { IntegrationView } from '../../../src/domain/api/responses.ts';
import { addedBucketView, integrationView } from '../../../src/domain/api/view.ts';
import { locksOf } from '../../../src/domain/lifecycle/start.ts';
import type { JournalRecord } from '../../../src/domain/model/record.ts';
import { account } from '../domain/fakes.ts';
import { adoptionViolations, isAdoptable, isBucketReady, isRoleReady } from './oracle-adoption.ts';
import { accessViolations, readyDriverViolations } from './oracle-drivers.ts';
import type { Simulation } from './simulation.ts';
import { stranger, type Thing } from './things.ts';
import { trustOf } from './trust-documents.ts';

/** A thing, and how the record calls it. */
interface Standing {
  readonly thing: Thing;
  readonly references: readonly string[];
}

export function standing({ aws, platform }: Simulation): Standing[] {
  return [
    ...[...aws.buckets].map(([name, thing]) => ({ thing, references: [`arn:aws:s3:::${name}`] })),
    ...[...aws.policies.values()].map((thing) => ({ thing, references: [thing.arn] })),
    ...[...aws.roles.values()].map((thing) => ({ thing, references: [thing.arn] })),
    ...[...platform.drivers.values(), ...platform.integrations.values(), ...platform.datasets.values()].map(
      (thing) => ({
        thing,
        references: [thing.id, thing.name],
      }),
    ),
  ];
}

/** As text; sets are lists there. */
const textOf = (thing: Thing, isMeant: (key: string) => boolean): string =>
  JSON.stringify(thing, (key, value) => {
    if (!isMeant(key)) return undefined;
    return value instanceof Set ? [...value] : value;
  });

/** All that stands, as text: what is the same before and after did not change. */
export const snapshot = (simulation: Simulation) =>
  new Map(
    standing(simulation).map(({ thing }) => [
      `${thing.key} since ${thing.bornAt}`,
      textOf(thing, () => true),
    ]),
  );

/** But for what may be adopted, and for the role that its owner gives an integration: they may change meanwhile. */
export const strangersThings = (simulation: Simulation) =>
  new Map(
    standing(simulation)
      .filter(({ thing }) => thing.maker === stranger && !isAdoptable(simulation, thing))
      .map(({ thing }) => [
        `${thing.key} since ${thing.bornAt}`,
        textOf(thing, (key) => !key.startsWith('roleArn')),
      ]),
  );

/** Changes of what is not ours. */
export function foreignChanges(simulation: Simulation, before: ReadonlyMap<string, string>): string[] {
  const after = strangersThings(simulation);
  const { excused } = simulation.watch;
  return [...before].flatMap(([key, text]) =>
    after.get(key) === text || excused.has(key.split(' since ')[0] ?? '') ? [] : [`foreign ${key} changed`],
  );
}

function readyViolations(simulation: Simulation, record: JournalRecord): string[] {
  const { aws, platform } = simulation;
  const { id: integrationId, request } = record;
  const isRoleAdopted = request.role?.mode === 'adopt';
  const roleName = request.role?.name ?? `dataloop-${request.name}`;
  const bucket = aws.buckets.get(request.bucket.name);
  const role = aws.roles.get(roleName);
  const [policy] = [...aws.policies.values()].filter(({ maker }) => maker === integrationId);
  const standingId = request.dataloop.integrationId ?? record.operator?.given?.dataloopIntegrationId;
  const integrations = [...platform.integrations.values()].filter(({ maker, id }) =>
    standingId ? id === standingId : maker === integrationId,
  );
  const drivers = [...platform.drivers.values()].filter(({ maker }) => maker === integrationId);
  const [integration] = integrations;
  const isBucketAsPromised =
    request.bucket.mode === 'adopt'
      ? isBucketReady(simulation, record)
      : bucket?.maker === integrationId &&
        bucket.settings['policy'] === undefined &&
        ['public', 'ownership', 'encryption', 'cors'].every((setting) => bucket.settings[setting]);
  const isRoleAsPromised = (userArn: string) =>
    isRoleAdopted
      ? isRoleReady(simulation, userArn)
      : role?.maker === integrationId &&
        role.boundary === account.permissionsBoundaryArn &&
        role.trust === JSON.stringify(trustOf(userArn));
  const isAsPromised =
    isBucketAsPromised &&
    policy !== undefined &&
    role?.attached.has(policy.arn) &&
    integration !== undefined &&
    integrations.length === 1 &&
    isRoleAsPromised(integration.userArn) &&
    integration.roleArn === role.arn &&
    drivers.length === 1 &&
    drivers[0]?.integrationId === integration.id;
  return isAsPromised ? [] : [`${integrationId} is ready, but not as promised`];
}

/** @param ready says how something that is ready is not as promised */
function recordViolations(
  simulation: Simulation,
  record: JournalRecord,
  view: Pick<IntegrationView, 'resources' | 'residue' | 'leftAlone' | 'released'>,
  ready: () => string[],
): string[] {
  const { id: integrationId, status } = record;
  const found: string[] = [];
  const isClean = status === 'failed' || status === 'removed';
  if (!isClean && status !== 'ready' && status !== 'residue') found.push(`it is ${status}`);

  const named = new Set(
    [...view.resources, ...view.residue, ...(view.leftAlone ?? []), ...(view.released ?? [])].flatMap(
      ({ arn, id, name }) => arn ?? id ?? name ?? [],
    ),
  );
  for (const { thing, references } of standing(simulation)) {
    if (thing.maker !== integrationId) continue;
    // What carries our tag no more, and was never known as made, is named as left alone.
    if (!references.some((reference) => named.has(reference)))
      found.push(`${thing.key} is not in the record`);
    else if (isClean && !thing.tamperedWith) found.push(`${thing.key} is left`);
  }
  for (const { type, reason, advice, arn, id, name } of view.residue.map((each) => ({
    arn: undefined,
    id: undefined,
    name: undefined,
    ...each,
  }))) {
    if (!reason || !advice || !(arn ?? id ?? name)) found.push(`residue ${type} without a to-do`);
  }
  if (status === 'residue' && view.residue.length === 0) found.push('residue is not named');

  const { items } = simulation.journal;
  const all = locksOf(record);
  const locks = all.filter((lock) => simulation.journal.holderOf(lock) === integrationId);
  if (locks.length !== (isClean ? 0 : all.length)) found.push(`it holds ${locks.length} locks`);
  if (isClean && items.has(`token#${integrationId}`)) found.push('its token is left');
  if (status === 'ready') found.push(...ready());
  return found.map((text) => `${integrationId} (${status}): ${text}`);
}

/** Only a bucket that somebody asked to keep is given away, of an added bucket the integration's request counts, too. */
function keepingViolations({ aws, journal }: Simulation): string[] {
  return [...aws.buckets.values()].flatMap(({ key, releasedBy }) => {
    const record = journal.record(releasedBy ?? '');
    const owner = record && journal.record(journal.ownerOf(record.id));
    return record && !record.keepBucket && !owner?.keepBucket
      ? [`${key} was given away, and nobody asked for it`]
      : [];
  });
}

/** @returns what breaks the promise once nothing moves any more */
export function violations(simulation: Simulation, wasTampered: boolean): string[] {
  const { journal, machines, watch } = simulation;
  const started = [...machines.executions.values()].filter(({ machine }) => machine !== 'deprovision');
  const ofRecord = (
    record: JournalRecord,
    viewOf: (
      record: JournalRecord,
    ) => Pick<IntegrationView, 'resources' | 'residue' | 'leftAlone' | 'released'>,
    readyViolationsOf: typeof readyViolations,
  ) =>
    recordViolations(simulation, record, viewOf(record), () =>
      wasTampered ? [] : readyViolationsOf(simulation, record),
    );
  return [
    ...watch.violations,
    ...keepingViolations(simulation),
    ...adoptionViolations(simulation),
    ...journal.records().flatMap((record) => ofRecord(record, integrationView, readyViolations)),
    ...journal.drivers().flatMap((driver) => ofRecord(driver, addedBucketView, readyDriverViolations)),
    ...accessViolations(simulation, wasTampered),
    ...started.flatMap(({ name }) => (journal.record(name) ? [] : [`execution ${name} without a record`])),
  ];
}
