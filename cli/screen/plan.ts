/** A plan in words: what a request would make, and all that blocks it. */
import type { Finding, Plan } from '../connection/answers.ts';
import { kindOf, referenceOf } from '../page/words.ts';
import type { Session } from '../session.ts';
import type { Colour } from './screen.ts';
import { paragraph, table } from './table.ts';

const signs: Readonly<Record<string, readonly [string, Colour]>> = {
  error: ['✗', 'red'],
  unknown: ['?', 'yellow'],
  warning: ['!', 'yellow'],
};

export function printFinding(
  { screen }: Session,
  { severity, title, detail, pointer }: Pick<Finding, 'severity' | 'title' | 'detail' | 'pointer'>,
): void {
  const [sign, colour] = signs[severity] ?? ['?', 'yellow'];
  screen.say(`${screen.paint(colour, `${sign} ${title}`)}${pointer ? `  ${pointer}` : ''}`);
  for (const line of paragraph(detail, screen.columns, '    ')) screen.say(line);
}

const actions: Readonly<Record<string, string>> = { create: 'create', change: 'change', leave: 'use' };

export const blockingOf = ({ findings }: Plan) => findings.filter(({ severity }) => severity !== 'warning');

export function printPlan(session: Session, plan: Plan, withPolicies: boolean): void {
  const { screen } = session;
  screen.say(`Plan for ${screen.paint('bold', plan.name)}:`);
  const rows = plan.resources.map((resource) => [
    `  ${actions[resource.action] ?? resource.action}`,
    kindOf(resource),
    `${referenceOf(resource)}${resource.region ? ` (${resource.region})` : ''}`,
  ]);
  const head = [{ title: '' }, { title: '' }, { title: '', mayBeCut: true }];
  for (const line of table(head, rows, screen.columns).slice(1)) screen.say(line);
  if (withPolicies) printPolicies(session, plan);
  for (const finding of plan.findings) printFinding(session, finding);
  const waiting = plan.waitingIntegrations?.map(({ id, name }) => `"${name}" (${id})`) ?? [];
  if (waiting.length > 0) {
    const text = `At Dataloop these wait for a role: ${waiting.join(', ')}. To use one, say --dataloop-integration ID.`;
    for (const line of paragraph(text, screen.columns, '  ')) screen.say(line);
  }
  const blocking = blockingOf(plan).length;
  if (blocking === 0) screen.say(screen.paint('green', 'Nothing blocks it.'));
  else
    screen.say(screen.paint('red', blocking === 1 ? 'One blocking issue.' : `${blocking} blocking issues.`));
}

export function printPolicies({ screen }: Session, plan: Plan): void {
  const documents = [
    ['Trust policy of the role', plan.trustPolicy],
    ['Permission policy of the role', plan.permissionPolicy],
    ['Bucket policy', plan.bucketPolicy],
  ] as const;
  for (const [title, document] of documents) {
    if (!document) continue;
    screen.say(`\n${screen.paint('bold', title)}:`);
    screen.say(JSON.stringify(document, undefined, 2));
  }
  if (plan.permissionsBoundaryArn) screen.say(`\nPermissions boundary: ${plan.permissionsBoundaryArn}`);
  screen.say();
}
