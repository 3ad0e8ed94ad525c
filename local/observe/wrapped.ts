/** Width of a terminal that nobody has widened. */
export const terminalWidth = 80;

/**
 * Text in lines between words; a longer word stays whole.
 * @param width most characters of a line
 * @param first begin of the first line, in place of which each other line begins with `rest`
 */
export function wrapped(text: string, width: number, first = '', rest = first): string {
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const word of text.split(' ')) {
    if (!isEmpty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = `${rest}${word}`;
    } else {
      line = isEmpty ? `${line}${word}` : `${line} ${word}`;
    }
    isEmpty = false;
  }
  return [...lines, line].join('\n');
}
