/**
 * The whole grid as one small picture, a square of pixels per cell, painted again only where a label changed.
 *
 * Ten thousand cells are then one `drawImage` a frame, in the grid and in the corner map alike.
 */
import type { CellGrid } from "./geometry";
import { type CellLook, paintCell } from "./cellLooks";
import type { PatchPayload } from "./payload";

const LARGEST_CELL_PX = 24;
const LARGEST_SIDE_PX = 4096;

export class LabelSprite {
  readonly canvas: HTMLCanvasElement;
  /** Pixels of the sprite per cell. */
  readonly cellPx: number;
  private readonly stale = new Set<PatchPayload>();
  private whole = true;

  constructor(
    readonly grid: CellGrid,
    private readonly patches: readonly PatchPayload[],
    private readonly lookOf: (patch: PatchPayload) => CellLook,
  ) {
    const cells = Math.max(grid.columns, grid.rows, 1);
    this.cellPx = Math.max(2, Math.min(LARGEST_CELL_PX, Math.floor(LARGEST_SIDE_PX / cells)));
    this.canvas = document.createElement("canvas");
    this.canvas.width = Math.max(1, grid.columns * this.cellPx);
    this.canvas.height = Math.max(1, grid.rows * this.cellPx);
  }

  /** null: any cell may look different now. */
  spoil(patches: readonly PatchPayload[] | null): void {
    if (patches === null) this.whole = true;
    else for (const patch of patches) this.stale.add(patch);
  }

  /** The picture, up to date; null where a browser draws none. */
  picture(): HTMLCanvasElement | null {
    const context = this.canvas.getContext("2d");
    if (!context) return null;
    if (this.whole) context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    for (const patch of this.whole ? this.patches : this.stale) {
      const [left, top] = [patch.column * this.cellPx, patch.row * this.cellPx];
      context.clearRect(left, top, this.cellPx, this.cellPx);
      paintCell(context, this.lookOf(patch), left, top, this.cellPx);
    }
    this.whole = false;
    this.stale.clear();
    return this.canvas;
  }
}
