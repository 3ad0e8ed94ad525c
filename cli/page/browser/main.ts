/** The page: which integration is shown, and what is asked for when. */
import type { Connection } from '../../connection/answers.ts';
import type { ListEntry, Past, Unknown } from '../answers.ts';
import type { Node as FlowNode } from '../flow.ts';
import { hasBegun } from '../states.ts';
import { button, element, fill, tick, time } from './dom.ts';
import { Graph, pictureOf } from './graph.ts';
import * as parts from './parts.ts';
import { readConnection, readHistory, readList, readPolicies, readTest, settings } from './source.ts';

const { pauses = { running: 1_500, resting: 5_000 } } = settings;

const at = (selector: string): Element => {
  const found = document.querySelector(selector);
  if (!found) throw new Error(`The page has no ${selector}.`);
  return found;
};
const [live, list, main] = [at('#live'), at('#list'), at('#main')];
const made = (name: 'section' | 'div' | 'aside', id: string) => element(name, { id });
const section = {
  summary: made('section', 'summary'),
  tabs: element('div', { id: 'tabs', role: 'group', 'aria-label': 'Workflow' }),
  graph: element('div', { id: 'graph', class: 'scroll' }),
  details: element('aside', { id: 'details', 'aria-label': 'State', 'aria-live': 'polite' }),
  steps: made('section', 'steps'),
  resources: made('section', 'resources'),
  policies: made('section', 'policies'),
  test: made('section', 'test'),
  request: made('section', 'request'),
};

const isPath = (path: string): boolean =>
  /^integrations\/int_[0-9A-Z]{26}(\/drivers\/drv_[0-9A-Z]{26})?$/.test(path);

let entries: readonly ListEntry[] = [];
let path: string | undefined;
let machine: string | undefined;
let state: string | undefined;
let graph: { readonly key: string; readonly shown: Graph } | undefined;
let connection: Connection | undefined;
let history: Past | Unknown | undefined;
/** States of the record for which history and policies were read. */
let readFor = { past: '', policies: '' };
let listedAt = Number.NEGATIVE_INFINITY;

const isSettled = (status: string): boolean => ['ready', 'failed', 'residue', 'removed'].includes(status);

/** What somebody opened, else the newest. */
function wanted(): string | undefined {
  const hash = decodeURIComponent(location.hash.slice(1));
  return isPath(hash) ? hash : entries[0]?.path;
}

function machinesOf({ driverId, steps, status }: Connection) {
  const forward = driverId ? 'addDriver' : 'provision';
  const isUndone = ['rolling-back', 'removing'].includes(status);
  return settings.machines.filter(
    ({ key, flow }) =>
      key === forward || (key === 'deprovision' && (isUndone || hasBegun(flow.nodes, steps))),
  );
}

function draw(): void {
  fill(list, [entries, path], () => parts.list(entries, path));
  if (!connection) {
    fill(main, ['none', path], () =>
      path
        ? [element('p', { class: 'faint' }, 'It could not be read.')]
        : parts.firstRun(pictureOf('provision')),
    );
    return;
  }
  const shown = connection;
  fill(main, 'some', () => [
    section.summary,
    element(
      'section',
      { id: 'workflow' },
      section.tabs,
      element('div', { class: 'beside' }, section.graph, section.details),
    ),
    section.steps,
    section.resources,
    section.policies,
    section.test,
    section.request,
  ]);
  fill(section.summary, shown, () => parts.summary(shown));
  drawWorkflow(shown);
  fill(section.steps, shown.steps, () => parts.steps(shown));
  fill(section.resources, [shown.resources, shown.drivers], () => parts.resources(shown));
  fill(section.request, shown.request, () => parts.request(shown));
}

function drawWorkflow(shown: Connection): void {
  const machines = machinesOf(shown);
  // People came for what happens now, or for what went wrong.
  const telling = shown.status === 'failed' ? machines[0] : machines.at(-1);
  const chosen = machines.find(({ key }) => key === machine) ?? telling;
  if (!chosen) return;
  fill(section.tabs, [machines.map(({ key }) => key), chosen.key], () =>
    machines.map(({ key, title }) =>
      button(
        `tab ${key}`,
        { 'aria-pressed': String(key === chosen.key) },
        () => choose(key, undefined),
        title,
      ),
    ),
  );
  if (graph?.key !== chosen.key) {
    graph = { key: chosen.key, shown: new Graph(chosen, (name) => choose(chosen.key, name)) };
    section.graph.replaceChildren(graph.shown.element);
  }
  const opened = state ?? notable(chosen.flow.nodes, shown);
  const entered = new Set(history && 'states' in history ? Object.keys(history.states) : []);
  graph.shown.show(shown.steps, entered, opened);
  fill(section.details, [shown.steps, shown.error, history, chosen.key, opened], () =>
    parts.details(chosen.flow, opened, shown, history),
  );
}

/** The state that says most, until somebody chooses one: what failed, or what goes on. */
function notable(nodes: readonly FlowNode[], { steps, error }: Connection): string | undefined {
  const here = steps.filter(({ name }) => nodes.some((node) => node.name === name));
  const [failed] = here.filter(({ status }) => status === 'failed');
  const [open] = here.filter(({ status }) => status !== 'failed' && status !== 'succeeded');
  const ended = nodes.some(({ name }) => name === error?.step) ? error?.step : undefined;
  return failed?.name ?? ended ?? open?.name;
}

function choose(key: string, name: string | undefined): void {
  machine = key;
  state = name;
  draw();
}

/** Reads what only changes with the record, once for each of its states. */
async function readRest(of: string, shown: Connection): Promise<void> {
  const key = {
    past: JSON.stringify([shown.status, shown.steps]),
    policies: JSON.stringify([shown.status, shown.resources]),
  };
  if (key.past !== readFor.past) {
    const past = await readHistory(of);
    if (of !== path) return;
    history = past;
  }
  if (key.policies !== readFor.policies) {
    const [policies, tested] = await Promise.all([readPolicies(of), readTest(of)]);
    if (of !== path) return;
    fill(section.policies, policies, () => parts.policies(policies));
    fill(section.test, tested ?? null, () => parts.test(tested));
  }
  readFor = key;
}

function say(text: string, isBad: boolean): void {
  live.classList.toggle('bad', isBad);
  // Said again, it would be read out again.
  if (live.textContent !== text) live.textContent = text;
}

/** @returns how long to wait before the next look */
async function look(): Promise<number> {
  try {
    // The list is long, and changes seldom.
    if (performance.now() - listedAt >= pauses.resting || !wanted()) {
      entries = await readList();
      listedAt = performance.now();
    }
    const next = wanted();
    if (next !== path) {
      [connection, history, machine, state] = [undefined, undefined, undefined, undefined];
      readFor = { past: '', policies: '' };
      path = next;
    }
    if (next) {
      const read = await readConnection(next);
      if (next !== path) return 0;
      connection = read;
      draw();
      await readRest(next, read);
    }
    draw();
    if (settings.report)
      live.replaceChildren(
        'As of ',
        time(settings.report.madeAt),
        `. Made by dataloop-connect ${settings.report.version}.`,
      );
    else say('Live', false);
  } catch (error) {
    draw();
    say(error instanceof Error ? error.message : String(error), true);
  }
  return connection && !isSettled(connection.status) ? pauses.running : pauses.resting;
}

let timer: ReturnType<typeof setTimeout> | undefined;
let looking = Promise.resolve(0);

/** One look at a time; what is seen by nobody is not looked at. */
function goOn(): void {
  clearTimeout(timer);
  looking = looking.then(look);
  void looking.then((pause) => {
    clearTimeout(timer);
    if (!settings.report && document.visibilityState === 'visible') timer = setTimeout(goOn, pause);
  });
}

addEventListener('hashchange', goOn);
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') goOn();
});
if (!settings.report) setInterval(tick, 1_000);
goOn();
