/**
 * `npm run picture -- RECORDING TEXT`: writes docs/demo.svg, the terminal as it was when its last line ended with TEXT for the
 * last time. A recording is what `script` of util-linux makes of a terminal of 80 columns:
 * `script -q -c 'npm run demo' RECORDING`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { projectRoot } from '../local/environment/paths.ts';

const columns = 80;
const cell = { width: 8.4, height: 18 } as const;
const margin = 16;

/** The lines of the terminal, the last of them with each of its states: the demo redraws it while it waits. */
function framesOf(recording: string): string[][] {
  const text = stripVTControlCharacters(recording).replaceAll('\r\n', '\n');
  const lines: string[] = [];
  return text
    .slice(text.indexOf('\nStarting'))
    .split('\n')
    .flatMap((line) => {
      // It goes back to the start of a line to draw it again.
      const states = line.split('\r').filter((state) => state !== '');
      const frames = states.map((state) => [...lines, state]);
      lines.push(states.at(-1) ?? '');
      return frames;
    });
}

const wrapped = (line: string): string[] => line.match(new RegExp(`.{1,${columns}}`, 'gu')) ?? [''];

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function picture(lines: readonly string[]): string {
  const width = Math.ceil(columns * cell.width + 2 * margin);
  const height = lines.length * cell.height + 2 * margin;
  const rows = lines.map(
    (line, row) => `<text x="${margin}" y="${margin + (row + 0.75) * cell.height}">${escaped(line)}</text>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    '<title>npm run demo, while it disconnects the bucket again</title>',
    '<style>text { font: 14px ui-monospace, Menlo, Consolas, monospace; fill: #e6edf3; }</style>',
    `<rect width="${width}" height="${height}" rx="8" fill="#161b22"/>`,
    ...rows,
    '</svg>',
    '',
  ].join('\n');
}

const [recording, text] = process.argv.slice(2);
if (!recording || !text) throw new Error('Usage: npm run picture -- RECORDING TEXT');
const frame = framesOf(readFileSync(recording, 'utf8')).findLast((lines) => lines.at(-1)?.endsWith(text));
if (!frame) throw new Error(`The last line never ended with "${text}" in ${recording}.`);
writeFileSync(join(projectRoot, 'docs', 'demo.svg'), picture(['$ npm run demo', ...frame.flatMap(wrapped)]));
