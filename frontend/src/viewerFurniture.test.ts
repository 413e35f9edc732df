import { expect, test } from "vitest";
import { fakeSlide } from "./testing/fakes";
import { badgesOf, labelViewer, syntheticFrame } from "./viewerFurniture";

const words = (changes: Parameters<typeof fakeSlide>[0]): (string | null)[] =>
  badgesOf(fakeSlide(changes)).map((badge) => badge.textContent);

test("a slide carries what one must know of it", () => {
  expect(words({ drawn: false })).toEqual([]);
  expect(words({ drawn: true, synthetic: true })).toEqual(["SYNTHETIC", "DRAWN TISSUE"]);
  expect(words({ drawn: false, mpp_source: "hand" })).toEqual(["scale supplied by hand"]);
  expect(words({ drawn: false, colour: "srgb" })).toEqual(["sRGB"]);
});

test("a title that came from people is text, not markup", () => {
  const host = document.createElement("div");
  labelViewer(host, fakeSlide({ case: "<b>Case</b>" }));
  expect(host.querySelector("b")).toBeNull();
  expect(host.textContent).toContain("<b>Case</b>");
});

test("the band repeats the word, so that no crop of the pane loses it", () => {
  expect(syntheticFrame().textContent!.match(/SYNTHETIC/g)!.length).toBeGreaterThan(20);
});
