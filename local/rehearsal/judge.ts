/** Compares what happened with what was expected. Each function returns the problems that it finds. */
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { ownerTag } from '../../src/domain/model/desired-state.ts';
import { resourceTypes } from '../../src/domain/model/resource-keys.ts';
import { problemType } from '../../src/errors.ts';
import { tagsIn } from '../observe/account.ts';
import type { IntegrationAnswer } from '../observe/api-client.ts';
import type { ConnectionRehearsal, RehearsedResource, RemovalRehearsal } from './rehearsal.ts';
import { shortNames } from './rehearsal.ts';
import type { UndoRun } from './service.ts';
import { versionsChanged } from './snapshot.ts';

type Residue = IntegrationAnswer['residue'][number];

/** Kinds of the listing, by the type that the API gives a resource. */
const kinds: Readonly<Record<string, string>> = {
  'AWS::S3::Bucket': 'buckets',
  'AWS::IAM::ManagedPolicy': 'policies',
  'AWS::IAM::Role': 'roles',
  'Dataloop::Integration': 'integrations',
  'Dataloop::Driver': 'drivers',
  'Dataloop::Dataset': 'datasets',
};

export const nameOf = ({
  arn,
  id,
  name,
}: {
  arn?: string | undefined;
  id?: string | undefined;
  name?: string | undefined;
}) => arn ?? id ?? name ?? '';

/** What the undo removed, by the output of its executions. */
export const removedBy = (runs: readonly UndoRun[]): RehearsedResource[] =>
  Object.entries(shortNames)
    .filter(([, output]) => runs.some((run) => run.output[output] === 'removed'))
    .flatMap(([key]) => (isRehearsed(key) ? [key] : []));

export const isRehearsed = (key: string): key is RehearsedResource => Object.hasOwn(shortNames, key);

/** A connection that should fail at one step and be undone. */
export function judgeConnection(
  { failsAt, makes, denials }: ConnectionRehearsal,
  integration: IntegrationAnswer,
  runs: readonly UndoRun[],
): string[] {
  const { status, error, residue } = integration;
  const problems: string[] = [];
  if (status !== 'failed') problems.push(`it ended as "${status}"; expected "failed"`);
  if (error?.step !== failsAt) {
    problems.push(
      `it failed at ${error?.step ?? 'no step'}; expected ${failsAt}: ${error?.detail ?? 'no error'}`,
    );
  } else if (!deniedBy(denials).includes(error.type)) {
    problems.push(`it failed for another reason than the denial: ${error.title}: ${error.detail}`);
  }
  const removed = removedBy(runs);
  for (const key of makes) {
    if (!removed.includes(key))
      problems.push(`the undo removed no ${shortNames[key]}, although one had been created`);
  }
  return [...problems, ...named(residue)];
}

/** How a denial shows: who cannot read the secret says that of Dataloop's credentials. */
const deniedBy = (denials: ConnectionRehearsal['denials']): string[] => [
  problemType('AwsAccessDeniedError'),
  ...(denials.some(({ actions }) => actions.includes('secretsmanager:GetSecretValue'))
    ? [problemType('DataloopCredentialsError')]
    : []),
];

/** Unexpected residue. */
const named = (residue: readonly Residue[]): string[] =>
  residue.map((left) => `left over: ${left.type} ${nameOf(left)}: ${left.reason} ${left.advice}`);

/** A removal that should leave exactly the resources that it could not remove, and list them. */
export function judgeRemoval(
  { leaves, isStartedAgain }: RemovalRehearsal,
  { status, residue }: IntegrationAnswer,
  runs: readonly UndoRun[],
): string[] {
  const wanted = leaves.length > 0 ? 'residue' : 'removed';
  const problems = status === wanted ? [] : [`it ended as "${status}"; expected "${wanted}"`];
  const types = leaves.map((key) => resourceTypes[key]).sort();
  const named = residue.map(({ type }) => type).sort();
  if (named.join() !== types.join()) {
    problems.push(
      `residue lists ${named.join(', ') || 'nothing'}; expected ${types.join(', ') || 'nothing'}`,
    );
  }
  for (const left of residue) {
    if (!left.advice || !left.reason) problems.push(`residue does not say what to do about ${nameOf(left)}`);
  }
  if (isStartedAgain && !runs.some((run) => run.status === 'FAILED')) {
    problems.push('no execution of the undo failed');
  }
  return problems;
}

/** A bucket as it is found. */
interface Found {
  /** As text, by the listing; undefined if it is not listed. */
  readonly settings: string | undefined;
  /** Key → ETag. */
  readonly objects: ReadonlyMap<string, string>;
}

const settingsSchema = z.looseObject({ tags: z.unknown().transform(tagsIn) });

/** All that must stay as it was: not our tag, and not the policy, which is the service's where a deployment asks for one. */
function settingsOf({ settings = '{}' }: Found) {
  const { tags, policy: _ours, ...others } = settingsSchema.parse(JSON.parse(settings));
  const { [ownerTag]: owner, ...ownTags } = tags;
  return { owner, kept: { ...others, tags: ownTags } };
}

/**
 * A removal that keeps the bucket, with its data.
 * @param after undefined: the bucket is gone
 */
export function judgeKept(
  bucketName: string,
  { status, residue, released = [] }: IntegrationAnswer,
  before: Found,
  after: Found | undefined,
): string[] {
  const problems = status === 'removed' ? [] : [`it ended as "${status}"; expected "removed"`];
  problems.push(...named(residue));
  const wanted = `${resourceTypes.bucket} ${bucketName}`;
  const told = released.map((each) => `${each.type} ${nameOf(each).split(':::').at(-1)}`);
  if (told.join() !== wanted) {
    problems.push(`released names ${told.join(', ') || 'nothing'}; expected ${wanted}`);
  }
  if (!after) return [...problems, `gone: the bucket ${bucketName}`];
  for (const [key, etag] of before.objects) {
    const now = after.objects.get(key);
    if (now !== etag) problems.push(`${now === undefined ? 'gone' : 'changed'}: the object ${key}`);
  }
  const [was, is] = [settingsOf(before), settingsOf(after)];
  if (is.owner !== undefined) problems.push(`the bucket ${bucketName} still carries the tag ${ownerTag}`);
  if (!isDeepStrictEqual(was.kept, is.kept)) {
    problems.push(
      `settings of the bucket ${bucketName} are ${JSON.stringify(is.kept)}; before, they were ${JSON.stringify(was.kept)}`,
    );
  }
  return problems;
}

/** Whether the denial was in effect: on AWS that takes some seconds, and a rehearsal without a failure proves nothing. */
export function denialActed(
  rehearsal: ConnectionRehearsal | RemovalRehearsal,
  { status, steps }: IntegrationAnswer,
  runs: readonly UndoRun[],
): boolean {
  if (rehearsal.of === 'connection') {
    const rollBack = steps.find(({ name }) => name === 'RollBack')?.status;
    return status !== 'ready' && (rehearsal.step !== 'RollBack' || rollBack === 'failed');
  }
  return rehearsal.isStartedAgain ? runs.some((run) => run.status === 'FAILED') : status !== 'removed';
}

/** Policies of an integration that gets a driver: they stay, and change for the driver. */
export interface SharedPolicies {
  readonly arns: readonly string[];
  /** Whether they may have been written twice: their documents must be as before all the same. */
  readonly rewritten: boolean;
}
const noPolicies: SharedPolicies = { arns: [], rewritten: false };

/**
 * Changes that residue does not list, and residue that does not exist.
 * @param listed kinds that were checked: without a token for Dataloop, only those of AWS
 */
export function judgeStanding(
  found: readonly string[],
  residue: readonly Residue[],
  listed: readonly string[],
  shared = noPolicies,
): string[] {
  const asWritten = shared.rewritten ? shared.arns.map(versionsChanged) : [];
  const changes = found.filter((change) => !asWritten.includes(change));
  const lines = new Map(residue.map((left) => [lineOf(left, shared), left]));
  const explains = (change: string, line: string) =>
    change === line || (line.startsWith('(') && change.endsWith(line));
  const unexplained = changes.filter((change) => ![...lines.keys()].some((line) => explains(change, line)));
  const absent = [...lines].filter(
    ([line, { type }]) =>
      listed.includes(kinds[type] ?? '') && !changes.some((change) => explains(change, line)),
  );
  return [
    ...unexplained.map(changeInWords),
    ...absent.map(([, left]) => `the answer lists ${left.type} ${nameOf(left)}, which does not exist`),
  ];
}

/** `left over, or created by somebody else: roles: ARN` */
export function changeInWords(change: string): string {
  const said = { '+': 'left over, or created by somebody else', '-': 'gone', '~': 'changed' };
  const [, kind = '', what = ''] = /^([+~-]) (.*)$/s.exec(change) ?? [];
  return kind === '+' || kind === '-' || kind === '~' ? `${said[kind]}: ${what}` : change;
}

/**
 * The line that a leftover makes in the differences of two listings; for Dataloop, the end of that line. Access that is
 * left over shows as an existing policy that grants more than before.
 */
function lineOf({ type, arn, id }: Residue, { arns }: SharedPolicies): string {
  if (arn && arns.includes(arn)) return `~ ${kinds[type]}: ${arn}`;
  if (type === 'AWS::S3::Bucket') return `+ buckets: ${arn?.split(':::')[1] ?? ''}`;
  return arn ? `+ ${kinds[type]}: ${arn}` : `(${id})`;
}
