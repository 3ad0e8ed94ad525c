/** The picture of a state machine as SVG. Who shows it colours the states by their attribute `data-state`. */
import type { Flow, Node } from './flow.ts';
import { type Html, html } from './html.ts';
import { type Box, drawn, labelOf, laidOut } from './layout.ts';

const rounded = (value: number): number => Math.round(value * 10) / 10;

type Point = { readonly x: number; readonly y: number };
const at = ({ x, y }: Point): string => `${rounded(x)},${rounded(y)}`;
const middle = (one: Point, other: Point): Point => ({ x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 });

/** A curve along the points: straight at both ends, round where it turns. */
function curve(points: readonly Point[]): string {
  const [first, ...rest] = points;
  const last = rest.at(-1);
  if (!first || !last) return '';
  const turns = rest.slice(0, -1).map((point, index, all) => {
    const end = middle(point, all[index + 1] ?? last);
    return `Q${at(point)} ${at(index === all.length - 1 ? last : end)}`;
  });
  return `M${at(first)} ${turns.length > 0 ? turns.join(' ') : `L${at(last)}`}`;
}

const classOf = ({ type }: Pick<Node, 'type'>): string => `node ${type.toLowerCase()}`;

function box(node: Node, { x, y, width, height }: Box, isParent: boolean): Html {
  const corner = node.type === 'Task' || isParent ? 6 : height / 2;
  const text = isParent
    ? html`<text x="${rounded(x + 4)}" y="${rounded(y - 5)}">${node.name}</text>`
    : html`<text x="${rounded(x + width / 2)}" y="${rounded(y + height / 2 + 4.5)}" text-anchor="middle">${labelOf(node)}</text>`;
  return html`<g class="${classOf(node)}${isParent ? ' group' : ''}" data-name="${node.name}"><title>${labelOf(node)}: ${node.comment}</title>
<rect x="${rounded(x)}" y="${rounded(y)}" width="${rounded(width)}" height="${rounded(height)}" rx="${rounded(corner)}"/>${text}</g>
`;
}

/** @param label what the picture shows, for those who cannot see it. @param within SVG put before all else */
export function pictureOf(flow: Flow, label: string, within: Html = html``): Html {
  const shown = drawn(flow);
  const { width, height, boxes, lines } = laidOut(shown);
  const parents = new Set(shown.nodes.flatMap(({ parent }) => parent ?? []));
  const drawBox = (node: Node): Html => {
    const place = boxes.get(node.name);
    return place ? box(node, place, parents.has(node.name)) : html``;
  };
  const size = `0 0 ${Math.ceil(width)} ${Math.ceil(height)}`;
  return html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="${size}" width="${Math.ceil(width)}" height="${Math.ceil(height)}" role="img" aria-label="${label}">
${within}<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0,0 L8,4 L0,8 z"/></marker></defs>
${shown.nodes.filter(({ name }) => parents.has(name)).map(drawBox)}${lines.map(
  ({ edge, points }) =>
    html`<path class="line${edge.isFailure ? ' failure' : ''}" d="${curve(points)}" marker-end="url(#arrow)"/>
`,
)}${shown.nodes.filter(({ name }) => !parents.has(name)).map(drawBox)}</svg>`;
}
