/**
 * Points and rectangles with the frame they live in, so that a screen point cannot be passed where slide pixels are
 * meant. Level 0 = pixels of the slide at full resolution, x to the right, y down. Screen = CSS pixels inside one viewer.
 */
declare const frame: unique symbol;

export type Level0Point = { readonly x: number; readonly y: number } & { readonly [frame]: "level0" };
export type ScreenPoint = { readonly x: number; readonly y: number } & { readonly [frame]: "screen" };
export type Level0Rect = Readonly<{ x: number; y: number; width: number; height: number }> & {
  readonly [frame]: "level0";
};

/** A cell of the grid of large patches. */
export type PatchCell = { readonly column: number; readonly row: number };
/** The grid starts at (0, 0) and holds whole cells only. */
export type CellGrid = { readonly columns: number; readonly rows: number; readonly size_l0: number };

export const level0 = (x: number, y: number): Level0Point => ({ x, y }) as Level0Point;
export const screen = (x: number, y: number): ScreenPoint => ({ x, y }) as ScreenPoint;
export const level0Rect = (x: number, y: number, width: number, height: number): Level0Rect =>
  ({ x, y, width, height }) as Level0Rect;

/** Cell under a point; null outside the grid. */
export function cellAt(point: Level0Point, grid: CellGrid): PatchCell | null {
  const column = Math.floor(point.x / grid.size_l0);
  const row = Math.floor(point.y / grid.size_l0);
  const inside = column >= 0 && row >= 0 && column < grid.columns && row < grid.rows;
  return inside ? { column, row } : null;
}

/** Columns and rows that a rectangle touches, clipped to the grid; null when it touches none. */
export function cellsIn(rect: Level0Rect, grid: CellGrid): { first: PatchCell; last: PatchCell } | null {
  const first = {
    column: Math.max(0, Math.floor(rect.x / grid.size_l0)),
    row: Math.max(0, Math.floor(rect.y / grid.size_l0)),
  };
  const last = {
    column: Math.min(grid.columns - 1, Math.ceil((rect.x + rect.width) / grid.size_l0) - 1),
    row: Math.min(grid.rows - 1, Math.ceil((rect.y + rect.height) / grid.size_l0) - 1),
  };
  return first.column <= last.column && first.row <= last.row ? { first, last } : null;
}

export function centre(rect: Level0Rect): Level0Point {
  return level0(rect.x + rect.width / 2, rect.y + rect.height / 2);
}

/** The same centre, sides times `factor`. */
export function grow(rect: Level0Rect, factor: number): Level0Rect {
  const width = rect.width * factor;
  const height = rect.height * factor;
  return level0Rect(rect.x - (width - rect.width) / 2, rect.y - (height - rect.height) / 2, width, height);
}

export function contains(outer: Level0Rect, inner: Level0Rect): boolean {
  return (
    inner.x >= outer.x &&
    inner.y >= outer.y &&
    inner.x + inner.width <= outer.x + outer.width &&
    inner.y + inner.height <= outer.y + outer.height
  );
}

/** [a, b, c, d, e, f]: x' = a x + b y + c, y' = d x + e y + f, between the level-0 pixels of two slides. */
export type Affine = readonly [number, number, number, number, number, number];
export const IDENTITY: Affine = [1, 0, 0, 0, 1, 0];

export function transform([a, b, c, d, e, f]: Affine, point: Level0Point): Level0Point {
  return level0(a * point.x + b * point.y + c, d * point.x + e * point.y + f);
}

/** First `inner`, then `outer`. */
export function compose(outer: Affine, inner: Affine): Affine {
  const [a, b, c, d, e, f] = outer;
  const [p, q, r, s, t, u] = inner;
  return [a * p + b * s, a * q + b * t, a * r + b * u + c, d * p + e * s, d * q + e * t, d * r + e * u + f];
}

export function invert([a, b, c, d, e, f]: Affine): Affine {
  const det = a * e - b * d;
  if (det === 0) throw new RangeError("An alignment matrix without inverse was given; expected a ≠ 0 determinant.");
  return [e / det, -b / det, (b * f - c * e) / det, -d / det, a / det, (c * d - a * f) / det];
}

/** Mean stretch: pixels of the second slide per pixel of the first. */
export function stretch([a, b, , d, e]: Affine): number {
  return Math.sqrt(Math.abs(a * e - b * d));
}

/** Rotation of the x axis, degrees clockwise on the screen (y points down). */
export function turn([a, , , d]: Affine): number {
  return (Math.atan2(d, a) * 180) / Math.PI;
}
