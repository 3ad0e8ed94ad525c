/** Tables without lines: columns as wide as their longest cell, cut to the terminal where they may be. */

export interface Column {
  readonly title: string;
  /** Whether its cells may be cut to fit: ids may not, they are copied. */
  readonly mayBeCut?: boolean;
}

const gap = 2;

export const cut = (text: string, width: number): string =>
  text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text;

/** @param columns width of the terminal; undefined: nothing is cut */
export function table(
  head: readonly Column[],
  rows: readonly (readonly string[])[],
  columns: number | undefined,
): string[] {
  const widths = head.map(({ title }, index) =>
    Math.max(title.length, ...rows.map((row) => (row[index] ?? '').length)),
  );
  if (columns !== undefined) shrink(head, widths, columns - gap * (head.length - 1));
  return [head.map(({ title }) => title), ...rows].map((row) =>
    head
      .map((_, index) => {
        const width = widths[index] ?? 0;
        return cut(row[index] ?? '', width).padEnd(width);
      })
      .join(' '.repeat(gap))
      .trimEnd(),
  );
}

/** Takes from the widest column that may be cut, until all fit. */
function shrink(head: readonly Column[], widths: number[], available: number): void {
  const total = () => widths.reduce((sum, width) => sum + width, 0);
  while (total() > available) {
    const [widest] = head
      .flatMap(({ mayBeCut }, index) => (mayBeCut ? [{ index, width: widths[index] ?? 0 }] : []))
      .sort((a, b) => b.width - a.width);
    if (!widest || widest.width <= 8) return;
    widths[widest.index] = widest.width - 1;
  }
}

/** Text in lines between words, each with the same begin; a longer word stays whole. */
export function paragraph(text: string, columns: number | undefined, indent: string): string[] {
  const width = Math.min(columns ?? 100, 100);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && indent.length + longer.length > width) {
      lines.push(`${indent}${line}`);
      line = word;
    } else {
      line = longer;
    }
  }
  return [...lines, `${indent}${line}`];
}
