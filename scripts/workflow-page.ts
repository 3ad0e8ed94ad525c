/** docs/workflow.md: the state machines as they are defined, each with its picture and a table of its states. */
import type { Flow } from '../cli/page/flow.ts';
import { html } from '../cli/page/html.ts';
import { machines } from '../cli/page/machines.ts';
import { pictureOf } from '../cli/page/picture.ts';

const files: Readonly<Record<(typeof machines)[number]['key'], string>> = {
  provision: 'workflow-provision.svg',
  addDriver: 'workflow-add-driver.svg',
  deprovision: 'workflow-deprovision.svg',
};

/** In a picture of its own, so without the style sheet of a page. */
const style = html`<style>
svg { font: 13px system-ui, sans-serif; color-scheme: light dark; --ink: #1f2328; --line: #7d8590; --box: #f6f8fa; }
@media (prefers-color-scheme: dark) { svg { --ink: #e6edf3; --line: #7d8590; --box: #151b23; } }
text { fill: var(--ink); } .node:not(.task) text { font-size: 11.5px; }
rect { fill: var(--box); stroke: var(--line); } .group > rect { fill: none; stroke-dasharray: 5; }
.line { fill: none; stroke: var(--line); } .failure { stroke-dasharray: 4; } marker path { fill: var(--line); }
.succeed > rect { stroke: #2da44e; } .fail > rect, .error > rect { stroke: #cf222e; }
</style>
`;

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

function table({ nodes, edges }: Flow): string {
  const rows = nodes.map(({ name, type, comment }) => {
    const after = edges.filter(({ from, isFailure }) => from === name && isFailure).map(({ to }) => to);
    return `| ${name} | ${type} | ${cell(comment)} | ${after.join(', ')} |\n`;
  });
  return `| State | Type | What it does | After a permanent failure |\n|---|---|---|---|\n${rows.join('')}`;
}

/** @returns the text of each file by its name in docs/ */
export function workflowPage(): Readonly<Record<string, string>> {
  const sections = machines.map(
    ({ key, title, comment, flow }) =>
      `## ${title}\n\n${wrapped(comment)}\n\n![The states of the workflow: ${title}](${files[key]})\n\n${table(flow)}`,
  );
  const pictures = machines.map(
    ({ key, title, flow }) => [files[key], pictureOf(flow, title, style).html] as const,
  );
  return { 'workflow.md': `${intro}\n${sections.join('\n')}`, ...Object.fromEntries(pictures) };
}

const intro = `# The workflows

Look up here what a state does, and where it leads. \`npm run saga\` draws this page from the definitions in
\`statemachines/\`, by the code that draws the [page of the command line](command-line.md#look-at-it).

Dashed lines are for failures. A step is retried first; a failure that lasts is permanent. Where many states lead to
the same end by a failure, the picture shows one box, "any error".
`;

/** Lines of docs have at most 120 characters. */
function wrapped(text: string): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && line.length + word.length + 1 > 120) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join('\n');
}
