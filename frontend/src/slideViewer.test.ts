import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { level0, level0Rect, screen } from "./geometry";
import { SlideViewer } from "./slideViewer";
import { fakeSlide } from "./testing/fakes";

// A slide of 8,000 × 4,000 px in a window of 1,000 × 800 px: the whole slide is seen at 1/8.
const slide = fakeSlide({
  width: 8000,
  height: 4000,
  levels: [
    { width: 8000, height: 4000, tile_width: 256, tile_height: 256, downsample: 1 },
    { width: 1000, height: 500, tile_width: 256, tile_height: 256, downsample: 8 },
  ],
});
let viewer: SlideViewer;

beforeEach(async () => {
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(1000);
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(800);
  const element = document.body.appendChild(document.createElement("div"));
  viewer = new SlideViewer({ element, slide });
  await new Promise<void>((resolve) => viewer.onOpen(resolve));
});
afterEach(() => {
  viewer.destroy();
  document.body.replaceChildren();
});

test("the whole slide is shown first", () => {
  expect(viewer.view).toEqual({ centre: { x: 4000, y: 2000 }, zoom: 0.125, rotation: 0 });
});

test("a view that is set is the view that is read", () => {
  viewer.setView({ centre: level0(1234, 567), zoom: 0.5 }, true);
  const { centre, zoom } = viewer.view;
  expect(centre.x).toBeCloseTo(1234, 6);
  expect(centre.y).toBeCloseTo(567, 6);
  expect(zoom).toBeCloseTo(0.5, 9);
});

test("screen and slide points are each other's inverse, and the middle of the window is the view's centre", () => {
  viewer.setView({ centre: level0(3000, 1000), zoom: 0.25 }, true);
  const middle = viewer.toLevel0(screen(500, 400));
  expect(middle.x).toBeCloseTo(3000, 6);
  expect(middle.y).toBeCloseTo(1000, 6);
  const corner = viewer.toScreen(level0(3400, 1200));
  expect(corner.x).toBeCloseTo(600, 6);
  expect(corner.y).toBeCloseTo(450, 6);
});

test("a rectangle is fitted by its tighter side", () => {
  viewer.fit(level0Rect(1000, 1000, 2000, 400), true);
  expect(viewer.view.zoom).toBeCloseTo(0.5, 9);
  expect(viewer.window.x).toBeCloseTo(1000, 6);
  expect(viewer.window.width).toBeCloseTo(2000, 6);
});

test("magnification follows from the resolution", () => {
  viewer.magnify(20);
  viewer.osd.viewport.zoomTo(viewer.osd.viewport.getZoom(false), undefined, true);
  expect(viewer.magnification).toBeCloseTo(20, 6);
});

test("OpenSeadragon writes no style element into the page", () => {
  expect(document.head.querySelector("style")?.namespaceURI).toBe("urn:counterstain");
  expect(document.head.getElementsByTagName("STYLE")).toHaveLength(0);
});
