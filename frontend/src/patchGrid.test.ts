import { beforeEach, expect, test, vi } from "vitest";
import { level0Rect } from "./geometry";
import { type CellLook, drawCells, PatchIndex } from "./patchGrid";
import type { PatchPayload } from "./payload";

const patch = (id: number, column: number, row: number, changes: Partial<PatchPayload> = {}): PatchPayload => ({
  id,
  column,
  row,
  x: column * 100,
  y: row * 100,
  size: 100,
  tissue_share: 1,
  offered: true,
  label: null,
  label_id: null,
  ...changes,
});
const patches = [
  patch(1, 0, 0, { label: "tumor" }),
  patch(2, 1, 0, { label: "tumor" }),
  patch(3, 2, 0),
  patch(4, 0, 1, { offered: false }),
  patch(5, 2, 1, { label: "unsure" }),
];
const index = new PatchIndex({ columns: 3, rows: 2, size_l0: 100 }, patches);
const lookOf = (one: PatchPayload): CellLook => (one.offered ? (one.label ?? "open") : "left_out");

test("a patch is found by a point in it, and no patch where the grid has none", () => {
  expect(index.under(199, 99)?.id).toBe(2);
  expect(index.under(150, 150)).toBeUndefined();
  expect(index.under(-1, 0)).toBeUndefined();
});

test("only the cells in the window are visited, grouped by their look", () => {
  const groups = index.within(level0Rect(-50, -50, 260, 160), lookOf);
  expect(Object.fromEntries([...groups].map(([look, members]) => [look, members.map((one) => one.id)]))).toEqual({
    tumor: [1, 2],
    open: [3],
    left_out: [4],
    unsure: [5],
  });
  expect(index.within(level0Rect(900, 900, 10, 10), lookOf).size).toBe(0);
});

const rects = vi.fn();
beforeEach(() => {
  rects.mockReset();
  vi.stubGlobal("Path2D", class { rect = rects; });
});

function fakeContext() {
  return {
    fill: vi.fn(), stroke: vi.fn(), fillRect: vi.fn(), strokeRect: vi.fn(), fillText: vi.fn(),
  } as unknown as CanvasRenderingContext2D & Record<"fill" | "stroke" | "strokeRect" | "fillText", ReturnType<typeof vi.fn>>;
}

test("labelled cells carry their letter, open and left-out ones none", () => {
  const context = fakeContext();
  drawCells(context, index.within(level0Rect(0, 0, 300, 200), lookOf), { zoom: 0.5, left: 10, top: 20, current: null });
  expect(context.fillText.mock.calls.map((call) => call[0] as string)).toEqual(["T", "T", "U"]);
  expect(rects).toHaveBeenCalledWith(11, 21, 48, 48);
});

test("cells too small for a letter have none, the current one keeps its outline", () => {
  const context = fakeContext();
  drawCells(context, index.within(level0Rect(0, 0, 300, 200), lookOf), { zoom: 0.1, left: 0, top: 0, current: patches[2]! });
  expect(context.fillText).not.toHaveBeenCalled();
  expect(context.strokeRect).toHaveBeenCalledWith(20, 0, 10, 10);
});
