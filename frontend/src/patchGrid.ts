/**
 * The grid of large patches over a slide, in label colours, with a letter in each cell that is large enough.
 *
 * A few cells are drawn as they are, sharp; many come from the sprite, so that ten thousand stay fluid.
 */
import { CanvasLayer } from "./canvasLayer";
import { type CellLook, outline, paintCell } from "./cellLooks";
import { cellAt, type CellGrid, cellsIn, level0, type Level0Rect } from "./geometry";
import { LabelSprite } from "./labelSprite";
import type { PatchPayload } from "./payload";
import type { SlideViewer } from "./slideViewer";

/** More cells than this come from the sprite. */
const MOST_SHARP_CELLS = 300;

export type { CellLook };

/** Finds patches by cell. Cells of the grid without a patch do not exist for the reader. */
export class PatchIndex {
  private readonly byCell = new Map<number, PatchPayload>();

  constructor(
    readonly grid: CellGrid,
    readonly patches: readonly PatchPayload[],
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

  /** Patches in a window, row by row. */
  within(window: Level0Rect): PatchPayload[] {
    const cells = cellsIn(window, this.grid);
    const found: PatchPayload[] = [];
    if (!cells) return found;
    for (let row = cells.first.row; row <= cells.last.row; row += 1)
      for (let column = cells.first.column; column <= cells.last.column; column += 1) {
        const patch = this.at(column, row);
        if (patch) found.push(patch);
      }
    return found;
  }

  countWithin(window: Level0Rect): number {
    const cells = cellsIn(window, this.grid);
    return cells ? (cells.last.row - cells.first.row + 1) * (cells.last.column - cells.first.column + 1) : 0;
  }

  private key(column: number, row: number): number {
    return row * this.grid.columns + column;
  }
}

export interface GridOptions {
  viewer: SlideViewer;
  index: PatchIndex;
  lookOf: (patch: PatchPayload) => CellLook;
  current: () => PatchPayload | null;
  selected: () => ReadonlySet<number>;
}

export class PatchGrid {
  readonly sprite: LabelSprite;
  private readonly layer: CanvasLayer;

  constructor(private readonly options: GridOptions) {
    const { viewer, index, lookOf } = options;
    this.sprite = new LabelSprite(index.grid, index.patches, lookOf);
    this.layer = new CanvasLayer(viewer, (context) => this.draw(context));
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
    const { viewer, index, lookOf, current, selected } = this.options;
    const origin = viewer.toScreen(level0(0, 0));
    const place = { zoom: viewer.view.zoom, left: origin.x, top: origin.y };
    const { window } = viewer;
    if (index.countWithin(window) > MOST_SHARP_CELLS) drawSprite(context, this.sprite, place);
    else drawCells(context, index.within(window), lookOf, place);
    drawMarks(context, index.patches, current(), selected(), place);
  }
}

export interface GridPlace {
  /** Screen pixels per level-0 pixel. */
  zoom: number;
  left: number;
  top: number;
}

const boxOf = (patch: PatchPayload, { zoom, left, top }: GridPlace): [number, number, number] => [
  left + patch.x * zoom,
  top + patch.y * zoom,
  patch.size * zoom,
];

export function drawCells(
  context: CanvasRenderingContext2D,
  patches: readonly PatchPayload[],
  lookOf: (patch: PatchPayload) => CellLook,
  place: GridPlace,
): void {
  for (const patch of patches) paintCell(context, lookOf(patch), ...boxOf(patch, place));
}

function drawSprite(context: CanvasRenderingContext2D, sprite: LabelSprite, { zoom, left, top }: GridPlace): void {
  const picture = sprite.picture();
  if (!picture) return;
  const side = sprite.grid.size_l0 * zoom;
  context.drawImage(picture, left, top, side * sprite.grid.columns, side * sprite.grid.rows);
}

export function drawMarks(
  context: CanvasRenderingContext2D,
  patches: readonly PatchPayload[],
  current: PatchPayload | null,
  selected: ReadonlySet<number>,
  place: GridPlace,
): void {
  if (selected.size) {
    const path = new Path2D();
    for (const patch of patches) {
      if (!selected.has(patch.id)) continue;
      const [x, y, side] = boxOf(patch, place);
      path.rect(x, y, side, side);
    }
    context.fillStyle = "rgb(98 207 180 / 30%)";
    context.fill(path);
    context.lineWidth = 3;
    context.strokeStyle = "#111";
    context.stroke(path);
    context.lineWidth = 1.5;
    context.strokeStyle = "#62cfb4";
    context.stroke(path);
  }
  if (current) outline(context, ...boxOf(current, place));
}
