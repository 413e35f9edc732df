import { expect, test } from "vitest";
import { Prefetcher } from "./patchImages";
import { fakeSlide } from "./testing/fakes";
import { fakePatch } from "./testing/patches";

const patch = fakePatch(1, 1, 0, { x: 960, y: 0, size: 960 });

test("the tiles of a coming patch are fetched at the level that will be drawn, each once", () => {
  const fetched: string[] = [];
  const prefetcher = new Prefetcher(fakeSlide(), (url) => fetched.push(url));
  prefetcher.prefetch([patch], 0.2, 1);
  prefetcher.prefetch([patch], 0.2, 1);
  expect(fetched).toEqual(["/t/7/0123456789ab/2/1_0.jpg"]);
});

test("a margin brings the ring of context along", () => {
  const fetched: string[] = [];
  new Prefetcher(fakeSlide(), (url) => fetched.push(url)).prefetch([patch], 0.2, 1.5);
  expect(fetched).toHaveLength(6);
});
