import { expect, test } from "vitest";
import { level0 } from "./geometry";
import { readHash, writeHash } from "./viewHash";

test("a position survives the way through the address", () => {
  const hash = writeHash({ centre: level0(12000.4, 8000.6), zoom: 0.123456 });
  expect(hash).toBe("#x=12000&y=8001&z=0.1235");
  expect(readHash(hash)).toEqual({ centre: { x: 12000, y: 8001 }, zoom: 0.1235 });
});

test("an address that names no whole position is ignored", () => {
  expect(readHash("")).toBeNull();
  expect(readHash("#patch=12")).toBeNull();
  expect(readHash("#x=1&y=two&z=1")).toBeNull();
  expect(readHash("#x=1&y=2&z=0")).toBeNull();
});
