/** Figures about many runs of one thing. */

export interface Figures {
  readonly median: number;
  readonly p95: number;
  /** From the least to the most. */
  readonly spread: readonly [number, number];
}

/** The value below which so much of the runs lies (nearest rank). */
const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;

export function figuresOf(values: readonly number[]): Figures {
  const sorted = values.toSorted((one, other) => one - other);
  return {
    median: percentile(sorted, 0.5),
    p95: percentile(sorted, 0.95),
    spread: [sorted[0] ?? Number.NaN, sorted.at(-1) ?? Number.NaN],
  };
}
