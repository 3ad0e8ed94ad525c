/** The report of a run: a table call × fault, and how many ended how. */
import { faultNames, type Part, parts } from './cases.ts';
import type { PoolResult } from './pool.ts';
import type { CaseResult } from './run-case.ts';

export const commandFor = (id: string): string => `npm run faults -- --case '${id}'`;

/** One line for a terminal. */
export function line({ case: { id }, ending, violations, seconds }: CaseResult): string {
  const mark = violations.length === 0 ? '✓' : '✗';
  const rest = violations.length === 0 ? '' : `\n${violations.map((each) => `    ${each}`).join('\n')}`;
  const again = violations.length === 0 ? '' : `\n    again: ${commandFor(id)}`;
  return `${mark} ${id} (${ending ?? 'no end'}, ${seconds.toFixed(1)} s)${rest}${again}`;
}

const count = (results: readonly CaseResult[], wanted: (result: CaseResult) => boolean): number =>
  results.filter(wanted).length;

export interface Counts {
  readonly cases: number;
  readonly ready: number;
  readonly clean: number;
  readonly residue: number;
  readonly violations: number;
}

export function countsOf(results: readonly CaseResult[]): Counts {
  return {
    cases: results.length,
    ready: count(results, ({ ending }) => ending === 'ready'),
    clean: count(results, ({ ending }) => ending === 'clean'),
    residue: count(results, ({ ending }) => ending === 'residue'),
    violations: count(results, ({ violations }) => violations.length > 0),
  };
}

const titles: Readonly<Record<Part, string>> = {
  provision: 'Provisioning × fault',
  remove: 'Removal × fault',
  undo: 'A failed provisioning, whose undo meets a fault',
  journal: 'DynamoDB unavailable from each of its calls on',
  random: 'Random schedules',
  late: 'A call that takes effect late, the execution being stopped',
  views: 'Calls on what AWS does not show yet',
  adopted: 'What was there is adopted or given back × fault',
  kept: 'A removal whose bucket stays × fault, where it makes other calls',
  drivers: 'A driver that is added or taken away × fault, where its steps are not those of an integration',
};

function table(results: readonly CaseResult[], columns: readonly string[]): string[] {
  const rows = Map.groupBy(results, (result) => result.case.row);
  const cell = (found: CaseResult | undefined) => {
    if (!found) return '';
    return found.violations.length > 0 ? '**violation**' : (found.ending ?? '');
  };
  return [
    `| call | ${columns.join(' | ')} |`,
    `| --- |${columns.map(() => ' --- |').join('')}`,
    ...[...rows].map(
      ([name, each]) =>
        `| \`${name}\` | ${columns.map((column) => cell(each.find((found) => found.case.column === column))).join(' | ')} |`,
    ),
  ];
}

const summary = (what: string, { cases, ready, clean, residue, violations }: Counts): string =>
  `| ${what} | ${cases} | ${ready} | ${clean} | ${residue} | ${violations} |`;

export function reportOf(
  { results, violations }: PoolResult,
  made: { seconds: number; command: string },
): string {
  const known = new Set<string>(faultNames);
  const of = (part: Part) => results.filter((result) => result.case.part === part);
  const present = parts.filter((part) => of(part).length > 0);
  return [
    '# Fault report',
    '',
    `Made by \`${made.command}\` in ${Math.round(made.seconds / 60)} minutes.`,
    '',
    '| part | cases | ready | clean | residue | violations |',
    '| --- | --- | --- | --- | --- | --- |',
    ...present.map((part) => summary(titles[part], countsOf(of(part)))),
    summary('all', countsOf(results)),
    '',
    violations.length === 0
      ? 'At the end nothing was left, nothing foreign had changed, and no queue held a message.'
      : `At the end:\n\n${violations.map((each) => `- ${each}`).join('\n')}`,
    // Of a random schedule there is no more to say than that it ended well.
    ...present
      .filter((part) => part !== 'random')
      .flatMap((part) => {
        const columns = [...new Set(of(part).map((result) => result.case.column))];
        const ordered = [
          ...faultNames.filter((name) => columns.includes(name)),
          ...columns.filter((name) => !known.has(name)),
        ];
        return ['', `## ${titles[part]}`, '', ...table(of(part), ordered)];
      }),
    '',
  ].join('\n');
}
