/** The order in which patches are read, and the ways to move in it. */
import type { PatchPayload } from "./payload";

export class PatchQueue {
  private position: number;
  private place = new Map<number, number>();

  /** patches: those to read, in reading order. Starts at the first without a label, else at the first. */
  constructor(
    private ordered: readonly PatchPayload[],
    private readonly isOpen: (patch: PatchPayload) => boolean,
  ) {
    this.position = Math.max(0, ordered.findIndex(isOpen));
    this.index();
  }

  get patches(): readonly PatchPayload[] {
    return this.ordered;
  }

  get current(): PatchPayload | null {
    return this.ordered[this.position] ?? null;
  }

  /** Counts from 1. */
  get number(): number {
    return this.position + 1;
  }

  has(patchId: number): boolean {
    return this.place.has(patchId);
  }

  /** Patches were brought in or left out: stay where the reader is. */
  replace(patches: readonly PatchPayload[]): void {
    const { current } = this;
    this.ordered = patches;
    this.index();
    this.position = Math.min(this.position, Math.max(0, patches.length - 1));
    if (current) this.goTo(current.id);
  }

  goTo(patchId: number): boolean {
    const found = this.place.get(patchId);
    if (found === undefined) return false;
    this.position = found;
    return true;
  }

  /** One on or back in the order, whatever its label; stays at the ends. */
  step(by: 1 | -1): void {
    this.position = Math.min(Math.max(this.position + by, 0), Math.max(0, this.ordered.length - 1));
  }

  /** The nearest patch above or below in the same column; stays where there is none. */
  stepRow(by: 1 | -1): void {
    const from = this.current;
    if (!from) return;
    let nearest: PatchPayload | null = null;
    for (const patch of this.ordered) {
      if (patch.column !== from.column || (patch.row - from.row) * by <= 0) continue;
      if (!nearest || (nearest.row - patch.row) * by > 0) nearest = patch;
    }
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
    for (let offset = 1; offset < this.ordered.length && ahead.length < count; offset += 1) {
      const patch = this.ordered[(this.position + offset) % this.ordered.length]!;
      if (this.isOpen(patch)) ahead.push(patch);
    }
    return ahead;
  }

  /** Patches between two in reading order, both included. */
  between(one: number, other: number): PatchPayload[] {
    const ends = [this.place.get(one), this.place.get(other)];
    if (ends[0] === undefined || ends[1] === undefined) return [];
    return this.ordered.slice(Math.min(ends[0], ends[1]), Math.max(ends[0], ends[1]) + 1);
  }

  private index(): void {
    this.place = new Map(this.ordered.map((patch, place) => [patch.id, place]));
  }
}
