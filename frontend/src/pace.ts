/** How fast a reader works, from the last decisions of this sitting. */
const REMEMBERED = 30;
const FEWEST = 3;

export class Pace {
  private readonly milliseconds: number[] = [];

  add(milliseconds: number): void {
    this.milliseconds.push(milliseconds);
    if (this.milliseconds.length > REMEMBERED) this.milliseconds.shift();
  }

  /** Seconds for so many more patches at the median pace; null before there is a pace. */
  secondsFor(patches: number): number | null {
    if (this.milliseconds.length < FEWEST) return null;
    const sorted = [...this.milliseconds].sort((one, other) => one - other);
    const middle = sorted.length / 2;
    // A pause for coffee must not count: the median forgets it.
    const median = (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
    return (median * patches) / 1000;
  }
}
