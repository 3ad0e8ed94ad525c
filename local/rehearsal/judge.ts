/** Whether what happened is what was to happen. Each function answers with what is wrong; nothing, where all is right. */
import { resourceTypes } from '../../src/domain/model/record.ts';
import { problemType } from '../../src/errors.ts';
import type { IntegrationAnswer } from '../observe/api-client.ts';
import type { UndoRun } from './service.ts';
import { versionsChanged } from './snapshot.ts';
import type { ConnectionRehearsal, RehearsedResource, RemovalRehearsal } from './steps.ts';
import { shortNames } from './steps.ts';

type Residue = IntegrationAnswer['residue'][number];

/** Kinds of the listing, by the type that the API gives a resource. */
const kinds: Readonly<Record<string, string>> = {
  'AWS::S3::Bucket': 'buckets',
  'AWS::IAM::ManagedPolicy': 'policies',
  'AWS::IAM::Role': 'roles',
  'Dataloop::Integration': 'integrations',
  'Dataloop::Driver': 'drivers',
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

/** What the undo removed, by what its executions say. */
export const removedBy = (runs: readonly UndoRun[]): RehearsedResource[] =>
  Object.entries(shortNames)
    .filter(([, output]) => runs.some((run) => run.output[output] === 'removed'))
    .flatMap(([key]) => (isRehearsed(key) ? [key] : []));

export const isRehearsed = (key: string): key is RehearsedResource => Object.hasOwn(shortNames, key);

/** A connection that was to fail at one step and be undone. */
export function judgeConnection(
  { failsAt, makes }: ConnectionRehearsal,
  integration: IntegrationAnswer,
  runs: readonly UndoRun[],
): string[] {
  const { status, error, residue } = integration;
  const problems: string[] = [];
  if (status !== 'failed') problems.push(`it ended as "${status}", not as "failed"`);
  if (error?.step !== failsAt) {
    problems.push(
      `it failed at ${error?.step ?? 'no step'}, not at ${failsAt}: ${error?.detail ?? 'no error'}`,
    );
  } else if (error.type !== problemType('AwsAccessDeniedError')) {
    problems.push(`it failed for another reason than the denial: ${error.title}: ${error.detail}`);
  }
  const removed = removedBy(runs);
  for (const key of makes) {
    if (!removed.includes(key))
      problems.push(`the undo removed no ${shortNames[key]}, although one must have been made`);
  }
  return [...problems, ...named(residue)];
}

/** Residue that nobody asked for. */
const named = (residue: readonly Residue[]): string[] =>
  residue.map((left) => `left: ${left.type} ${nameOf(left)}: ${left.reason} ${left.advice}`);

/** A removal that was to leave just what could not be removed, and name it. */
export function judgeRemoval(
  { leaves, isStartedAgain }: RemovalRehearsal,
  { status, residue }: IntegrationAnswer,
  runs: readonly UndoRun[],
): string[] {
  const wanted = leaves.length > 0 ? 'residue' : 'removed';
  const problems = status === wanted ? [] : [`it ended as "${status}", not as "${wanted}"`];
  const types = leaves.map((key) => resourceTypes[key]).sort();
  const named = residue.map(({ type }) => type).sort();
  if (named.join() !== types.join()) {
    problems.push(`residue names ${named.join(', ') || 'nothing'}, not ${types.join(', ') || 'nothing'}`);
  }
  for (const left of residue) {
    if (!left.advice || !left.reason) problems.push(`residue does not say what to do about ${nameOf(left)}`);
  }
  if (isStartedAgain && !runs.some((run) => run.status === 'FAILED')) {
    problems.push('no execution of the undo failed');
  }
  return problems;
}

/** Whether the denial had acted: on AWS it takes some seconds, and a rehearsal in which nothing failed shows nothing. */
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

/** Policies of an integration that a driver is added to: they stay, and are written for the driver's sake. */
export interface SharedPolicies {
  readonly arns: readonly string[];
  /** Whether they may have been written, and written again: what each says must be as before all the same. */
  readonly rewritten: boolean;
}
const noPolicies: SharedPolicies = { arns: [], rewritten: false };

/**
 * Changes of what stands that residue does not name, and residue that does not stand.
 * @param listed kinds that were looked at: without a token of Dataloop's, only those of AWS
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
    ...absent.map(([, left]) => `residue names ${left.type} ${nameOf(left)}, which does not stand`),
  ];
}

/** `left, or made by somebody meanwhile: roles: ARN` */
export function changeInWords(change: string): string {
  const said = { '+': 'left, or made by somebody meanwhile', '-': 'gone', '~': 'says something else now' };
  const [, kind = '', what = ''] = /^([+~-]) (.*)$/s.exec(change) ?? [];
  return kind === '+' || kind === '-' || kind === '~' ? `${said[kind]}: ${what}` : change;
}

/**
 * The line of a listing's differences that a leftover makes; of Dataloop's, its end. Access that is left is a policy
 * that stood before and says more now.
 */
function lineOf({ type, arn, id }: Residue, { arns }: SharedPolicies): string {
  if (arn && arns.includes(arn)) return `~ ${kinds[type]}: ${arn}`;
  if (type === 'AWS::S3::Bucket') return `+ buckets: ${arn?.split(':::')[1] ?? ''}`;
  return arn ? `+ ${kinds[type]}: ${arn}` : `(${id})`;
}
