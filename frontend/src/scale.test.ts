import { expect, test } from "vitest";
import { magnificationAt, scaleBar, zoomFor } from "./scale";

test("a quarter micrometre per screen pixel is 40×, a half is 20×", () => {
  expect(magnificationAt(1, 0.25)).toBe(40);
  expect(magnificationAt(1, 0.5)).toBe(20);
  expect(magnificationAt(0.5, 0.25)).toBe(20);
});

test("the zoom for a magnification is the inverse", () => {
  expect(zoomFor(20, 0.25)).toBe(0.5);
  expect(magnificationAt(zoomFor(7, 0.3), 0.3)).toBeCloseTo(7, 12);
});

test("the scale bar is the longest round length that fits", () => {
  expect(scaleBar(1, 140)).toEqual({ lengthUm: 100, widthPx: 100 });
  expect(scaleBar(2, 140)).toEqual({ lengthUm: 200, widthPx: 100 });
  expect(scaleBar(0.25, 140)).toEqual({ lengthUm: 20, widthPx: 80 });
  expect(scaleBar(40, 140)).toEqual({ lengthUm: 5000, widthPx: 125 });
});
