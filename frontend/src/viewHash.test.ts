import { expect, test } from "vitest";
import { level0 } from "./geometry";
import { readHash, writeHash } from "./viewHash";

test("a position survives the way through the address", () => {
  const hash = writeHash({ centre: level0(12000.4, 8000.6), zoom: 0.123456, rotation: 0 });
  expect(hash).toBe("#x=12000&y=8001&z=0.1235");
  expect(readHash(hash)).toEqual({ centre: { x: 12000, y: 8001 }, zoom: 0.1235, rotation: 0 });
});

test("a turned view is turned again", () => {
  const hash = writeHash({ centre: level0(1, 2), zoom: 1, rotation: -90 });
  expect(hash).toBe("#x=1&y=2&z=1&r=270");
  expect(readHash(hash)?.rotation).toBe(270);
  expect(readHash("#x=1&y=2&z=1&r=north")?.rotation).toBe(0);
});

test("an address that names no whole position is ignored", () => {
  expect(readHash("")).toBeNull();
  expect(readHash("#patch=12")).toBeNull();
  expect(readHash("#x=1&y=two&z=1")).toBeNull();
  expect(readHash("#x=1&y=2&z=0")).toBeNull();
});
