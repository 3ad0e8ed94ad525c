/** What strangers do to what drivers share: the policies of an integration's role, and the integration at Dataloop. */

import type { JournalRecord } from '../../../src/domain/model/record.ts';
import { account } from '../domain/fakes.ts';
import { accountId } from '../environment.ts';
import type { Role } from './account.ts';
import type { DriverCommand } from './schedule.ts';
import type { Simulation } from './simulation.ts';
import { stranger } from './things.ts';
import { trustOf } from './trust-documents.ts';
import { maximumAttached } from './world-aws.ts';
import { addVersion, defaultVersionOf, maximumVersions, newPolicy, writeVersion } from './world-policies.ts';

type Strange = Extract<DriverCommand, { kind: 'strange-to-drivers' }>;

const theirStatement = {
  Sid: 'Theirs',
  Effect: 'Allow',
  Action: 's3:GetObject',
  Resource: 'arn:aws:s3:::theirs/*',
};
const theirDocument = JSON.stringify({ Version: '2012-10-17', Statement: [theirStatement] });

export const theirPolicyArn = 'arn:aws:iam::aws:policy/Theirs';

/** With one permission less. */
const narrowed = (document: string): string =>
  JSON.stringify(JSON.parse(document), (key, value) =>
    key === 'Action' && Array.isArray(value) ? value.filter((action) => action !== 's3:PutObject') : value,
  );

function widened(document: string): string {
  const { Statement, ...rest } = JSON.parse(document);
  const others = [Statement].flat().filter(({ Sid }: { Sid?: string }) => Sid !== theirStatement.Sid);
  return JSON.stringify({ ...rest, Statement: [...others, theirStatement] });
}

const arnOf = ({ name, request }: JournalRecord, policy: number) =>
  `arn:aws:iam::${accountId}:policy${account.iamPath}${request.role?.name ?? `dataloop-${name}`}` +
  `${policy === 0 ? '' : `-${policy + 1}`}`;

function strangePolicy({ aws, clock }: Simulation, integration: JournalRecord, command: Strange): void {
  const { does } = command;
  const arn = arnOf(integration, command.policy);
  const now = clock.now();
  const there = aws.policies.get(arn);
  const theirs = () =>
    newPolicy(
      { key: `policy ${arn}`, maker: stranger, bornAt: now, tamperedWith: false },
      { arn, id: aws.uniqueId(), tags: {}, document: theirDocument },
    );
  if (does === 'take' && !there) aws.policies.set(arn, theirs());
  if (!there || there.maker === stranger) return;
  const { document } = defaultVersionOf(there);
  if (does === 'narrow') writeVersion(there, stranger, narrowed(document), now);
  if (does === 'widen') writeVersion(there, stranger, widened(document), now);
  if (does === 'untag') Object.assign(there, { tags: {}, tamperedWith: true });
  while (does === 'crowd' && there.versions.length < maximumVersions) {
    addVersion(there, stranger, theirDocument, now, undefined);
  }
  if (does === 'attach-elsewhere') attachElsewhere(aws.roles, arn, now, aws.uniqueId());
  if (does === 'detach' || does === 'delete' || does === 'replace') {
    for (const { attached } of aws.roles.values()) attached.delete(arn);
  }
  if (does === 'delete') aws.policies.delete(arn);
  if (does === 'replace') aws.policies.set(arn, theirs());
}

/** A role of theirs uses a policy of ours. */
function attachElsewhere(roles: Map<string, Role>, arn: string, now: number, id: string): void {
  const name = 'theirs';
  const there = roles.get(name);
  if (there) there.attached.add(arn);
  else
    roles.set(name, {
      key: `role ${name}`,
      maker: stranger,
      bornAt: now,
      tamperedWith: false,
      name,
      arn: `arn:aws:iam::${accountId}:role/${name}`,
      id,
      tags: {},
      trust: JSON.stringify(trustOf('arn:aws:iam::999999999999:user/theirs')),
      boundary: undefined,
      attached: new Set([arn]),
    });
}

/** As many policies as IAM attaches to a role. */
function crowdRole({ aws }: Simulation, { name, request }: JournalRecord): void {
  const role = aws.roles.get(request.role?.name ?? `dataloop-${name}`);
  if (!role || role.maker === stranger) return;
  for (let count = 1; role.attached.size < maximumAttached; count += 1) {
    role.attached.add(`${theirPolicyArn}${count}`);
  }
}

/** By hand, on the integration of ours: a driver on the bucket of one that was added, with its name or another. */
function driveByHand(
  { platform, journal }: Simulation,
  { id: integrationId, resources, request }: JournalRecord,
  does: 'drive' | 'drive-namesake',
): void {
  const { id } = resources.dataloopIntegration ?? {};
  if (!id || !platform.integrations.has(id)) return;
  const added = journal.drivers().filter(({ parent }) => parent?.integrationId === integrationId);
  // Whose answer was lost is known by its name alone: there a namesake is taken for it.
  const known = added.find(({ resources: { driver } }) => driver?.id && !driver.madeAgain);
  const { name } = known?.resources.driver ?? {};
  if (does === 'drive') {
    const bucketName = added.at(-1)?.request.bucket.name ?? request.bucket.name;
    platform.addDriver(stranger, { name: 'by-hand', integrationId: id, bucketName });
  } else if (known && name) {
    platform.addDriver(stranger, { name, integrationId: id, bucketName: known.request.bucket.name });
  }
}

export function strangeToDrivers(simulation: Simulation, integration: JournalRecord, command: Strange): void {
  const { does } = command;
  if (does === 'drive' || does === 'drive-namesake') driveByHand(simulation, integration, does);
  else if (does === 'crowd-role') crowdRole(simulation, integration);
  else strangePolicy(simulation, integration, command);
}
