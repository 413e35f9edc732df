/**
 * The grid of large patches over a slide, in label colours, with a letter in each cell that is large enough.
 *
 * Only the cells in the window are visited, and cells of one label are drawn as one path, so that ten thousand stay fluid.
 */
import { CanvasLayer } from "./canvasLayer";
import { cellAt, type CellGrid, cellsIn, level0, type Level0Rect } from "./geometry";
import { LABEL_LOOKS } from "./labels";
import type { LabelValue, PatchPayload } from "./payload";
import type { SlideViewer } from "./slideViewer";

const SMALLEST_LETTER_CELL_PX = 16;
const FILL_ALPHA = 0.32;

export type CellLook = LabelValue | "open" | "left_out";

/** Finds patches by cell. Cells of the grid without a patch do not exist for the reader. */
export class PatchIndex {
  private readonly byCell = new Map<number, PatchPayload>();

  constructor(
    readonly grid: CellGrid,
    patches: readonly PatchPayload[],
  ) {
    for (const patch of patches) this.byCell.set(this.key(patch.column, patch.row), patch);
  }

  at(column: number, row: number): PatchPayload | undefined {
    return this.byCell.get(this.key(column, row));
  }

  under(x: number, y: number): PatchPayload | undefined {
    const cell = cellAt(level0(x, y), this.grid);
    return cell ? this.at(cell.column, cell.row) : undefined;
  }

  /** Patches in a window, grouped by how they look. */
  within(window: Level0Rect, lookOf: (patch: PatchPayload) => CellLook): Map<CellLook, PatchPayload[]> {
    const groups = new Map<CellLook, PatchPayload[]>();
    const cells = cellsIn(window, this.grid);
    if (!cells) return groups;
    for (let row = cells.first.row; row <= cells.last.row; row += 1)
      for (let column = cells.first.column; column <= cells.last.column; column += 1) {
        const patch = this.at(column, row);
        if (!patch) continue;
        const look = lookOf(patch);
        const group = groups.get(look);
        if (group) group.push(patch);
        else groups.set(look, [patch]);
      }
    return groups;
  }

  private key(column: number, row: number): number {
    return row * this.grid.columns + column;
  }
}

export class PatchGrid {
  private readonly layer: CanvasLayer;

  constructor(
    private readonly viewer: SlideViewer,
    readonly index: PatchIndex,
    private readonly lookOf: (patch: PatchPayload) => CellLook,
    private readonly current: () => PatchPayload | null,
    onPick: (patch: PatchPayload) => void,
  ) {
    this.layer = new CanvasLayer(viewer, (context) => this.draw(context));
    viewer.onPick((point) => {
      const patch = this.layer.visible ? this.index.under(point.x, point.y) : undefined;
      if (patch?.offered) onPick(patch);
    });
  }

  get visible(): boolean {
    return this.layer.visible;
  }

  set visible(visible: boolean) {
    this.layer.visible = visible;
  }

  redraw(): void {
    this.layer.redraw();
  }

  private draw(context: CanvasRenderingContext2D): void {
    const origin = this.viewer.toScreen(level0(0, 0));
    drawCells(context, this.index.within(this.viewer.window, this.lookOf), {
      zoom: this.viewer.view.zoom,
      left: origin.x,
      top: origin.y,
      current: this.current(),
    });
  }
}

export interface GridPlace {
  /** Screen pixels per level-0 pixel. */
  zoom: number;
  left: number;
  top: number;
  current: PatchPayload | null;
}

export function drawCells(
  context: CanvasRenderingContext2D,
  groups: Map<CellLook, PatchPayload[]>,
  { zoom, left, top, current }: GridPlace,
): void {
  const box = (patch: PatchPayload): [number, number, number] => [
    left + patch.x * zoom,
    top + patch.y * zoom,
    patch.size * zoom,
  ];
  for (const [look, patches] of groups) {
    const path = new Path2D();
    for (const patch of patches) {
      const [x, y, side] = box(patch);
      path.rect(x + 1, y + 1, side - 2, side - 2);
    }
    paintLook(context, look, path);
  }
  for (const [look, patches] of groups)
    if (look !== "open" && look !== "left_out")
      for (const patch of patches) drawLetter(context, look, ...box(patch));
  if (current) outline(context, ...box(current));
}

function paintLook(context: CanvasRenderingContext2D, look: CellLook, path: Path2D): void {
  context.lineWidth = 1;
  if (look === "left_out") {
    context.fillStyle = "rgb(20 20 20 / 38%)";
    context.fill(path);
    return;
  }
  if (look === "open") {
    context.strokeStyle = "rgb(0 0 0 / 55%)";
    context.stroke(path);
    return;
  }
  context.fillStyle = LABEL_LOOKS[look].colour;
  context.globalAlpha = FILL_ALPHA;
  context.fill(path);
  context.globalAlpha = 1;
  // A dark and a light line: one of them shows on any stain.
  context.lineWidth = 3;
  context.strokeStyle = "rgb(20 20 20 / 85%)";
  context.stroke(path);
  context.lineWidth = 1.5;
  context.strokeStyle = LABEL_LOOKS[look].colour;
  context.stroke(path);
}

function drawLetter(context: CanvasRenderingContext2D, look: LabelValue, x: number, y: number, side: number): void {
  if (side < SMALLEST_LETTER_CELL_PX) return;
  const size = Math.min(22, Math.max(11, side * 0.28));
  context.fillStyle = LABEL_LOOKS[look].colour;
  context.fillRect(x + 3, y + 3, size * 1.15, size * 1.15);
  context.fillStyle = "#111";
  context.font = `700 ${Math.round(size * 0.85)}px ui-monospace, monospace`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(LABEL_LOOKS[look].letter, x + 3 + size * 0.575, y + 3 + size * 0.62);
}

function outline(context: CanvasRenderingContext2D, x: number, y: number, side: number): void {
  context.lineWidth = 6;
  context.strokeStyle = "#111";
  context.strokeRect(x, y, side, side);
  context.lineWidth = 3;
  context.strokeStyle = "#fff";
  context.strokeRect(x, y, side, side);
}
