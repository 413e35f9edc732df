import { beforeEach, expect, test, vi } from "vitest";
import { level0Rect } from "./geometry";
import { type CellLook, drawCells, drawMarks, PatchIndex } from "./patchGrid";
import type { PatchPayload } from "./payload";
import { fakePatch } from "./testing/patches";

const patches = [
  fakePatch(1, 0, 0, { label: "tumor" }),
  fakePatch(2, 1, 0, { label: "tumor" }),
  fakePatch(3, 2, 0),
  fakePatch(4, 0, 1, { offered: false }),
  fakePatch(5, 2, 1, { label: "unsure" }),
];
const index = new PatchIndex({ columns: 3, rows: 2, size_l0: 100 }, patches);
const lookOf = (one: PatchPayload): CellLook => ({ state: one.offered ? (one.label ?? "open") : "left_out" });

test("a patch is found by a point in it, and no patch where the grid has none", () => {
  expect(index.under(199, 99)?.id).toBe(2);
  expect(index.under(150, 150)).toBeUndefined();
  expect(index.under(-1, 0)).toBeUndefined();
});

test("only the cells in the window are visited", () => {
  const window = level0Rect(-50, -50, 260, 160);
  expect(index.within(window).map((one) => one.id)).toEqual([1, 2, 3, 4, 5]);
  expect(index.within(level0Rect(0, 0, 150, 90)).map((one) => one.id)).toEqual([1, 2]);
  expect(index.countWithin(window)).toBe(6);
  expect(index.within(level0Rect(900, 900, 10, 10))).toEqual([]);
});

beforeEach(() => {
  vi.stubGlobal("Path2D", class { rect = vi.fn(); });
});

function fakeContext() {
  const names = ["save", "restore", "fill", "stroke", "fillRect", "strokeRect", "fillText", "setLineDash", "beginPath", "moveTo", "lineTo", "closePath"] as const;
  const context = Object.fromEntries(names.map((name) => [name, vi.fn()]));
  return context as unknown as CanvasRenderingContext2D & Record<(typeof names)[number], ReturnType<typeof vi.fn>>;
}

test("labelled cells carry their letter, open and left-out ones none", () => {
  const context = fakeContext();
  drawCells(context, patches, lookOf, { zoom: 0.5, left: 10, top: 20 });
  expect(context.fillText.mock.calls.map((call) => call[0] as string)).toEqual(["T", "T", "U"]);
  expect(context.fillRect).toHaveBeenCalledWith(11, 21, 48, 48);
});

test("cells too small for a letter have none, the current one keeps its outline", () => {
  const context = fakeContext();
  drawCells(context, patches, lookOf, { zoom: 0.1, left: 0, top: 0 });
  expect(context.fillText).not.toHaveBeenCalled();
  drawMarks(context, patches, patches[2]!, new Set(), { zoom: 0.1, left: 0, top: 0 });
  expect(context.strokeRect).toHaveBeenCalledWith(20, 0, 10, 10);
});

test("a flagged cell and an overruled one are marked by a shape, not by colour alone", () => {
  const context = fakeContext();
  drawCells(context, patches.slice(0, 1), () => ({ state: "open", flagged: true, overruled: true }), { zoom: 0.5, left: 0, top: 0 });
  expect(context.lineTo).toHaveBeenCalledTimes(2);
  expect(context.setLineDash).toHaveBeenCalledWith([2, 2]);
});
