/** What is told of a rehearsal: on the screen while it goes on, and as a document to attach. */
import type { IntegrationAnswer } from '../observe/api-client.ts';
import { nameOf } from './judge.ts';
import type { Result } from './rehearse.ts';
import { countsOf, type Standing } from './snapshot.ts';
import { type Rehearsal, rehearsals, type Subject } from './steps.ts';

export interface Run {
  /** The deployment, as people know it: `label` → value. */
  readonly facts: readonly (readonly [label: string, value: string])[];
  /** Whether Dataloop's side was looked at. */
  readonly seesDataloop: boolean;
  readonly startedAt: Date;
  readonly endedAt: Date;
  readonly before: Standing;
  readonly after: Standing;
  readonly results: readonly Result[];
  /** What was to be rehearsed; the controls come on top. */
  readonly rehearsed: readonly Pick<Rehearsal, 'subject'>[];
  /** What is wrong with the run as a whole: it broke off, or something is left at its end. */
  readonly problems: readonly string[];
}

const countOf = (rows: Run['rehearsed'], wanted: Subject): number =>
  rows.filter(({ subject }) => subject === wanted).length;

/** With the controls: one of integrations, always, and one of drivers where any is rehearsed. */
const withControls = (rows: Run['rehearsed']): number =>
  rows.length + 1 + Math.min(1, countOf(rows, 'driver'));

export const isGood = ({ problems, results, rehearsed }: Run): boolean =>
  problems.length === 0 &&
  results.length === withControls(rehearsed) &&
  results.every((each) => each.problems.length === 0);

const sign = ({ problems }: Pick<Result, 'problems'>): string => (problems.length === 0 ? '✓' : '✗');
const seconds = (value: number): string => `${value.toFixed(1)} s`;

/** `CreateBucket`, or `CreateBucket (driver)` where it runs for a driver that is added to an integration. */
export const titleOf = ({ step, subject }: Pick<Result, 'step' | 'subject'>): string =>
  `${step === 'nothing' ? 'Control' : step}${subject === 'driver' ? ' (driver)' : ''}`;
const deniedOf = ({ denied }: Pick<Result, 'denied'>): string => denied.join(', ') || 'nothing';
const cut = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, length - 1)}…` : text;

const leftOf = ({ residue }: Pick<Result, 'residue'>): string =>
  residue.map(({ type }) => type).join(', ') || 'nothing';

/** `once`, or how the watchdog took part. */
const runsOf = ({ runsOfTheUndo }: Pick<Result, 'runsOfTheUndo'>): string | undefined =>
  runsOfTheUndo > 1 ? `${runsOfTheUndo} times: the watchdog started it again, then ended it` : undefined;

/** The sentence that a result proves. */
export function proofOf({ residue, subject }: Pick<Result, 'residue' | 'subject'>): string {
  const integration =
    subject === 'driver' ? '; the integration is ready as before, with exactly the access it had' : '';
  const proof = `nothing is left, nothing that was there before has changed${integration}`;
  if (residue.length === 0) return proof;
  const count = residue.length === 1 ? 'this one' : `these ${residue.length}`;
  return `just ${count} had stayed; after DELETE again ${proof}`;
}

/** One block of the screen. */
export function blockOf(result: Result): string {
  const lines = [
    ['denied', deniedOf(result)],
    ['ended', result.ended],
    ...result.said.map((said) => ['said', cut(said, 200)]),
    ...result.residue.flatMap((left) => [
      ['left', `${left.type} ${nameOf(left)}`],
      ['', cut(left.reason, 200)],
      ['', `→ ${left.advice}`],
    ]),
    ['removed', result.removed.join(', ') || 'nothing, as nothing had been made'],
  ];
  const runs = runsOf(result);
  if (runs) lines.push(['undo ran', runs]);
  if (result.tries > 1) lines.push(['tries', `${result.tries}: IAM had not acted on the denial before`]);
  const verdict =
    result.problems.length === 0
      ? [`  ✓ ${proofOf(result)} (${seconds(result.seconds)})`]
      : [
          ...result.problems.map((problem) => `  ✗ ${problem}`),
          `    Look at: ${result.id ?? 'the message above'} ${result.console ?? ''}`.trimEnd(),
        ];
  return [...lines.map(([label = '', text]) => `  ${label.padEnd(9)} ${text}`), ...verdict].join('\n');
}

/** The table at the end of the screen. */
export function tableOf(results: readonly Result[]): string {
  const rows = results.map((result) => [
    `${sign(result)} ${titleOf(result)}`,
    cut(deniedOf(result), 60),
    cut(result.ended, 34),
    seconds(result.seconds),
  ]);
  const all = [['  step', 'denied', 'ended', 'took'], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map(
      (row) =>
        `  ${row.map((cell, column) => (column < 3 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(8))).join('  ')}`,
    )
    .join('\n');
}

/** The sentence at the end. */
export function verdictOf(run: Run): string {
  const good = run.results.filter(({ problems }) => problems.length === 0).length;
  const [wanted, all] = [withControls(run.rehearsed), withControls(rehearsals)];
  const partly = wanted < all ? `, of ${all} that there are` : '';
  const side = `${partly}${run.seesDataloop ? '' : ' (AWS only: Dataloop was not looked at)'}`;
  if (isGood(run)) {
    return `✓ ${good} of ${wanted} as they should be${side}: nothing is left, nothing that was there before has changed`;
  }
  return `✗ ${good} of ${wanted} as they should be${side}`;
}

/** How much of the workflows was rehearsed. */
function coverageOf({ rehearsed }: Run): string {
  const [integration, driver] = [countOf(rehearsals, 'integration'), countOf(rehearsals, 'driver')];
  const all = `${integration} steps of an integration and the ${driver} of a driver that is added to one`;
  return rehearsed.length === rehearsals.length
    ? `Each of the ${all}`
    : `Each of these ${rehearsed.length} steps (of the ${all})`;
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ');
const code = (text: string): string => `\`${text.replaceAll('`', "'")}\``;
const row = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;

/** The proof as Markdown. */
export function markdownOf(run: Run): string {
  const lookedAt = run.seesDataloop
    ? "the account's buckets, policies and roles, and the organisation's integrations and the project's drivers at Dataloop"
    : "the account's buckets, policies and roles. **Dataloop's side was not looked at**: no token was given";
  return `${[
    '# Rehearsal of dataloop-cross-account',
    '',
    `**${verdictOf(run)}**`,
    ...run.problems.map((problem) => `\n- ✗ ${problem.replaceAll('\n', '\n  ')}`),
    '',
    row(['', '']),
    '|---|---|',
    ...run.facts.map(([label, value]) => row([label, value])),
    row(['from, to', `${run.startedAt.toISOString()}, ${run.endedAt.toISOString()}`]),
    row(['before', countsOf(run.before)]),
    row(['after', countsOf(run.after)]),
    '',
    `${coverageOf(run)} was failed once, by an explicit deny on the IAM role of its function; the deployed code ` +
      `is as it was deployed. (Functions that hold Dataloop's token in memory were started anew, by a variable in their ` +
      `environment that no code reads.) Before and after each, the rehearsal looked at ${lookedAt}: their names, and ` +
      'what they say (policy documents and their versions, trust policies, attachments, tags; tags, policy, CORS, encryption, ' +
      'public access and ownership of buckets). "Nothing is left" means that no difference remained.',
    ...(countOf(run.rehearsed, 'driver') > 0
      ? [
          '',
          'Drivers were added to an integration that has another one already. Afterwards the role of the integration had the ' +
            'same policies, which said the same to the byte (a policy that was written twice has other versions); the service ' +
            'showed the integration as before, and its own test of the connection passed.',
        ]
      : []),
    '',
    row(['', 'step', 'denied', 'ended', 'removed again', 'left, and named', 'took']),
    '|---|---|---|---|---|---|---|',
    ...run.results.map((result) =>
      row([
        sign(result),
        titleOf(result),
        result.denied.map(code).join(', ') || 'nothing',
        result.ended,
        result.removed.join(', ') || '–',
        result.residue.length > 0 ? leftOf(result) : '–',
        seconds(result.seconds),
      ]),
    ),
    ...run.results.flatMap(sectionOf),
  ].join('\n')}\n`;
}

function sectionOf(result: Result): string[] {
  const runs = runsOf(result);
  return [
    '',
    `## ${sign(result)} ${titleOf(result)}`,
    '',
    `${result.shows[0]?.toUpperCase()}${result.shows.slice(1)}.`,
    '',
    `- Denied: ${result.denied.map(code).join(', ') || 'nothing'}`,
    `- Ended: ${result.ended}${result.tries > 1 ? ` (try ${result.tries}: IAM had not acted before)` : ''}`,
    ...result.said.map((said) => `- The service said: ${oneLine(said)}`),
    ...(runs ? [`- The undo ran ${runs}`] : []),
    `- Removed again: ${result.removed.join(', ') || 'nothing, as nothing had been made'}`,
    ...result.residue.map(leftover),
    ...(result.problems.length === 0
      ? [`- ✓ ${proofOf(result)}`]
      : result.problems.map((problem) => `- ✗ ${oneLine(problem)}`)),
    ...(result.id ? [`- ${result.subject === 'driver' ? 'Driver' : 'Integration'} ${code(result.id)}`] : []),
    ...(result.console ? [`- Execution: <${result.console}>`] : []),
  ];
}

const oneLine = (text: string): string => text.replaceAll(/\s*\n\s*/g, ' ');

const leftover = (left: IntegrationAnswer['residue'][number]): string =>
  `- Left and named: ${left.type} ${code(nameOf(left))}. ${oneLine(left.reason)} **${oneLine(left.advice)}**`;
