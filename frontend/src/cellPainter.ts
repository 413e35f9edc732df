/** Paint the cells of one tile into a picture of its own, so that panning only moves pictures. */
import type { CellTile } from "./cellTiles";
import type { EditedCells } from "./cellEdits";

export const POSITIVE_COLOUR = "#e8742c";
export const NEGATIVE_COLOUR = "#56b4e9";
const SMALLEST_RING_PX = 3;
const DOT_PX = 2.2;
/** Cells whose DAB lies this near to the cut may well be on the wrong side of it. */
export const DOUBTFUL_DAB = 0.05;
/** A ring at the edge of a tile reaches into the next. */
export const MARGIN_PX = 24;

export type CellFilter = "all" | "positive" | "negative" | "doubtful";

export interface Look {
  /** Screen pixels of the picture per level-0 pixel, and per micrometre. */
  scale: number;
  pxPerUm: number;
  filter: CellFilter;
  dabThreshold: number;
}

export interface Mark {
  x: number;
  y: number;
  radius: number;
  positive: boolean;
  /** A reader's own: drawn with a dashed ring. */
  edited: boolean;
}

/** The cells to draw, in pixels of the tile's picture. */
export function marksOf(tile: CellTile, look: Look, edits: EditedCells): Mark[] {
  const marks: Mark[] = [];
  const place = (x: number, y: number): { x: number; y: number } => ({
    x: (x + 0.5 - tile.rect.x) * look.scale + MARGIN_PX,
    y: (y + 0.5 - tile.rect.y) * look.scale + MARGIN_PX,
  });
  const shown = (positive: boolean, dab: number): boolean =>
    look.filter === "all" ||
    (look.filter === "doubtful" ? Math.abs(dab - look.dabThreshold) < DOUBTFUL_DAB : positive === (look.filter === "positive"));
  for (let i = 0; i < tile.index.length; i += 1) {
    const edit = edits.ofCell(tile.index[i]!);
    if (edit && !edit.present) continue;
    const positive = edit ? edit.positive : tile.isPositive[i] === 1;
    if (!shown(positive, tile.dab[i]!)) continue;
    const radius = Math.sqrt(tile.areaUm2[i]! / Math.PI) * look.pxPerUm;
    marks.push({ ...place(tile.x[i]!, tile.y[i]!), radius, positive, edited: Boolean(edit) });
  }
  for (const edit of edits.added()) {
    const inside = edit.x >= tile.rect.x && edit.x < tile.rect.x + tile.rect.width && edit.y >= tile.rect.y && edit.y < tile.rect.y + tile.rect.height;
    if (inside && edit.present && (look.filter === "all" || look.filter === (edit.positive ? "positive" : "negative")))
      marks.push({ ...place(edit.x, edit.y), radius: 4 * look.pxPerUm, positive: edit.positive, edited: true });
  }
  return marks;
}

export function paintMarks(context: CanvasRenderingContext2D, marks: readonly Mark[]): void {
  for (const positive of [false, true]) {
    const some = marks.filter((mark) => mark.positive === positive);
    const colour = positive ? POSITIVE_COLOUR : NEGATIVE_COLOUR;
    const small = some.filter((mark) => mark.radius < SMALLEST_RING_PX);
    context.fillStyle = colour;
    for (const { x, y } of small) context.fillRect(x - DOT_PX / 2, y - DOT_PX / 2, DOT_PX, DOT_PX);
    paintRings(context, some.filter((mark) => mark.radius >= SMALLEST_RING_PX && !mark.edited), colour, []);
    paintRings(context, some.filter((mark) => mark.radius >= SMALLEST_RING_PX && mark.edited), colour, [4, 3]);
    if (positive) paintDots(context, some.filter((mark) => mark.radius >= SMALLEST_RING_PX));
  }
}

function paintRings(context: CanvasRenderingContext2D, marks: readonly Mark[], colour: string, dash: number[]): void {
  if (marks.length === 0) return;
  const rings = new Path2D();
  for (const { x, y, radius } of marks) {
    rings.moveTo(x + radius, y);
    rings.arc(x, y, radius, 0, 2 * Math.PI);
  }
  context.setLineDash([]);
  context.lineWidth = 3;
  context.strokeStyle = "rgb(10 10 10 / 70%)";
  context.stroke(rings);
  context.setLineDash(dash);
  context.lineWidth = dash.length ? 2.2 : 1.5;
  context.strokeStyle = colour;
  context.stroke(rings);
  context.setLineDash([]);
}

/** A dot in the middle of a positive cell, so that hue never stands alone. */
function paintDots(context: CanvasRenderingContext2D, marks: readonly Mark[]): void {
  const dots = new Path2D();
  for (const { x, y, radius } of marks) {
    dots.moveTo(x + 1.6, y);
    dots.arc(x, y, Math.min(1.6, radius / 2), 0, 2 * Math.PI);
  }
  context.fillStyle = "#fff";
  context.fill(dots);
}
