/** The steps of a connection as bars over time: one picture, without a script. */
import type { Step } from '../connection/answers.ts';
import { type Html, html } from '../page/html.ts';
import { duration } from '../screen/time.ts';

const row = 26;
const labels = 170;
const width = 900;
const bars = width - labels - 130;

/** Steps in the order in which they began. */
export const inOrder = (steps: readonly Step[]): Step[] =>
  steps.toSorted((one, other) => one.startedAt.localeCompare(other.startedAt));

/** @param now for steps that have not ended */
export function timeline(steps: readonly Step[], now: number): Html {
  const spans = inOrder(steps).map((step) => {
    const begin = Date.parse(step.startedAt);
    return { step, begin, end: Math.max(begin, step.endedAt ? Date.parse(step.endedAt) : now) };
  });
  const groups = split(spans);
  return html`${groups.map((group) => picture(group))}`;
}

interface Span {
  readonly step: Step;
  readonly begin: number;
  readonly end: number;
}

/** Longer than this, nothing happened: what comes after has a picture of its own, or its bars would have no width. */
const longestRest = 10 * 60_000;

function split(spans: readonly Span[]): Span[][] {
  const groups: Span[][] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (const span of spans) {
    if (groups.length === 0 || span.begin - last > longestRest) groups.push([]);
    groups.at(-1)?.push(span);
    last = Math.max(last, span.end);
  }
  return groups;
}

function picture(spans: readonly Span[]): Html {
  const first = Math.min(...spans.map(({ begin }) => begin));
  const whole = Math.max(1, Math.max(...spans.map(({ end }) => end)) - first);
  const height = spans.length * row + 30;
  const x = (time: number) => labels + ((time - first) / whole) * bars;
  return html`<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Steps over ${duration(whole)}">
<text x="${labels}" y="16" class="faint">${new Date(first).toISOString().replace('T', ' ').slice(0, 19)} UTC, ${duration(whole)}</text>
${spans.map(({ step, begin, end }, index) => {
  const y = index * row + 26;
  const seconds = ((end - begin) / 1000).toFixed(1);
  const attempts = step.attempts === 1 ? '' : `, ${step.attempts} attempts`;
  return html`<g class="${stateOf(step)}"><title>${step.name}: ${step.status}, ${seconds} s${attempts}</title>
<text x="0" y="${y + 14}">${signOf(step)} ${step.name}</text>
<rect x="${x(begin).toFixed(1)}" y="${y + 3}" width="${Math.max(3, x(end) - x(begin)).toFixed(1)}" height="14" rx="3"/>
<text x="${(Math.max(x(begin) + 3, x(end)) + 6).toFixed(1)}" y="${y + 14}" class="faint">${seconds} s${attempts}</text></g>`;
})}</svg>`;
}

/** A class of the style sheet: a status that is not known has none. */
export const stateOf = ({ status }: Pick<Step, 'status'>): string =>
  ['succeeded', 'failed', 'running', 'waiting', 'retrying'].includes(status) ? status : 'unknown';

export const signOf = ({ status }: Pick<Step, 'status'>): string =>
  ({ succeeded: '✓', failed: '✗' })[status] ?? '…';
