import { expect, test } from "vitest";
import { kappaText } from "./dashboard";
import { formatOf } from "./labelFiles";

test("a kappa is told with its interval, and one that does not exist says why", () => {
  expect(kappaText({ kappa: 0.7149, low: 0.551, high: 0.8405 })).toBe("0.71 (0.55–0.84)");
  expect(kappaText({ kappa: -0.05, low: -0.3, high: 0.2 })).toBe("−0.05 (−0.30–0.20)");
  expect(kappaText({ kappa: null, low: null, high: null })).toContain("all labels are the same");
});

test("a file's name says its format", () => {
  expect(["a.CSV", "labels-slide-3.geojson", "labels.coco.json", "x"].map(formatOf)).toEqual(["csv", "geojson", "coco", "csv"]);
});
