import { expect, test } from "vitest";
import {
  type Affine,
  cellAt,
  cellsIn,
  centre,
  compose,
  contains,
  grow,
  IDENTITY,
  invert,
  level0,
  level0Rect,
  stretch,
  transform,
  turn,
} from "./geometry";

const grid = { columns: 3, rows: 2, size_l0: 2240 };

test("a point on a cell's edge belongs to the cell to its right and below", () => {
  expect(cellAt(level0(2240, 2239.9), grid)).toEqual({ column: 1, row: 0 });
});

test("a point beyond the last whole cell has no cell", () => {
  expect(cellAt(level0(6720, 0), grid)).toBeNull();
  expect(cellAt(level0(-1, 0), grid)).toBeNull();
  expect(cellAt(level0(0, 4480), grid)).toBeNull();
});

test("the cells in a rectangle are clipped to the grid", () => {
  expect(cellsIn(level0Rect(-500, 2000, 3000, 9000), grid)).toEqual({
    first: { column: 0, row: 0 },
    last: { column: 1, row: 1 },
  });
  expect(cellsIn(level0Rect(0, 0, 2240, 2240), grid)?.last).toEqual({ column: 0, row: 0 });
  expect(cellsIn(level0Rect(7000, 0, 100, 100), grid)).toBeNull();
});

test("a grown rectangle keeps its centre and contains the old one", () => {
  const small = level0Rect(100, 200, 40, 60);
  const large = grow(small, 1.5);
  expect(large).toEqual({ x: 90, y: 185, width: 60, height: 90 });
  expect(centre(large)).toEqual(centre(small));
  expect(contains(large, small)).toBe(true);
  expect(contains(small, large)).toBe(false);
});

test("an affine map and its inverse undo each other", () => {
  const matrix: Affine = [0.9, -0.2, 130, 0.2, 0.9, -40];
  const there = transform(matrix, level0(1000, 2000));
  expect(there).toEqual({ x: 630, y: 1960 });
  const back = transform(invert(matrix), there);
  expect(back.x).toBeCloseTo(1000, 9);
  expect(back.y).toBeCloseTo(2000, 9);
  compose(invert(matrix), matrix).forEach((value, index) => expect(value).toBeCloseTo(IDENTITY[index]!, 12));
});

test("stretch and turn are read from the matrix", () => {
  expect(stretch([0, -2, 5, 2, 0, 5])).toBe(2);
  expect(turn([0, -2, 5, 2, 0, 5])).toBe(90);
});

test("a matrix without inverse is refused", () => {
  expect(() => invert([1, 2, 0, 2, 4, 0])).toThrow(RangeError);
});
