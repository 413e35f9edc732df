import { beforeEach, expect, test, vi } from "vitest";
import { CELL_TILE_PX, CellTiles, decodeTile, levelFor, tileSide, tilesIn } from "./cellTiles";
import { level0Rect } from "./geometry";

/** Two cells of three, at (10, 20) negative and (30, 40) positive. */
export function tileBytes(): ArrayBuffer {
  const bytes = new ArrayBuffer(12 + 2 * (5 * 4 + 1));
  new Uint32Array(bytes, 0, 5).set([2, 3, 1, 7, 9]);
  new Float32Array(bytes, 20, 8).set([10, 30, 20, 40, 50, 60, 0.05, 0.5]);
  new Uint8Array(bytes, 52, 2).set([0, 1]);
  return bytes;
}
const fetchTile = vi.fn(() => Promise.resolve(tileBytes()));
const onLoad = vi.fn();

beforeEach(() => {
  fetchTile.mockClear();
  onLoad.mockClear();
});

test("binary columns become a tile with its rectangle", () => {
  const tile = decodeTile(tileBytes(), { level: 1, column: 2, row: 3 });
  expect([tile.total, tile.positive, [...tile.index]]).toEqual([3, 1, [7, 9]]);
  expect([[...tile.x], [...tile.y], [...tile.areaUm2], [...tile.isPositive]]).toEqual([[10, 30], [20, 40], [50, 60], [0, 1]]);
  expect(tile.dab[1]).toBeCloseTo(0.5);
  expect(tile.rect).toEqual({ x: 4096, y: 6144, width: 2048, height: 2048 });
});

test.each([[1, 0], [0.5, 1], [0.1, 3], [0.0001, 12], [4, 0]])("at zoom %d tiles of level %d have a handy size", (zoom, level) => {
  expect(levelFor(zoom)).toBe(level);
  if (level > 0 && level < 12) expect(tileSide(level) * zoom).toBeGreaterThanOrEqual(512);
});

test("only tiles that the window touches and the slide has are wanted", () => {
  const names = tilesIn(level0Rect(-500, 900, 2000, 400), 0, { width: 1200, height: 5000 });
  expect(names).toEqual([
    { level: 0, column: 0, row: 0 }, { level: 0, column: 1, row: 0 },
    { level: 0, column: 0, row: 1 }, { level: 0, column: 1, row: 1 },
  ]);
  expect(CELL_TILE_PX).toBe(1024);
});

test("a tile is fetched once, and its coming is told", async () => {
  const tiles = new CellTiles(5, onLoad, fetchTile);
  const name = { level: 0, column: 1, row: 0 };
  expect(tiles.get(name)).toBeNull();
  tiles.want([name]);
  tiles.want([name]);
  await vi.waitFor(() => expect(tiles.get(name)).not.toBeNull());
  tiles.want([name]);
  expect(fetchTile).toHaveBeenCalledTimes(1);
  expect(fetchTile).toHaveBeenCalledWith(5, name);
  expect(onLoad).toHaveBeenCalledTimes(1);
});

test("what is not wanted any more is not fetched", async () => {
  const tiles = new CellTiles(5, onLoad, fetchTile);
  const row = (level: number): { level: number; column: number; row: number }[] => Array.from({ length: 20 }, (_, column) => ({ level, column, row: 0 }));
  tiles.want(row(0));
  tiles.want(row(1));
  await vi.waitFor(() => expect(onLoad).toHaveBeenCalledTimes(26));
});

test("a tile that failed is asked for again by the next move", async () => {
  const tiles = new CellTiles(5, onLoad, fetchTile);
  fetchTile.mockRejectedValueOnce(new Error("away"));
  const name = { level: 0, column: 0, row: 0 };
  tiles.want([name]);
  await new Promise((resolve) => setTimeout(resolve));
  tiles.want([name]);
  await vi.waitFor(() => expect(tiles.get(name)).not.toBeNull());
  expect(fetchTile).toHaveBeenCalledTimes(2);
});
