import OpenSeadragon from "openseadragon";
import { expect, test } from "vitest";
import { fakeSlide } from "./testing/fakes";
import { levelDrawnAt, NativeTileSource, tileExtent, tilesIn, tileUrl } from "./tileSource";

const slide = fakeSlide();

test("a tile's address counts levels from the finest", () => {
  expect(tileUrl(slide, { level: 2, column: 3, row: 4 })).toBe("/t/7/0123456789ab/2/3_4.jpg");
});

test("edge tiles end where the level ends", () => {
  expect(tileExtent(slide.levels[0]!, 0, 0)).toEqual({ width: 240, height: 240 });
  expect(tileExtent(slide.levels[0]!, 28, 20)).toEqual({ width: 3, height: 200 });
});

test("the tiles of a patch at a coarser level are those that it touches", () => {
  expect(tilesIn(slide, 2, { x: 2240, y: 0, width: 2240, height: 960 })).toEqual([
    { level: 2, column: 2, row: 0 },
    { level: 2, column: 3, row: 0 },
    { level: 2, column: 4, row: 0 },
  ]);
  expect(tilesIn(slide, 2, { x: -9999, y: -9999, width: 10, height: 10 })).toEqual([{ level: 2, column: 0, row: 0 }]);
});

test("the drawn level is the coarsest that is not blown up beyond what the eye sees", () => {
  expect(levelDrawnAt(slide, 1, 1)).toBe(0);
  expect(levelDrawnAt(slide, 0.49, 1)).toBe(1);
  expect(levelDrawnAt(slide, 0.49, 2)).toBe(0);
  expect(levelDrawnAt(slide, 0.001, 1)).toBe(2);
  // Half the size is exactly what the level of half the size holds.
  expect(levelDrawnAt(slide, 0.5, 1)).toBe(1);
});

test("OpenSeadragon sees the levels from the coarsest, each with its own tiles", () => {
  const source = new NativeTileSource(slide);
  expect(source.minLevel).toBe(0);
  expect(source.maxLevel).toBe(2);
  expect(source.dimensions).toMatchObject({ x: 6723, y: 5000 });
  expect([0, 1, 2].map((level) => source.getLevelScale(level))).toEqual([0.25, 0.5, 1]);
  expect([0, 1, 2].map((level) => source.getTileWidth(level))).toEqual([240, 120, 240]);
  expect(source.getNumTiles(0)).toMatchObject({ x: 7, y: 6 });
  expect(source.getNumTiles(2)).toMatchObject({ x: 29, y: 21 });
  expect(source.getTileUrl(0, 1, 2)).toBe("/t/7/0123456789ab/2/1_2.jpg");
  expect(source.getTileUrl(2, 1, 2)).toBe("/t/7/0123456789ab/0/1_2.jpg");
  expect(source.tileExists(2, 28, 20)).toBe(true);
  expect(source.tileExists(2, 29, 20)).toBe(false);
});

test("tile bounds are exact in slide pixels although a level's size is rounded down", () => {
  const source = new NativeTileSource(slide);
  const bounds = source.getTileBounds(0, 6, 5);
  expect(bounds.x * 6723).toBeCloseTo(6 * 240 * 4, 9);
  expect(bounds.width * 6723).toBeCloseTo(240 * 4, 9);
  expect(bounds.height * 6723).toBeCloseTo(50 * 4, 9);
  expect(source.getTileBounds(0, 6, 5, true)).toMatchObject({ x: 0, y: 0, width: 240, height: 50 });
});

test("a point in the strip that the rounding left over belongs to the last tile", () => {
  const narrow = fakeSlide({
    width: 1025,
    height: 1025,
    levels: [{ width: 256, height: 256, tile_width: 256, tile_height: 256, downsample: 4 }],
  });
  const source = new NativeTileSource(narrow);
  expect(source.getTileAtPoint(0, new OpenSeadragon.Point(1, 1))).toMatchObject({ x: 0, y: 0 });
});
