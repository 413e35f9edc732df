import { beforeEach, expect, test } from "vitest";
import { qualityOf, showAlignment } from "./alignmentState";
import { fakeAlignment, fakeReview } from "./testing/reviews";

beforeEach(() => {
  document.body.innerHTML = '<div id="pane-real"><div class="viewer-title"></div></div><p id="alignment-note"></p>';
});
const text = (selector: string): string => document.querySelector(selector)?.textContent ?? "";

test("the quality says who aligned, how well and which version", () => {
  expect(qualityOf(fakeAlignment({ correlation: 0.987 }))).toBe("Aligned by computer, tissue overlap 99\u202f%");
  expect(qualityOf(fakeAlignment({ by: "ada", version: 2, error_um: 6.21, correlation: null }))).toBe("Aligned by ada, median error 6.21\u202fµm · version 2");
  // Two pairs fit without any error, which says nothing of the rest of the slide.
  expect(qualityOf(fakeAlignment({ by: "ada", version: 3, error_um: 0, correlation: null }))).toBe("Aligned by ada · version 3");
});

test("it stands on the real slide's title, once", () => {
  showAlignment(fakeReview());
  showAlignment(fakeReview({ alignment: fakeAlignment({ version: 2 }) }));
  expect(document.querySelectorAll("#pane-real .viewer-title #alignment")).toHaveLength(1);
  expect(text("#alignment")).toContain("version 2");
  expect(text("#alignment-note")).toBe("");
});

test("a pair that does not fit says why and what to do", () => {
  showAlignment(fakeReview({ alignment: null, alignment_note: "The sections do not fit." }));
  expect(text("#alignment")).toBe("Not aligned");
  expect(text("#alignment-note")).toBe("The sections do not fit. Until then the middles of both slides are laid on each other. “Align” lays places on each other by hand.");
});

test("without a real slide there is nothing to align", () => {
  showAlignment(fakeReview({ alignment: null, real: null, alignment_note: "This case has no real slide." }));
  expect(document.querySelector("#alignment")).toBeNull();
  expect(text("#alignment-note")).toBe("This case has no real slide.");
});
