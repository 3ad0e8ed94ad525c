/** What a removal would take away and what is in its way, in words. */
import type { RemovalPlan } from '../connection/answers.ts';
import { kindOf, referenceOf } from '../page/words.ts';
import type { Session } from '../session.ts';
import { printFinding } from './plan.ts';
import { table } from './table.ts';

const actions: Readonly<Record<string, string>> = { leave: 'keep' };
const isBucket = ({ type }: { readonly type: string }): boolean => type === 'AWS::S3::Bucket';

/** @param keepBucket whether the removal leaves the buckets to their owner */
export function printRemovalPlan(session: Session, plan: RemovalPlan, keepBucket: boolean): void {
  const { screen } = session;
  screen.say(`Disconnecting ${screen.paint('bold', plan.name)} would:`);
  const rows = plan.resources.map((resource) => [
    `  ${keepBucket && isBucket(resource) ? 'keep' : (actions[resource.action] ?? resource.action)}`,
    kindOf(resource),
    referenceOf(resource),
  ]);
  const head = [{ title: '' }, { title: '' }, { title: '', mayBeCut: true }];
  for (const line of table(head, rows, screen.columns).slice(1)) screen.say(line);
  for (const { name, id } of plan.datasets) screen.say(`  Dataset in use  ${name} (${id})`);
  for (const { name, id } of plan.foreignDrivers) screen.say(`  Driver of others  ${name} (${id})`);
  for (const finding of plan.findings) {
    // A bucket that is kept may hold whatever it does.
    if (!(keepBucket && isBucket(finding.resource))) printFinding(session, finding);
  }
}
