/** The order in which patches are read, and the ways to move in it. */
import type { PatchPayload } from "./payload";

export class PatchQueue {
  private position: number;

  /** patches: the offered ones in reading order. Starts at the first without a label, else at the first. */
  constructor(
    readonly patches: readonly PatchPayload[],
    private readonly isOpen: (patch: PatchPayload) => boolean,
  ) {
    this.position = Math.max(0, patches.findIndex(isOpen));
  }

  get current(): PatchPayload | null {
    return this.patches[this.position] ?? null;
  }

  /** Counts from 1. */
  get number(): number {
    return this.position + 1;
  }

  goTo(patchId: number): boolean {
    const found = this.patches.findIndex((patch) => patch.id === patchId);
    if (found === -1) return false;
    this.position = found;
    return true;
  }

  /** One on or back in the order, whatever its label; stays at the ends. */
  step(by: 1 | -1): void {
    this.position = Math.min(Math.max(this.position + by, 0), Math.max(0, this.patches.length - 1));
  }

  /** The nearest patch above or below in the same column; stays where there is none. */
  stepRow(by: 1 | -1): void {
    const from = this.current;
    if (!from) return;
    const column = this.patches.filter((patch) => patch.column === from.column && (patch.row - from.row) * by > 0);
    const nearest = by === 1 ? column[0] : column[column.length - 1];
    if (nearest) this.goTo(nearest.id);
  }

  /** To the next patch without a label, from the beginning again at the end. False when there is none. */
  toNextOpen(): boolean {
    const next = this.openAhead(1)[0];
    return next ? this.goTo(next.id) : false;
  }

  /** The next patches without a label after the current one, in the order in which they will come. */
  openAhead(count: number): PatchPayload[] {
    const ahead: PatchPayload[] = [];
    for (let offset = 1; offset < this.patches.length && ahead.length < count; offset += 1) {
      const patch = this.patches[(this.position + offset) % this.patches.length]!;
      if (this.isOpen(patch)) ahead.push(patch);
    }
    return ahead;
  }
}
