import { expect, test, vi } from "vitest";
import { CornerMap } from "./cornerMap";
import type { LabelSprite } from "./labelSprite";
import type { LabellingPayload } from "./payload";
import { fakeSlide } from "./testing/fakes";
import { fakePatch } from "./testing/patches";

test("a click on the small slide picks the offered patch under it", () => {
  document.body.innerHTML = `<div id="map"><img><canvas></canvas></div>`;
  const host = document.querySelector<HTMLElement>("#map")!;
  const patches = [0, 1].map((column) => fakePatch(column + 1, column, 0, { x: column * 2240, size: 2240, offered: column === 0 }));
  const picked = vi.fn();
  new CornerMap(host, { slide: fakeSlide(), patches } as unknown as LabellingPayload, {} as LabelSprite, picked);
  vi.spyOn(host.querySelector("canvas")!, "getBoundingClientRect").mockReturnValue(new DOMRect(10, 20, 672.3, 500));
  const click = (x: number, y: number): boolean => host.dispatchEvent(new MouseEvent("click", { clientX: x, clientY: y }));
  click(110, 120);
  expect(picked).toHaveBeenCalledExactlyOnceWith(patches[0]);
  click(310, 120);
  click(110, 400);
  expect(picked).toHaveBeenCalledTimes(1);
  expect(host.querySelector("img")!.getAttribute("src")).toBe("/slides/7/thumbnail/0123456789ab.jpg");
});
