import { beforeEach, expect, test, vi } from "vitest";
import { type EditedCells, NO_EDITS } from "./cellEdits";
import { type CellFilter, MARGIN_PX, marksOf, paintMarks } from "./cellPainter";
import type { CellTile } from "./cellTiles";
import { level0Rect } from "./geometry";
import type { EditRow } from "./payload";

const tile: CellTile = {
  rect: level0Rect(1024, 0, 1024, 1024), total: 3, positive: 2,
  index: Uint32Array.of(4, 5, 6), x: Float32Array.of(1100, 1200, 1300), y: Float32Array.of(10, 20, 30),
  areaUm2: Float32Array.of(28.27, 28.27, 0.1), dab: Float32Array.of(0.05, 0.22, 0.8), isPositive: Uint8Array.of(0, 1, 1),
};
const look = (filter: CellFilter = "all") => ({ scale: 0.5, pxPerUm: 2, filter, dabThreshold: 0.2 });
const row = (changes: Partial<EditRow>): EditRow => ({
  id: 1, action: "flip", cell: 4, x: 1100, y: 10, present: true, positive: true, undoes: null, reader: "c", created_at: "", ...changes,
});
const edits = (cell: EditRow | null, added: EditRow[] = []): EditedCells => ({ ofCell: (index) => (cell?.cell === index ? cell : undefined), added: () => added });

test("cells lie where their pixel centres are", () => {
  const marks = marksOf(tile, look(), NO_EDITS);
  expect(marks.map(({ x, y, positive }) => [x - MARGIN_PX, y - MARGIN_PX, positive])).toEqual([[38.25, 5.25, false], [88.25, 10.25, true], [138.25, 15.25, true]]);
  expect(marks[0]!.radius).toBeCloseTo(6, 2);
});

test.each([["positive", [88.25, 138.25]], ["negative", [38.25]], ["doubtful", [88.25]]] as const)("only %s cells are shown when asked for", (filter, places) => {
  expect(marksOf(tile, look(filter), NO_EDITS).map(({ x }) => x - MARGIN_PX)).toEqual(places);
});

test("a reader's edits are shown: flipped, removed, added", () => {
  const flipped = marksOf(tile, look(), edits(row({})));
  expect([flipped[0]!.positive, flipped[0]!.edited, flipped[1]!.edited]).toEqual([true, true, false]);
  expect(marksOf(tile, look(), edits(row({ present: false })))).toHaveLength(2);
  const added = marksOf(tile, look(), edits(null, [row({ cell: null, x: 1500, y: 100, positive: false }), row({ cell: null, x: 100, y: 100 })]));
  expect(added).toHaveLength(4);
  expect(added[3]).toMatchObject({ x: 238.25 + MARGIN_PX, positive: false, edited: true });
});

const arc = vi.fn();
beforeEach(() => {
  arc.mockReset();
  vi.stubGlobal("Path2D", class { arc = arc; moveTo = vi.fn(); });
});

test("near by a positive cell is a ring with a dot, far out a square", () => {
  const context = { stroke: vi.fn(), fill: vi.fn(), fillRect: vi.fn(), setLineDash: vi.fn() } as unknown as CanvasRenderingContext2D;
  const mark = { x: 10, y: 30, positive: true, edited: false };
  paintMarks(context, [{ ...mark, radius: 6 }]);
  expect(arc.mock.calls.map(([x, y, radius]) => [x, y, radius])).toEqual([[10, 30, 6], [10, 30, 1.6]]);
  expect(context.fillRect).not.toHaveBeenCalled();
  paintMarks(context, [{ ...mark, radius: 1 }]);
  expect(context.fillRect).toHaveBeenCalledTimes(1);
  expect(arc).toHaveBeenCalledTimes(2);
});
