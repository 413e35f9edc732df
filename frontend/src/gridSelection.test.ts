import { expect, test } from "vitest";
import { level0 } from "./geometry";
import { inLasso, inRectangle } from "./gridSelection";
import { PatchIndex } from "./patchGrid";
import { fakePatch } from "./testing/patches";

// 4 × 3 cells of 100 px.
const patches = Array.from({ length: 12 }, (_, place) => fakePatch(place + 1, place % 4, Math.floor(place / 4)));
const index = new PatchIndex({ columns: 4, rows: 3, size_l0: 100 }, patches);
const ids = (found: { id: number }[]): number[] => found.map((one) => one.id);

test("a rectangle takes every patch that it touches, whichever corner it began at", () => {
  expect(ids(inRectangle(index, [level0(150, 50), level0(199, 150)]))).toEqual([2, 6]);
  expect(ids(inRectangle(index, [level0(250, 250), level0(400, 90), level0(50, 150)]))).toEqual([5, 6, 7, 9, 10, 11]);
});

test("a lasso takes the patches whose middle it goes round", () => {
  const loop = [level0(10, 10), level0(240, 10), level0(240, 90), level0(120, 90), level0(120, 290), level0(10, 290)];
  expect(ids(inLasso(index, loop))).toEqual([1, 2, 5, 9]);
});

test("a lasso beside the slide takes nothing", () => {
  expect(inLasso(index, [level0(900, 900), level0(990, 900), level0(950, 990)])).toEqual([]);
});
