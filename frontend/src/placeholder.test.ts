import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { level0 } from "./geometry";
import { showPlaceholder } from "./placeholder";
import { SlideViewer } from "./slideViewer";
import { fakeSlide } from "./testing/fakes";

let viewer: SlideViewer;

beforeEach(async () => {
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(1000);
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(500);
  const element = document.body.appendChild(document.createElement("div"));
  const slide = fakeSlide({ width: 8000, height: 4000 });
  viewer = new SlideViewer({ element, slide });
  await new Promise<void>((resolve) => viewer.onOpen(resolve));
});
afterEach(() => {
  viewer.destroy();
  document.body.replaceChildren();
});

test("the thumbnail lies where the slide will be, and goes once that is drawn", () => {
  const image = showPlaceholder(viewer);
  expect(image.getAttribute("src")).toBe("/slides/7/thumbnail/0123456789ab.jpg");
  expect([image.style.width, image.style.height]).toEqual(["1000px", "500px"]);
  viewer.setView({ centre: level0(4000, 2000), zoom: 0.25 }, true);
  viewer.osd.raiseEvent("viewport-change", {});
  expect([image.style.width, image.style.transform]).toEqual(["2000px", "translate(-500px, -250px) rotate(0deg)"]);
  viewer.osd.raiseEvent("fully-loaded-change", { fullyLoaded: true });
  expect(image.isConnected).toBe(false);
});

test("far in it would be a blur and is hidden", () => {
  const image = showPlaceholder(viewer);
  viewer.setView({ zoom: 4 }, true);
  viewer.osd.raiseEvent("viewport-change", {});
  expect(image.hidden).toBe(true);
});
