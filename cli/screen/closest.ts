/** "Did you mean": the known name that a mistyped one is closest to. */

/** Edits (insert, delete, replace a letter) that turn one text into another. */
function editsBetween(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...one].entries()) {
    const next = [index + 1];
    for (const [column, otherLetter] of [...other].entries()) {
      const [replaced = 0, removed = 0] = [row[column], row[column + 1]];
      next.push(Math.min(removed + 1, (next[column] ?? 0) + 1, replaced + (letter === otherLetter ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** @returns undefined where none is close: more than a third of the letters differ */
export function closest(typed: string, known: readonly string[]): string | undefined {
  const text = typed.slice(0, 100);
  const [best] = known
    .map((name) => ({ name, edits: editsBetween(text, name) }))
    .filter(({ name, edits }) => edits <= Math.max(1, Math.floor(Math.max(name.length, text.length) / 3)))
    .sort((a, b) => a.edits - b.edits);
  return best?.name;
}
