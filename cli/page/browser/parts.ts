/** The parts of the page beside the picture. */
import type { Connection, Named, Step, TestResult } from '../../connection/answers.ts';
import type { Policies } from '../../connection/policies.ts';
import type { ListEntry, Past, Unknown } from '../answers.ts';
import type { Flow } from '../flow.ts';
import { kindOf, linkOf, referenceOf } from '../words.ts';
import { type Child, duration, element, fact, json, since, time } from './dom.ts';
import { settings } from './source.ts';

export const heading = (text: string, ...more: readonly Child[]) => element('h3', {}, text, ...more);

export const status = (text: string): HTMLElement =>
  element('span', { class: 'status', 'data-status': text }, text);

export const list = (entries: readonly ListEntry[], chosen: string | undefined): Child[] => {
  const title = element('h2', {}, 'Integrations');
  if (entries.length === 0) return [title, element('p', { class: 'faint' }, 'There are none.')];
  const isCurrent = (path: string) =>
    chosen === path || chosen?.startsWith(`${path}/`) ? 'page' : undefined;
  const items = entries.map(({ path, name, status: state, updatedAt }) =>
    element(
      'li',
      {},
      element(
        'a',
        { href: `#${path}`, 'data-key': path, 'aria-current': isCurrent(path) },
        element('span', { class: 'name' }, name),
        status(state),
        element('span', { class: 'faint' }, time(updatedAt)),
      ),
    ),
  );
  return [title, element('ul', {}, ...items)];
};

/** Before anything is connected: how to begin, and what will happen. @param picture of the workflow */
export const firstRun = (picture: Node | undefined): Child[] => [
  element('h2', {}, 'Nothing is connected yet'),
  element('p', {}, 'Connect a bucket in a terminal. You see here how each step goes:'),
  element('pre', { tabindex: '0' }, 'dataloop-connect connect NAME --bucket BUCKET --project PROJECT_ID'),
  picture && element('div', { class: 'scroll' }, picture),
];

export function summary(connection: Connection): Child[] {
  const { name, integrationId, driverId, bucket, requestedBy, createdAt, updatedAt, request, links } =
    connection;
  // The local environment has no console.
  const isLocal = new URL(settings.apiUrl).hostname === '127.0.0.1';
  const link = isLocal ? undefined : linkOf(links.console);
  return [
    element('h2', {}, name, ' ', status(connection.status)),
    driverId
      ? element(
          'p',
          {},
          'A bucket that was added to ',
          element('a', { href: `#integrations/${integrationId}` }, integrationId),
          '.',
        )
      : undefined,
    element(
      'dl',
      {},
      fact('Id', driverId ?? integrationId),
      fact('Bucket', bucket),
      fact('Description', request?.description),
      fact('Requested by', requestedBy),
      fact('Requested', time(createdAt)),
      fact('Last change', time(updatedAt)),
      fact(
        'Console',
        link &&
          element(
            'a',
            { href: link, target: '_blank', rel: 'noreferrer noopener' },
            'Execution in the AWS console',
          ),
      ),
    ),
    problem(connection),
    leftovers(connection),
    awaited(connection),
  ];
}

function problem({ error, status: state }: Connection): Child {
  if (!error) return undefined;
  const after = state === 'failed' ? element('p', {}, 'Everything was undone: nothing is left.') : undefined;
  const where = error.step ? ` at ${error.step}` : '';
  return element(
    'section',
    { class: 'box bad' },
    heading(`${error.title}${where}`),
    element('p', {}, error.detail),
    after,
  );
}

function leftovers({ residue, leftAlone = [], released = [] }: Connection): Child[] {
  const named = (each: Named) => `${kindOf(each)} ${referenceOf(each)}`;
  return [
    residue.length === 0
      ? undefined
      : element(
          'section',
          { class: 'box bad' },
          heading('Leftovers'),
          ...residue.map((each) =>
            element(
              'div',
              {},
              element('h4', {}, named(each)),
              element('dl', {}, fact('Why', each.reason), fact('What to do', each.advice)),
            ),
          ),
        ),
    notes(
      'Left alone',
      leftAlone.map((each) => `${named(each)}: ${each.reason}`),
    ),
    notes(
      'Kept',
      released.map((each) => `${named(each)}: ${each.reason}`),
    ),
  ];
}

const notes = (title: string, lines: readonly string[]): Child =>
  lines.length === 0
    ? undefined
    : element('section', { class: 'box' }, heading(title), ...lines.map((line) => element('p', {}, line)));

function awaited({ action }: Connection): Child {
  if (!action) return undefined;
  return element(
    'section',
    { class: 'box busy' },
    heading('Waits for you'),
    element('p', {}, `${action.what}`),
    element('ol', {}, ...action.steps.map((each) => element('li', {}, each))),
    json({
      roleArn: action.roleArn,
      trustPolicy: action.trustPolicy,
      permissionPolicy: action.permissionPolicy,
    }),
  );
}

const hasEnded = ({ endedAt, status: state }: Step): boolean =>
  endedAt !== undefined && (state === 'succeeded' || state === 'failed');

export const lasted = (step: Step): Child =>
  hasEnded(step)
    ? duration(Date.parse(step.endedAt ?? '') - Date.parse(step.startedAt))
    : since(step.startedAt);

/** What is said of a state that somebody chose. */
export function details(
  { nodes, edges }: Flow,
  chosen: string | undefined,
  { steps, error }: Connection,
  history: Past | Unknown | undefined,
): Child[] {
  const node = nodes.find(({ name }) => name === chosen);
  if (!node)
    return [
      element('p', { class: 'faint' }, 'Choose a state: you see its attempts, times, input and error.'),
    ];
  const step = node.type === 'Task' ? steps.find(({ name }) => name === node.name) : undefined;
  const leads = (isFailure: boolean) => {
    const to = edges
      .filter((edge) => edge.from === node.name && edge.isFailure === isFailure)
      .map((edge) => edge.to);
    return to.length > 0 ? to.join(', ') : undefined;
  };
  const seen = history && 'states' in history ? history.states[node.name] : undefined;
  return [
    element('h3', {}, node.name, ' ', step ? status(step.status) : undefined),
    element('p', {}, node.comment),
    element(
      'dl',
      {},
      fact('Type', node.type),
      fact('Attempts', step && String(step.attempts)),
      fact('Began', step && time(step.startedAt)),
      fact('Ended', step?.endedAt && hasEnded(step) ? time(step.endedAt) : undefined),
      fact(step && !hasEnded(step) ? 'So far' : 'Took', step && lasted(step)),
      fact('Reason', step?.reason),
      fact('Next try by', step?.nextAttemptBy && time(step.nextAttemptBy)),
      fact('Error', error?.step === node.name ? `${error.title}: ${error.detail}` : undefined),
      fact('Leads to', leads(false)),
      fact('After a failure', leads(true)),
    ),
    ...(seen?.failures ?? []).map((each) =>
      element(
        'section',
        { class: 'box bad' },
        element('h4', {}, each.error, ' ', time(each.at)),
        element('p', {}, each.cause),
      ),
    ),
    seen ? [element('h4', {}, 'Input'), json(parsed(seen.input))] : undefined,
    seen?.output ? [element('h4', {}, 'Output'), json(parsed(seen.output))] : undefined,
    history && 'unknown' in history ? element('p', { class: 'faint' }, history.unknown) : undefined,
  ];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The steps as bars over time. */
export function steps({ steps: all }: Connection): Child[] {
  if (all.length === 0) return [];
  const sorted = all.toSorted((one, other) => one.startedAt.localeCompare(other.startedAt));
  const head = ['Step', 'State', 'Attempts', 'Began', 'Took'].map((each) =>
    element('th', { scope: 'col' }, each),
  );
  const rows = sorted.map((step) =>
    element(
      'tr',
      {},
      element('th', { scope: 'row' }, step.name),
      element('td', {}, status(step.status)),
      element('td', {}, String(step.attempts)),
      element('td', {}, time(step.startedAt)),
      element('td', {}, lasted(step)),
    ),
  );
  return [
    heading('Steps'),
    element(
      'div',
      { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Steps' },
      element('table', {}, element('thead', {}, element('tr', {}, ...head)), element('tbody', {}, ...rows)),
    ),
  ];
}

export function policies(found: Policies | Unknown | undefined): Child[] {
  if (!found) return [];
  if ('unknown' in found) return [heading('Policies'), element('p', { class: 'faint' }, found.unknown)];
  return [
    heading('Who may assume the role'),
    json(found.trust),
    ...Object.entries(found.permissions).map(([arn, document]) => [
      heading('What the role may do'),
      element('p', { class: 'faint' }, arn),
      json(document),
    ]),
    element('p', { class: 'faint' }, `Permissions boundary: ${found.permissionsBoundaryArn ?? 'none'}`),
  ];
}

export function resources({ resources: all, drivers = [] }: Connection): Child[] {
  const rows = all.map((each) =>
    element(
      'tr',
      {},
      element('th', { scope: 'row' }, kindOf(each)),
      element('td', {}, referenceOf(each)),
      element('td', { class: 'faint' }, each.origin),
    ),
  );
  const added = drivers.map((each) =>
    element(
      'tr',
      {},
      element(
        'th',
        { scope: 'row' },
        element('a', { href: `#${each.links.self.slice(1)}`, 'data-key': each.driverId }, each.name),
      ),
      element('td', {}, `s3://${each.bucket}`),
      element('td', { class: 'faint' }, each.driverId),
    ),
  );
  return [
    rows.length > 0 ? [heading('Resources'), element('table', {}, ...rows)] : undefined,
    added.length > 0 ? [heading('Added buckets'), element('table', {}, ...added)] : undefined,
  ];
}

export function request({ request: asked }: Connection): Child[] {
  return asked
    ? [element('details', { 'data-key': 'request' }, element('summary', {}, 'Request'), json(asked))]
    : [];
}

const isTest = (result: TestResult | Unknown): result is TestResult => 'checks' in result;

export function test(result: TestResult | Unknown | undefined): Child[] {
  if (!result) return [];
  if (!isTest(result)) return [heading('Test'), element('p', { class: 'faint' }, result.unknown)];
  const rows = result.checks.map((each) =>
    element(
      'tr',
      {},
      element('th', { scope: 'row' }, each.name),
      element('td', {}, status(each.status)),
      element('td', {}, each.detail),
    ),
  );
  return [heading('Test ', status(result.status)), element('table', {}, ...rows)];
}
