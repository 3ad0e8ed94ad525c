/** The picture of a machine: coloured by what the record says, and walked through with the keyboard. */
import type { Step } from '../../connection/answers.ts';
import type { PageSettings } from '../document.ts';
import { statesOf } from '../states.ts';

const signs: Readonly<Record<string, string>> = {
  succeeded: '✓ ',
  failed: '✗ ',
  running: '▶ ',
  waiting: '… ',
  retrying: '↻ ',
};

type Machine = PageSettings['machines'][number];

/** A copy of the picture of a machine. */
export function pictureOf(key: string): SVGSVGElement | undefined {
  const template = document.querySelector<HTMLTemplateElement>(`#machine-${key}`);
  const svg = template?.content.querySelector('svg')?.cloneNode(true);
  if (!(svg instanceof SVGSVGElement)) return undefined;
  // In a narrow window it is scrolled rather than made unreadable, and a small one is not made larger.
  svg.style.minWidth = `min(30rem, ${svg.getAttribute('width')}px)`;
  return svg;
}

export class Graph {
  readonly #machine: Machine;
  readonly #svg: SVGSVGElement;
  readonly #nodes = new Map<string, SVGGElement>();

  /** @param onChoose called with the name of the state that somebody chose */
  constructor(machine: Machine, onChoose: (name: string) => void) {
    this.#machine = machine;
    const svg = pictureOf(machine.key);
    if (!svg) throw new Error(`There is no picture of ${machine.key}.`);
    this.#svg = svg;
    svg.setAttribute('role', 'group');
    const known = new Set(machine.flow.nodes.map(({ name }) => name));
    // In the order of the definition, whatever the picture draws first.
    const drawn = [...svg.querySelectorAll<SVGGElement>('g.node')];
    const nodes = machine.flow.nodes.flatMap(({ name }) =>
      drawn.filter((each) => each.getAttribute('data-name') === name),
    );
    for (const node of nodes) {
      const name = node.getAttribute('data-name') ?? '';
      if (!known.has(name)) continue;
      this.#nodes.set(name, node);
      node.setAttribute('role', 'button');
      node.setAttribute('tabindex', this.#nodes.size === 1 ? '0' : '-1');
      node.addEventListener('click', () => {
        this.#focus(node);
        onChoose(name);
      });
    }
    svg.addEventListener('keydown', (event) => this.#onKey(event, onChoose));
  }

  get element(): SVGSVGElement {
    return this.#svg;
  }

  /** One stop of the Tab key for the whole picture, and arrows within. */
  #onKey(event: KeyboardEvent, onChoose: (name: string) => void): void {
    const nodes = [...this.#nodes.values()];
    const at = nodes.findIndex((node) => node.matches(':focus'));
    if (at < 0) return;
    const to = {
      ArrowDown: at + 1,
      ArrowRight: at + 1,
      ArrowUp: at - 1,
      ArrowLeft: at - 1,
      Home: 0,
      End: nodes.length - 1,
      Enter: at,
      ' ': at,
    }[event.key];
    const node = to === undefined ? undefined : nodes[Math.min(Math.max(to, 0), nodes.length - 1)];
    if (!node) return;
    event.preventDefault();
    if (to === at) onChoose(node.getAttribute('data-name') ?? '');
    else this.#focus(node);
  }

  #focus(node: SVGGElement): void {
    for (const each of this.#nodes.values()) each.setAttribute('tabindex', each === node ? '0' : '-1');
    node.focus();
  }

  /** @param entered states that only the history of the execution knows of */
  show(steps: readonly Step[], entered: ReadonlySet<string>, chosen: string | undefined): void {
    const { flow } = this.#machine;
    const states = statesOf(flow, steps);
    for (const { name, type } of flow.nodes) {
      const node = this.#nodes.get(name);
      if (!node) continue;
      const step = steps.find((each) => each.name === name && type === 'Task');
      const known = states.get(name) ?? 'idle';
      const isEntered = known === 'idle' && type !== 'Task' && entered.has(name);
      const state = isEntered ? (type === 'Parallel' ? 'running' : 'passed') : known;
      const attempts = step && step.attempts > 1 ? ` ×${step.attempts}` : '';
      const label = node.querySelector('text');
      if (label) label.textContent = `${signs[state] ?? ''}${name}${attempts}`;
      node.setAttribute('data-state', state);
      node.setAttribute('aria-pressed', String(name === chosen));
      const said = step
        ? `${step.status}, ${step.attempts === 1 ? '1 attempt' : `${step.attempts} attempts`}`
        : state;
      node.setAttribute('aria-label', `${name}: ${said === 'idle' ? 'not run' : said}`);
    }
  }
}
