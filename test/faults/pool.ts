/** Runs cases side by side and tells how each ended. */
import type { TestBed } from './bed.ts';
import type { Case } from './cases.ts';
import { prepareForeign } from './foreign.ts';
import { isForeign, takeForeign } from './oracle.ts';
import { queueViolations } from './queues.ts';
import { newScope } from './record.ts';
import { type CaseResult, runCase } from './run-case.ts';
import { changes, type Snapshot, takeSnapshot } from './snapshot.ts';

/** Cases mostly wait; more of them at once than two cores can serve would only make time-outs of slowness. */
export const defaultWidth = 7;

export interface PoolResult {
  readonly results: readonly CaseResult[];
  /** What is wrong with the whole: left over, changed, forgotten in a queue, or a failure of the proxy. */
  readonly violations: readonly string[];
}

/** How often a case is run at most whose fault strikes nothing: a step that was tried again may not need the call. */
const maximumTries = 5;

/** Runs a case until its fault has struck; of several in one run that did not all strike, each by itself. */
async function untilStruck(bed: TestBed, wanted: Case, foreign: Snapshot): Promise<CaseResult[]> {
  let result = await runCase(bed, wanted, newScope(), foreign);
  const { members = [] } = wanted;
  if (result.missed && members.length > 1) {
    const each: CaseResult[] = [];
    for (const member of members) each.push(...(await untilStruck(bed, member, foreign)));
    return each;
  }
  for (let tries = 1; result.missed && tries < maximumTries; tries += 1) {
    result = await runCase(bed, wanted, newScope(), foreign);
  }
  return [result];
}

/**
 * @param cases each is taken once, so two beds that are given one iterator share them
 * @param onResult told of each case as it ends
 */
export async function runCases(
  bed: TestBed,
  cases: IterableIterator<Case>,
  onResult: (result: CaseResult) => void,
  width = defaultWidth,
): Promise<PoolResult> {
  await prepareForeign(bed);
  const foreign = await takeForeign(bed);
  const everything = () => takeSnapshot(bed.environment, (name) => !isForeign(name));
  const before = await everything();
  const results: CaseResult[] = [];
  const work = async () => {
    for (const next of cases) {
      for (const result of await untilStruck(bed, next, foreign)) {
        results.push(result);
        onResult(result);
      }
    }
  };
  await Promise.all(Array.from({ length: width }, work));
  const refused = results.flatMap(({ case: { column }, integrationId }) =>
    column === 'refused' && integrationId !== undefined ? [integrationId] : [],
  );
  const failures = await bed.proxy.failures();
  return {
    results,
    violations: [
      ...changes(before, await everything()).map((change) => `Left at the end: ${change}`),
      ...(await queueViolations(bed, refused)),
      ...failures.map(({ message, operation }) => `The proxy failed (${operation ?? 'no call'}): ${message}`),
    ],
  };
}
