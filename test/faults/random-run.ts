/** Lets fast-check draw schedules, several lanes of them side by side, and shrink what fails. */
import fc from 'fast-check';
import type { TestBed } from './bed.ts';
import { prepareForeign } from './foreign.ts';
import type { GraphCall } from './graph.ts';
import { takeForeign } from './oracle.ts';
import { runSchedule, schedules } from './random.ts';
import type { CaseResult } from './run-case.ts';

export interface RandomOptions {
  readonly seed: number;
  readonly runs: number;
  /** Where in the seed's schedules to begin, as fast-check names it: one schedule, shrunk or not. */
  readonly path?: string | undefined;
  /** Lanes side by side. */
  readonly width: number;
}

/** Longest time that one lane spends on making a failing schedule smaller, in ms. */
const shrinkMs = 300_000;

export async function runRandom(
  bed: TestBed,
  graph: readonly GraphCall[],
  options: RandomOptions,
  onResult: (result: CaseResult) => void,
): Promise<CaseResult[]> {
  await prepareForeign(bed);
  const foreign = await takeForeign(bed);
  const results: CaseResult[] = [];
  const lane = async (seed: number, runs: number, path: string | undefined) => {
    let count = 0;
    const tell = (violations: readonly string[], seconds: number, repeat = `${count}`) => {
      const result: CaseResult = {
        case: {
          id: `random/${seed}/${repeat}`,
          part: 'random',
          row: `seed ${seed}, schedule ${repeat}`,
          column: 'end',
        },
        ending: violations.length === 0 ? 'clean' : undefined,
        violations,
        hits: 0,
        missed: false,
        integrationId: undefined,
        seconds,
      };
      results.push(result);
      onResult(result);
    };
    let failing = false;
    let deadline = Number.POSITIVE_INFINITY;
    const property = fc.asyncProperty(schedules, async (schedule) => {
      // No more shrinking after a while: what was found is small enough.
      if (Date.now() > deadline) return;
      const started = Date.now();
      count += 1;
      try {
        await runSchedule(bed, graph, foreign, schedule);
        if (!failing) tell([], (Date.now() - started) / 1000);
      } catch (error) {
        if (!failing) deadline = Date.now() + shrinkMs;
        failing = true;
        throw error;
      }
    });
    const details = await fc.check(property, {
      seed,
      numRuns: runs,
      ...(path === undefined ? {} : { path }),
    });
    if (!details.failed) return;
    const why = details.errorInstance instanceof Error ? details.errorInstance.message : 'It failed.';
    const again = `npm run faults -- --part random --seed ${seed} --path ${details.counterexamplePath ?? '0'}`;
    tell(
      [why, `schedule: ${JSON.stringify(details.counterexample?.[0])}`, `again: ${again}`],
      0,
      details.counterexamplePath ?? 'unknown',
    );
  };
  if (options.path !== undefined) await lane(options.seed, 1, options.path);
  else {
    const share = Math.ceil(options.runs / options.width);
    await Promise.all(
      Array.from({ length: Math.min(options.width, options.runs) }, (_, number) =>
        lane(options.seed + number, share, undefined),
      ),
    );
  }
  return results;
}
