import { afterEach, beforeEach, expect, test, vi } from "vitest";
import template from "../../templates/review/review.html?raw";
import { ComparisonDesk } from "./comparisonDesk";
import { level0 } from "./geometry";
import type { ReviewPayload } from "./payload";
import { fakeAlignment, fakeReview as review } from "./testing/reviews";
import { withoutDjango } from "./testing/template";

let desk: ComparisonDesk;
const open = async (data: ReviewPayload): Promise<ComparisonDesk> => {
  desk = new ComparisonDesk(data);
  await Promise.all(desk.panes.map((pane) => new Promise<void>((resolve) => pane.viewer.onOpen(resolve))));
  return desk;
};
const touch = (pane: number): void =>
  void desk.panes[pane]!.viewer.element.dispatchEvent(new Event("pointerdown"));

beforeEach(() => {
  history.replaceState(null, "", "#");
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(400);
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(400);
  document.body.innerHTML = withoutDjango(template);
});
afterEach(() => {
  for (const pane of desk.panes) pane.viewer.destroy();
});

test("three panes move together, each in its own pixels", async () => {
  await open(review());
  touch(0);
  desk.panes[0]!.viewer.setView({ centre: level0(1000, 900), zoom: 0.4 }, true);
  await vi.waitFor(() => expect(desk.panes[1]!.viewer.view.centre.x).toBeCloseTo(1100, 3));
  expect(desk.panes[1]!.viewer.view.centre.y).toBeCloseTo(850, 3);
  expect(desk.panes[2]!.viewer.view.centre.x).toBeCloseTo(2000, 3);
  expect(desk.panes[2]!.viewer.view.zoom).toBeCloseTo(0.2, 6);
});

test("without a real slide there are two panes", async () => {
  await open(review({ real: null, alignment: null }));
  expect(desk.panes).toHaveLength(2);
  expect(document.querySelector<HTMLElement>("#pane-real")!.hidden).toBe(true);
});

test("the synthetic pane says so in its title and all round it, the others do not", async () => {
  await open(review());
  expect(document.querySelector("#pane-synthetic .badge-synthetic")!.textContent).toBe("SYNTHETIC");
  expect(document.querySelector("#pane-synthetic .synthetic-frame")).not.toBeNull();
  expect(document.querySelectorAll(".synthetic-frame")).toHaveLength(1);
});

test("an alignment that arrives later moves the real pane into register", async () => {
  await open(review({ alignment: null }));
  touch(0);
  desk.panes[0]!.viewer.setView({ centre: level0(1000, 900), zoom: 0.4 }, true);
  await vi.waitFor(() => expect(desk.panes[1]!.viewer.view.zoom).toBeCloseTo(0.4, 6));
  desk.setAlignment(fakeAlignment({ matrix: [1, 0, 7, 0, 1, 9] }));
  expect(desk.panes[1]!.viewer.view.centre.x).toBeCloseTo(1007, 3);
});

test("a place named in the address is where all panes open", async () => {
  history.replaceState(null, "", "#x=1500&y=1200&z=0.3");
  await open(review());
  expect(desk.panes[0]!.viewer.view.centre.x).toBeCloseTo(1500, 3);
  expect(desk.panes[1]!.viewer.view.centre.x).toBeCloseTo(1600, 3);
  history.replaceState(null, "", "#");
});

test("panes are put over each other and back", async () => {
  await open(review());
  desk.layout.layout = "curtain";
  desk.layout.setShare(30);
  const top = document.querySelector<HTMLElement>("#pane-synthetic")!;
  expect(top.style.clipPath).toBe("inset(0 0 0 70%)");
  expect(document.querySelector<HTMLElement>("#pane-source")!.hidden).toBe(true);
  desk.layout.below = "source";
  expect(document.querySelector<HTMLElement>("#pane-source")!.hidden).toBe(false);
  expect(document.querySelector<HTMLElement>("#pane-real")!.hidden).toBe(true);
  desk.layout.layout = "opacity";
  expect([top.style.clipPath, top.style.opacity]).toEqual(["", "0.3"]);
  desk.layout.layout = "side";
  expect([top.style.clipPath, top.style.opacity, document.querySelector<HTMLElement>("#pane-real")!.hidden]).toEqual(["", "", false]);
});

test("one or two panes are enough, but one stays", async () => {
  await open(review());
  desk.layout.toggle("source");
  desk.layout.toggle("real");
  desk.layout.toggle("synthetic");
  expect([..."source real synthetic".split(" ")].map((name) => document.querySelector<HTMLElement>(`#pane-${name}`)!.hidden)).toEqual([true, true, false]);
  desk.layout.toggle("real");
  expect(document.querySelector<HTMLElement>("#pane-real")!.hidden).toBe(false);
});
