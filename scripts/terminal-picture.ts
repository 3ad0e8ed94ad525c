/**
 * `npm run picture -- RECORDING TEXT COMMAND`: writes docs/connect.svg, the terminal as it was when its last line held TEXT
 * for the last time, below the COMMAND that was typed. A recording is what `script` of util-linux makes of a terminal of
 * 80 columns: `script -q -c 'npx dataloop-connect connect …' RECORDING`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../local/environment/paths.ts';

const columns = 80;
const cell = { width: 8.4, height: 18 } as const;
const margin = 16;

const escapeKey = '\u001b';
const [up, clear, clearToEnd] = [`${escapeKey}[1A`, `${escapeKey}[2K`, `${escapeKey}[0K`];
const anyCode = new RegExp(`${escapeKey}\\[[\\d;?]*[a-zA-Z]`, 'g');
/** What moves the cursor, or removes a line, and the text between. */
const parts = new RegExp(`${escapeKey}\\[1A|${escapeKey}\\[2K|\\n|[^${escapeKey}\\r\\n]+`, 'g');

/** The screen each time before something of it is drawn again or a line begins: what is waited for is drawn again. */
function framesOf(recording: string): string[][] {
  const lines: string[] = [''];
  const frames: string[][] = [];
  let row = 0;
  // Its first line is of `script` itself.
  const text = recording.slice(recording.indexOf('\n') + 1);
  const plain = text
    .replaceAll(clearToEnd, clear)
    .replaceAll(anyCode, (code) => (code === up || code === clear ? code : ''));
  for (const [part] of plain.matchAll(parts)) {
    if (part === '\n' || part === up) frames.push(lines.slice(0, row + (lines[row] === '' ? 0 : 1)));
    if (part === '\n') {
      row += 1;
      lines[row] ??= '';
    } else if (part === up) {
      row -= 1;
    } else if (part === clear) {
      lines[row] = '';
    } else {
      lines[row] = `${lines[row]}${part}`;
    }
  }
  return frames;
}

const wrapped = (line: string): string[] => line.match(new RegExp(`.{1,${columns}}`, 'gu')) ?? [''];

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function picture(title: string, lines: readonly string[]): string {
  const width = Math.ceil(columns * cell.width + 2 * margin);
  const height = lines.length * cell.height + 2 * margin;
  const rows = lines.map(
    (line, row) => `<text x="${margin}" y="${margin + (row + 0.75) * cell.height}">${escaped(line)}</text>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    `<title>${escaped(title)}</title>`,
    '<style>text { font: 14px ui-monospace, Menlo, Consolas, monospace; fill: #e6edf3; white-space: pre; }</style>',
    `<rect width="${width}" height="${height}" rx="8" fill="#161b22"/>`,
    ...rows,
    '</svg>',
    '',
  ].join('\n');
}

const [recording, text, command] = process.argv.slice(2);
if (!recording || !text || !command) throw new Error('Usage: npm run picture -- RECORDING TEXT COMMAND');
const frame = framesOf(readFileSync(recording, 'utf8')).findLast((lines) => lines.at(-1)?.includes(text));
if (!frame) throw new Error(`The last line never held "${text}" in ${recording}.`);
const lines = [...`$ ${command}`.split('\n'), ...frame].flatMap(wrapped);
writeFileSync(join(projectRoot, 'docs', 'connect.svg'), picture(command, lines));
