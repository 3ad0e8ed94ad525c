/**
 * What thieves of the stack's sessions can do, alone and two together. Each rule of takeover-rules.ts is decided with each
 * role of a template by a policy simulator; what the allowed ones lead to is followed until nothing is new.
 */
import type { Document } from '../../policy-document.ts';
import { accountId, type Template } from '../../security/resolve.ts';
import { isAllowed, type Policies, type SimulatedCall } from '../../security/simulator.ts';
import { boundaryArn, resolvedAsDeployed } from './packaged.ts';
import {
  adoptableRoles,
  assumed,
  attached,
  buckets,
  everything,
  policiesWith,
  productionQueueArn,
  type Rule,
  reaches,
  roles,
  rulesFor,
  servicePolicy,
  serviceRole,
  theirBoundary,
  tooMuch,
  unbounded,
  written,
} from './takeover-rules.ts';

const named = new WeakMap<Document, RegExp>();
/** Whether a document allows an action anywhere; where, the simulator says, which takes a thousand times as long. */
function mayName(document: Document, action: string): boolean {
  const patterns = document.Statement.flatMap(({ Effect, Action, NotAction }) => {
    if (Effect !== 'Allow') return [];
    return NotAction === undefined ? [Action].flat().map(String) : ['*'];
  });
  const expression =
    named.get(document) ??
    new RegExp(`^(${patterns.join('|').replaceAll('*', '.*').replaceAll('?', '.')})$`, 'i');
  named.set(document, expression);
  return expression.test(action);
}

const ids = new Map<string, number>();
const numbered = new WeakMap<Policies, number>();
/** The same number for policies that say the same: their texts are too long to be part of every key. */
function idOf(by: Policies): number {
  const found = numbered.get(by);
  if (found !== undefined) return found;
  const text = JSON.stringify(by);
  const id = ids.get(text) ?? ids.size;
  ids.set(text, id);
  numbered.set(by, id);
  return id;
}

const decisions = new Map<string, Promise<boolean>>();
function decide(by: Policies, call: SimulatedCall): Promise<boolean> {
  if (!by.identity.some((document) => mayName(document, call.action))) return Promise.resolve(false);
  const key = JSON.stringify([idOf(by), call]);
  const decision = decisions.get(key) ?? isAllowed(by, call);
  decisions.set(key, decision);
  return decision;
}

type Facts = ReadonlySet<string>;

/** All that follows from what is so at first. */
function followed(atFirst: readonly string[], rules: readonly Rule[]): Facts {
  const facts = new Set(atFirst);
  for (let before = 0; before < facts.size; ) {
    before = facts.size;
    for (const { needs = [], gives } of rules) {
      if (needs.every((fact) => facts.has(fact))) facts.add(gives);
    }
  }
  return facts;
}

/** What a role may do, where this is so. */
function policiesOf(role: string, boundary: Document, facts: Facts): Policies {
  const { boundary: limit, own } = roles[role] ?? {};
  const identity = [
    ...(own ? [own] : []),
    ...Object.entries(policiesWith(boundary)).flatMap(([policy, { says }]) => {
      if (!facts.has(attached(policy, role))) return [];
      return [...(says ? [says] : []), ...(facts.has(written(policy)) ? [everything] : [])];
    }),
    ...(facts.has(written(role)) ? [everything] : []),
  ];
  const isOurs = limit === boundaryArn;
  if (!limit || facts.has(unbounded(role)) || (isOurs && facts.has(written('the boundary'))))
    return { identity };
  return { identity, boundary: isOurs ? boundary : theirBoundary };
}

async function reachOf(who: string, by: Policies): Promise<string[]> {
  const user = `arn:aws:iam::${accountId}:user/thief`;
  if (await decide(by, { action: 'iam:CreateUser', resource: user })) return [reaches(who, 'everything')];
  const reached = await Promise.all(
    Object.entries(buckets).map(async ([bucket, arn]) => {
      const uses = ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'].map((action) =>
        decide(by, { action, resource: `${arn}/theirs` }),
      );
      return (await Promise.all(uses)).some(Boolean) ? [reaches(who, `objects of ${bucket}`)] : [];
    }),
  );
  const isTheirs = await decide(by, { action: 'sqs:SendMessage', resource: productionQueueArn });
  return [...reached.flat(), ...(isTheirs ? [reaches(who, 'what an adoptable role may do by itself')] : [])];
}

async function resultsOf(facts: Facts, boundary: Document): Promise<Facts> {
  const found = new Set([...facts].filter((fact) => tooMuch.has(fact) || fact.startsWith('anybody:')));
  for (const who of ['anybody', 'Dataloop']) {
    for (const role of Object.keys(roles).filter((each) => facts.has(assumed(who, each)))) {
      for (const each of await reachOf(who, policiesOf(role, boundary, facts))) found.add(each);
    }
  }
  const isAnybodys = (result: string) => found.has(result.replace('Dataloop:', 'anybody:'));
  return new Set([...found].filter((result) => !result.startsWith('Dataloop:') || !isAnybodys(result)));
}

const sessions = (...roleIds: readonly string[]) =>
  roleIds
    .map((roleId) => roleId.replace(/Role$/, ''))
    .sort()
    .join(' + ');

/**
 * @returns by whose sessions: what anybody, or Dataloop with the roles that trust it, gets with them; of two, what
 * neither gives alone, and of all, what no two give
 */
export async function findReach(template: Template): Promise<Record<string, string[]>> {
  const service = resolvedAsDeployed(template);
  const boundary = service.boundary();
  const rules = rulesFor(policiesWith(boundary));
  const allowed = new Map<string, Rule[]>();
  for (const roleId of service.roleIds) {
    const by = { identity: service.roleOf(roleId).Policies.map(({ PolicyDocument }) => PolicyDocument) };
    const answers = await Promise.all(
      rules.map(async (rule) => ((await decide(by, rule.call)) ? [rule] : [])),
    );
    allowed.set(roleId, answers.flat());
  }

  // What the service made for Dataloop, and what it may have adopted.
  const all = [...allowed.values()].flat();
  const adopted = adoptableRoles.filter((role) =>
    all.some(({ gives }) => gives === attached(servicePolicy, role)),
  );
  const atFirst = [serviceRole, ...adopted].flatMap((role) => [
    assumed('Dataloop', role),
    attached(servicePolicy, role),
  ]);

  const known = new Map<string, Promise<Facts>>();
  function resultsWith(available: readonly Rule[]): Promise<Facts> {
    const facts = followed(atFirst, available);
    const key = [...facts].sort().join('\n');
    const results = known.get(key) ?? resultsOf(facts, boundary);
    known.set(key, results);
    return results;
  }

  const reach: Record<string, string[]> = {};
  function note(whose: string, found: Facts, ...less: readonly Facts[]): void {
    const news = [...found].filter((result) => !less.some((results) => results.has(result)));
    if (news.length > 0) reach[whose] = news.sort();
  }
  const withNone = await resultsWith([]);
  const alone = new Map<string, Facts>();
  for (const [roleId, available] of allowed) {
    const found = await resultsWith(available);
    alone.set(roleId, found);
    note(sessions(roleId), found, withNone);
  }
  const ofTwo: Facts[] = [];
  for (const [index, first] of service.roleIds.entries()) {
    for (const second of service.roleIds.slice(index + 1)) {
      const found = await resultsWith([...(allowed.get(first) ?? []), ...(allowed.get(second) ?? [])]);
      ofTwo.push(found);
      note(
        sessions(first, second),
        found,
        withNone,
        alone.get(first) ?? withNone,
        alone.get(second) ?? withNone,
      );
    }
  }
  note('all', await resultsWith(all), ...ofTwo);
  return reach;
}
