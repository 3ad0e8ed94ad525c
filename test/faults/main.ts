/**
 * `npm run faults`: the whole matrix, and random schedules, on one deployment to the local AWS.
 *
 *   npm run faults -- --part undo              one part of it
 *   npm run faults -- --case 'ID'              one case, as a run that failed names it
 *   npm run faults -- --part random --seed 7   other schedules; with --path one of them, as a run that failed names it
 *   npm run faults -- --part thorough          10,000 random schedules in memory, every input of each property, and
 *                                              crowds, and chains of stolen sessions: all of what `npm test`
 *                                              tries a share of
 *   npm run faults -- --part findings          each finding of docs/security.md: its old behaviour is put back, and
 *                                              its test must fail
 *   npm run faults -- --list                   what there is
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { saveFunctionLogs } from '../../local/environment/logs.ts';
import { projectRoot } from '../../local/environment/paths.ts';
import { runProgram } from '../../local/environment/processes.ts';
import { inRunFolder } from '../../local/environment/run-folder.ts';
import { type Count, describeBed, pythonTools, runJest } from '../jest.ts';
import { prepareBed, startTestBed, type TestBed } from './bed.ts';
import { matrix, parts, sample, together } from './cases.ts';
import { tryOldBehaviours } from './old-behaviour.ts';
import { defaultWidth, runCases } from './pool.ts';
import { runRandom } from './random-run.ts';
import { recordGraph } from './record.ts';
import { countsOf, line, reportOf } from './report.ts';
import type { CaseResult } from './run-case.ts';

const say = (text: string) => process.stdout.write(`${text}\n`);

const everyPart: readonly string[] = [...parts, 'thorough', 'findings'];

function wholeNumber(option: string, value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1)
    throw new Error(`--${option} is a number from 1 on, not "${value}".`);
  return number;
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      part: { type: 'string', multiple: true, default: [...everyPart] },
      case: { type: 'string', multiple: true, default: [] },
      sample: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      width: { type: 'string', default: String(defaultWidth) },
      schedules: { type: 'string', default: '100' },
      seed: { type: 'string', default: '20261124' },
      path: { type: 'string' },
    },
  });
  const unknown = values.part.find((part) => !everyPart.includes(part));
  if (unknown) throw new Error(`There is no part "${unknown}". There are: ${everyPart.join(', ')}.`);
  return {
    ...values,
    width: wholeNumber('width', values.width),
    schedules: wholeNumber('schedules', values.schedules),
    seed: wholeNumber('seed', values.seed),
  };
}

/** What `npm test` tries a share of. */
async function tryAll(bed: TestBed, folder: string): Promise<Count> {
  say('Trying every input of each property, 10,000 random schedules, crowds, and chains of stolen sessions');
  const thorough = { THOROUGH: '1' };
  const python = await pythonTools();
  const unit = await runJest(folder, ['unit'], [], { ...process.env, ...thorough });
  const env = await describeBed(bed, folder, python);
  const deployed = ['--testPathPatterns', 'collisions|side-by-side/drivers|security/chains', '--runInBand'];
  const live = await runJest(folder, ['side-by-side'], deployed, { ...env, ...thorough });
  return { passed: unit.passed + live.passed, failed: unit.failed + live.failed };
}

await runProgram(() =>
  inRunFolder('faults', async (folder) => {
    const options = readOptions();
    const started = Date.now();
    const isMeant = (part: string) =>
      options.case.length === 0 && !options.sample && !options.list && options.part.includes(part);
    const held = isMeant('findings') ? await tryOldBehaviours(folder, say) : { passed: 0, failed: 0 };
    if (options.part.every((part) => part === 'findings') && isMeant('findings')) {
      say(`${held.passed} passed, ${held.failed} failed`);
      return held.failed === 0 ? 0 : 1;
    }
    const bed = await startTestBed(folder, say);
    await prepareBed(bed);
    say('Recording the call graph');
    const graph = await recordGraph(bed);
    const all = matrix(graph);
    const runs = together(sample(all));
    const known = new Map([...runs, ...all].map((each) => [each.id, each]));
    const wanted =
      options.case.length > 0
        ? options.case.flatMap((id) => known.get(id) ?? [])
        : (options.sample ? runs : all).filter(({ part }) => options.part.includes(part));
    const schedules = options.case.length === 0 && options.part.includes('random') ? options.schedules : 0;
    if (options.list) {
      for (const { id } of wanted) say(id);
      return 0;
    }
    const isThorough = isMeant('thorough');
    const whole = isThorough ? await tryAll(bed, folder) : { passed: 0, failed: 0 };
    const tried = { passed: whole.passed + held.passed, failed: whole.failed + held.failed };
    if (isThorough && wanted.length + schedules === 0) {
      say(`${tried.passed} passed, ${tried.failed} failed`);
      return tried.failed === 0 ? 0 : 1;
    }
    if (wanted.length + schedules === 0) throw new Error('No case is meant. --list shows them all.');
    say(`${wanted.length} cases and ${schedules} random schedules, ${options.width} at a time`);
    const tell = (result: CaseResult) => say(line(result));
    const { seed, path, width } = options;
    const random =
      schedules === 0 ? [] : await runRandom(bed, graph, { seed, path, width, runs: schedules }, tell);
    const { results, violations } = await runCases(bed, wanted.values(), tell, width);
    const outcome = { results: [...results, ...random], violations };

    const report = join(projectRoot, 'reports', 'faults.md');
    await mkdir(join(projectRoot, 'reports'), { recursive: true });
    const command = [
      'npm run faults',
      ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : []),
    ].join(' ');
    await writeFile(report, reportOf(outcome, { seconds: (Date.now() - started) / 1000, command }));
    for (const violation of violations) say(`✗ ${violation}`);
    const counts = countsOf(outcome.results);
    say(
      `${counts.ready} ready, ${counts.clean} clean, ${counts.residue} residue; ${counts.violations} violations. ` +
        `Report: ${report}`,
    );
    const failed = counts.violations + violations.length + tried.failed;
    if (failed > 0) await saveFunctionLogs(bed.environment).catch(() => undefined);
    say(`${counts.cases - counts.violations + tried.passed} passed, ${failed} failed`);
    if (failed > 0) throw new Error('The promise was broken: see above.');
    return 0;
  }),
);
