/** What each epoch of a run reached. */

/** Columns of equal length, an epoch at each index. */
export interface Metrics {
  epochs: number[];
  series: Record<string, (number | null)[]>;
}

/** Losses fall on their own scale; everything else is a figure of validation. */
export function grouped(metrics: Metrics): { losses: string[]; validation: string[] } {
  const names = Object.keys(metrics.series);
  const isLoss = (name: string) => /loss|cycle|identity|adversarial|grad/i.test(name) && !/validation/i.test(name);
  return { losses: names.filter(isLoss), validation: names.filter((name) => !isLoss(name)) };
}

/** Up to four digits that carry something. */
export function shortNumber(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  if (Number.isInteger(value)) return String(value);
  const size = Math.abs(value);
  return size !== 0 && (size < 0.001 || size >= 10_000) ? value.toExponential(2) : String(Number(value.toPrecision(4)));
}
