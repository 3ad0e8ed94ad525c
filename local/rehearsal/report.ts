/** The output of a rehearsal: on the screen while it runs, and as a document to attach. */
import type { IntegrationAnswer } from '../observe/api-client.ts';
import { terminalWidth, wrapped } from '../observe/wrapped.ts';
import { nameOf } from './judge.ts';
import type { Rehearsal, Subject } from './rehearsal.ts';
import type { Result } from './rehearse.ts';
import { countsOf, type Standing } from './snapshot.ts';
import { rehearsals } from './steps.ts';

export interface Run {
  /** The deployment, as people know it: `label` → value. */
  readonly facts: readonly (readonly [label: string, value: string])[];
  /** Whether Dataloop's side was checked. */
  readonly seesDataloop: boolean;
  readonly startedAt: Date;
  readonly endedAt: Date;
  readonly before: Standing;
  readonly after: Standing;
  readonly results: readonly Result[];
  /** The planned rehearsals; the control runs are extra. */
  readonly rehearsed: readonly Pick<Rehearsal, 'subject'>[];
  /** Problems of the run as a whole: it was aborted, or something is left at its end. */
  readonly problems: readonly string[];
}

const countOf = (rows: Run['rehearsed'], wanted: Subject): number =>
  rows.filter(({ subject }) => subject === wanted).length;

/** With the runs in which nothing is denied: two of integrations, always, and one of drivers if any is rehearsed. */
const withControls = (rows: Run['rehearsed']): number =>
  rows.length + 2 + Math.min(1, countOf(rows, 'driver'));

export const isGood = ({ problems, results, rehearsed }: Run): boolean =>
  problems.length === 0 &&
  results.length === withControls(rehearsed) &&
  results.every((each) => each.problems.length === 0);

const sign = ({ problems }: Pick<Result, 'problems'>): string => (problems.length === 0 ? '✓' : '✗');
const seconds = (value: number): string => `${value.toFixed(1)} s`;

/** Of runs in which nothing is denied. */
const titles: Readonly<Record<string, string>> = { nothing: 'Control', keepBucket: 'Kept bucket' };

/** `CreateBucket`, or `CreateBucket (driver)` if it runs for an added driver. */
export const titleOf = ({ step, subject }: Pick<Result, 'step' | 'subject'>): string =>
  `${titles[step] ?? step}${subject === 'driver' ? ' (driver)' : ''}`;
const deniedOf = ({ denied }: Pick<Result, 'denied'>): string => denied.join(', ') || 'nothing';
const cut = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, length - 1)}…` : text;

const nothingCreated = 'nothing: nothing had been created';

const leftOf = ({ residue }: Pick<Result, 'residue'>): string =>
  residue.map(({ type }) => type).join(', ') || 'nothing';

/** How the watchdog took part, if it did. */
const runsOf = ({ runsOfTheUndo }: Pick<Result, 'runsOfTheUndo'>): string | undefined =>
  runsOfTheUndo > 1 ? `${runsOfTheUndo} times: the watchdog restarted it, then closed it` : undefined;

const accessOf = ({ accessSeconds }: Pick<Result, 'accessSeconds'>): string | undefined =>
  accessSeconds === undefined ? undefined : `had ended ${seconds(accessSeconds)} after DELETE`;

/** How long Dataloop kept its access at most, whatever stuck. */
export function longestAccessOf(results: readonly Pick<Result, 'accessSeconds'>[]): string {
  const all = results.flatMap(({ accessSeconds }) => accessSeconds ?? []);
  if (all.length === 0) return 'no removal was rehearsed that ends it';
  return `had ended at most ${seconds(Math.max(...all))} after DELETE (${all.length} removals)`;
}

/** The sentence that a result proves. */
export function proofOf({
  residue,
  released = [],
  subject,
}: Pick<Result, 'residue' | 'released' | 'subject'>): string {
  const integration =
    subject === 'driver' ? '; the integration is ready and has exactly the access that it had before' : '';
  const proof = `nothing is left, and nothing else has changed${integration}`;
  if (released.length > 0) {
    return `only the bucket stayed, with its objects and settings; once it was emptied and deleted, ${proof}`;
  }
  if (residue.length === 0) return proof;
  const count = residue.length === 1 ? 'this one' : `these ${residue.length}`;
  return `only ${count} stayed; after a second DELETE ${proof}`;
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
    ['removed', result.removed.join(', ') || nothingCreated],
    ...(result.released ?? []).map((kept) => ['kept', `${kept.type} ${nameOf(kept)}: ${kept.reason}`]),
  ];
  const access = accessOf(result);
  if (access) lines.push(['access', access]);
  const runs = runsOf(result);
  if (runs) lines.push(['undo ran', runs]);
  if (result.tries > 1) lines.push(['tries', `${result.tries}: IAM had not applied the denial before`]);
  const verdict =
    result.problems.length === 0
      ? [wrapped(`${proofOf(result)} (${seconds(result.seconds)})`, terminalWidth, '  ✓ ', '    ')]
      : [
          ...result.problems.map((problem) => wrapped(problem, terminalWidth, '  ✗ ', '    ')),
          `    Look at: ${result.id ?? 'the message above'} ${result.console ?? ''}`.trimEnd(),
        ];
  const block = lines.map(([label = '', text = '']) =>
    wrapped(text, terminalWidth, `  ${label.padEnd(9)} `, ' '.repeat(12)),
  );
  return [...block, ...verdict].join('\n');
}

/** The table at the end of the screen, as wide as a terminal; what was denied stands above. */
export function tableOf(results: readonly Result[]): string {
  const rows = results.map((result) => [
    `${sign(result)} ${titleOf(result)}`,
    cut(result.ended, 34),
    seconds(result.seconds),
  ]);
  const all = [['  step', 'ended', 'took'], ...rows];
  const widths = [0, 1].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map(
      (row) =>
        `  ${row.map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(8))).join('  ')}`,
    )
    .join('\n');
}

/** The sentence at the end. */
export function verdictOf(run: Run): string {
  const good = run.results.filter(({ problems }) => problems.length === 0).length;
  const [wanted, all] = [withControls(run.rehearsed), withControls(rehearsals)];
  const partly = wanted < all ? `, of ${all} in all` : '';
  const side = `${partly}${run.seesDataloop ? '' : ' (AWS only: Dataloop was not checked)'}`;
  if (isGood(run)) {
    return `✓ ${good} of ${wanted} rehearsals passed${side}: nothing is left, and nothing else has changed`;
  }
  return `✗ ${good} of ${wanted} rehearsals passed${side}`;
}

/** How much of the workflows was rehearsed. */
function coverageOf({ rehearsed }: Run): string {
  const [integration, driver] = [countOf(rehearsals, 'integration'), countOf(rehearsals, 'driver')];
  const all = `${integration} steps of an integration and the ${driver} of an added driver`;
  return rehearsed.length === rehearsals.length
    ? `Each of the ${all}`
    : `Each of these ${rehearsed.length} steps (of the ${all})`;
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ');
const code = (text: string): string => `\`${text.replaceAll('`', "'")}\``;
const row = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;

/** The proof as Markdown. */
export function markdownOf(run: Run): string {
  const dataloop = run.seesDataloop
    ? ", of the organisation's integrations and of the project's drivers at Dataloop."
    : ". **Dataloop's side was not checked**: no token was given.";
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
    row(["Dataloop's access", longestAccessOf(run.results)]),
    '',
    `${coverageOf(run)} was broken once, by an explicit deny on the IAM role of its function. The deployed code did not ` +
      "change. Functions that keep Dataloop's token in memory were restarted, by an environment variable that no code " +
      "reads. Before and after each step, the rehearsal compared names and contents of the account's buckets, policies and " +
      `roles${dataloop} Contents are policy documents and versions, trust policies, attachments and tags; of buckets tags, ` +
      'policy, CORS, encryption, public access and ownership. "Nothing is left" means that no difference remained.',
    '',
    'One bucket with objects was disconnected with `?keepBucket=true`. Afterwards it had the same objects and settings, ' +
      "without the service's tag, and `released` named it. The rehearsal then emptied and deleted it.",
    ...(countOf(run.rehearsed, 'driver') > 0
      ? [
          '',
          'Drivers were added to an integration that already had another one. Afterwards the role of the integration had the ' +
            'same policies, identical to the byte (a policy that was written twice has other versions). The service showed ' +
            'the integration as before, and its connection test passed.',
        ]
      : []),
    '',
    row(['', 'step', 'denied', 'ended', 'removed', 'left over', 'took']),
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
  const access = accessOf(result);
  return [
    '',
    `## ${sign(result)} ${titleOf(result)}`,
    '',
    `${result.shows[0]?.toUpperCase()}${result.shows.slice(1)}.`,
    '',
    `- Denied: ${result.denied.map(code).join(', ') || 'nothing'}`,
    `- Ended: ${result.ended}${result.tries > 1 ? ` (try ${result.tries}: IAM had not applied the denial before)` : ''}`,
    ...result.said.map((said) => `- The service said: ${oneLine(said)}`),
    ...(access ? [`- Dataloop's access ${access}`] : []),
    ...(runs ? [`- The undo ran ${runs}`] : []),
    `- Removed: ${result.removed.join(', ') || nothingCreated}`,
    ...(result.released ?? []).map(
      (kept) => `- Kept: ${kept.type} ${code(nameOf(kept))}. ${oneLine(kept.reason)}`,
    ),
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
  `- Left over: ${left.type} ${code(nameOf(left))}. ${oneLine(left.reason)} **${oneLine(left.advice)}**`;
