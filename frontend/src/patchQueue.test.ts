import { beforeEach, expect, test } from "vitest";
import { PatchQueue } from "./patchQueue";
import type { PatchPayload } from "./payload";
import { fakePatch } from "./testing/patches";

// Cells of a 3 × 2 grid; column 1 of row 1 is missing.
const patches: PatchPayload[] = [[0, 0], [1, 0], [2, 0], [0, 1], [2, 1]].map(([column, row], index) => fakePatch(index + 1, column, row));
let labelled: Set<number>;
let queue: PatchQueue;
const start = (...ids: number[]): void => {
  labelled = new Set(ids);
  queue = new PatchQueue(patches, (patch) => !labelled.has(patch.id));
};

beforeEach(() => start(1, 2));

test("work begins at the first patch without a label", () => {
  expect(queue.current?.id).toBe(3);
  expect(queue.number).toBe(3);
});

test("when all are labelled one begins at the first", () => {
  start(1, 2, 3, 4, 5);
  expect(queue.current?.id).toBe(1);
  expect(queue.toNextOpen()).toBe(false);
  expect(queue.current?.id).toBe(1);
});

test("arrows move through labelled patches too and stop at the ends", () => {
  queue.step(-1);
  queue.step(-1);
  queue.step(-1);
  expect(queue.current?.id).toBe(1);
  for (let press = 0; press < 9; press += 1) queue.step(1);
  expect(queue.current?.id).toBe(5);
});

test("up and down keep the column and jump over missing cells", () => {
  queue.goTo(2);
  queue.stepRow(1);
  expect(queue.current?.id).toBe(2);
  queue.goTo(5);
  queue.stepRow(-1);
  expect(queue.current?.id).toBe(3);
});

test("the next open patch wraps round and leaves labelled ones out", () => {
  queue.goTo(5);
  labelled.add(5);
  expect(queue.openAhead(9).map((patch) => patch.id)).toEqual([3, 4]);
  expect(queue.toNextOpen()).toBe(true);
  expect(queue.current?.id).toBe(3);
});

test("a patch that is not offered cannot be gone to", () => {
  expect(queue.goTo(99)).toBe(false);
  expect(queue.current?.id).toBe(3);
});

test("up and down find the nearest patch whatever the order of reading", () => {
  const shuffled = [patches[4]!, patches[0]!, patches[3]!, patches[2]!, patches[1]!];
  queue = new PatchQueue(shuffled, () => true);
  queue.goTo(1);
  queue.stepRow(1);
  expect(queue.current?.id).toBe(4);
  queue.stepRow(-1);
  expect(queue.current?.id).toBe(1);
});

test("a range holds both ends and what is read between them", () => {
  expect(queue.between(4, 2).map((patch) => patch.id)).toEqual([2, 3, 4]);
  expect(queue.between(4, 99)).toEqual([]);
});

test("patches brought in leave the reader where they are", () => {
  queue.goTo(3);
  queue.replace([fakePatch(9), ...patches]);
  expect(queue.current?.id).toBe(3);
  expect(queue.number).toBe(4);
});

test("a slide without patches has no current one", () => {
  const empty = new PatchQueue([], () => true);
  empty.step(1);
  expect(empty.current).toBeNull();
  expect(empty.openAhead(3)).toEqual([]);
});
