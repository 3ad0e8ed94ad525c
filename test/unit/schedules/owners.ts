/** What the owners of a bucket, a role and an integration do to them while they are adopted, or may be. */

import type { CorsRule } from '../../../src/domain/model/record.ts';
import type { Role } from './account.ts';
import { adoptedBucket, adoptedRole } from './adoption.ts';
import type { OwnersAct } from './schedule.ts';
import type { Simulation } from './simulation.ts';
import { stranger } from './things.ts';
import {
  ourStatement,
  ownersStatements,
  type Statement,
  statementsOf,
  withoutOurs,
  withStatements,
} from './trust-documents.ts';
import { type Adoptable, blocks, theirTrust } from './world-adoptable.ts';

const isOurRule = ({ ID = '' }: CorsRule): boolean => ID.startsWith('dataloop-cross-account-');

const laterRule = (adopting: Adoptable): CorsRule => {
  const number = adopting.next();
  return { ID: `later-${number}`, AllowedMethods: ['GET'], AllowedOrigins: [`https://${number}.example`] };
};

type Rules = readonly CorsRule[];

/** What becomes of the CORS rules; undefined where nothing does, an empty list takes the configuration away. */
const corsActs: Partial<Record<OwnersAct, (now: Rules, adopting: Adoptable) => Rules | undefined>> = {
  'add a CORS rule': (now, adopting) => [...now, laterRule(adopting)],
  'replace the CORS rules': (_now, adopting) => [laterRule(adopting)],
  'delete the CORS rules': () => [],
  'take out our CORS rule': (now) =>
    now.some(isOurRule) ? now.filter((rule) => !isOurRule(rule)) : undefined,
  'edit our CORS rule': (now) =>
    now.some(isOurRule)
      ? now.map((rule) => (isOurRule(rule) ? { ...rule, MaxAgeSeconds: 7 } : rule))
      : undefined,
};

function changeBucket(simulation: Simulation, adopting: Adoptable, does: OwnersAct): void {
  const { buckets } = simulation.aws;
  const there = buckets.get(adoptedBucket);
  if (does === 'make the bucket anew') adopting.makeBucket();
  if (!there) return;
  const { cors, publicAccess } = adopting.bucket;
  const rules = corsActs[does]?.(cors.now() ?? [], adopting);
  if (rules) cors.own(rules.length > 0 ? rules : undefined);
  if (does === 'open the bucket') publicAccess.own(blocks.none);
  if (does === 'open half of the bucket') publicAccess.own(blocks.half);
  if (does === 'close the bucket') publicAccess.own(blocks.closed);
  if (does === 'delete the bucket') buckets.delete(adoptedBucket);
  if (does === 'put an object') there.objects += 1;
  if (does === 'tag the bucket') there.tags = { ...there.tags, later: 'theirs' };
}

/** Writes a trust policy as a person does, with white space. IAM takes none that names a deleted user. */
function writeTrust({ platform }: Simulation, { role }: Adoptable, text: string): void {
  if ([...platform.deletedUsers.keys()].some((arn) => text.includes(`"${arn}"`))) return;
  const owned = withoutOurs(text);
  if (owned === text) role.trust.own(text);
  else role.trust.own(text, owned);
}

const laterStatement = (adopting: Adoptable) => ({
  Sid: `Later${adopting.next()}`,
  Effect: 'Allow',
  Principal: { Service: 'lambda.amazonaws.com' },
  Action: 'sts:AssumeRole',
});

/** The statement with a condition, which IAM lets nobody meet here. */
const edited = (statement: Statement): Statement => ({
  ...statement,
  Condition: { StringEquals: { 'sts:ExternalId': 'theirs' } },
});

/** What a trust policy becomes; undefined where nothing does. */
const trustActs: Partial<Record<OwnersAct, (now: string, adopting: Adoptable) => string | undefined>> = {
  'add a statement': (now, adopting) =>
    withStatements(now, [...statementsOf(now), laterStatement(adopting)], 2),
  'replace the trust policy': (_now, adopting) =>
    withStatements(theirTrust('list'), [laterStatement(adopting)], 1),
  'take out our statement': (now) => {
    const theirs = ownersStatements(now);
    return ourStatement(now) && theirs.length > 0 ? withStatements(now, theirs, 2) : undefined;
  },
  'edit our statement': (now) => {
    const ours = ourStatement(now);
    return ours && withStatements(now, [...ownersStatements(now), edited(ours)], 2);
  },
  'leave only our statement': (now) => {
    const ours = ourStatement(now);
    return ours && withStatements(now, [ours], 2);
  },
};

function changeRole(simulation: Simulation, adopting: Adoptable, does: OwnersAct): void {
  const { roles, policies } = simulation.aws;
  if (does === 'make the role anew') adopting.makeRole();
  const role: Role | undefined = roles.get(adoptedRole);
  if (!role) return;
  const trust = trustActs[does]?.(adopting.role.trust.now(), adopting);
  if (trust) writeTrust(simulation, adopting, trust);
  if (does === 'delete the role') roles.delete(adoptedRole);
  if (does === 'attach a policy') {
    const arn = 'arn:aws:iam::aws:policy/Theirs';
    role.attached.add(arn);
    adopting.role.attached.add(arn);
  }
  if (does === 'detach our policy') {
    for (const arn of role.attached) {
      const maker = policies.get(arn)?.maker;
      if (maker !== undefined && maker !== stranger) role.attached.delete(arn);
    }
  }
}

/** One of the owners does something, where it can be done. */
export function act(simulation: Simulation, does: OwnersAct): void {
  const { adopting, platform } = simulation;
  if (!adopting) return;
  changeBucket(simulation, adopting, does);
  changeRole(simulation, adopting, does);
  const { waiting } = adopting;
  if (does === 'delete the integration' && platform.integrations.has(waiting.id)) {
    platform.deleteIntegration(waiting);
  }
  if (does === 'make a driver of our name' && platform.integrations.has(waiting.id)) {
    platform.addDriver(stranger, { name: 'acme', integrationId: waiting.id, bucketName: 'theirs' });
  }
}

/** Does what the residue of a role asks for: another statement, or a policy of ours that is on another role. */
export function followAdvice(simulation: Simulation): void {
  const { adopting } = simulation;
  const trust = adopting?.role.trust;
  if (trust && ownersStatements(trust.now()).length === 0) {
    act(simulation, 'add a statement');
    if (ownersStatements(trust.now()).length === 0) act(simulation, 'replace the trust policy');
  }
  if (adopting?.role.isExcused) act(simulation, 'detach our policy');
}
