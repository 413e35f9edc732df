import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { level0 } from "./geometry";
import { lengthText, Ruler, turned } from "./ruler";
import { SlideViewer } from "./slideViewer";
import { fakeSlide } from "./testing/fakes";

let viewer: SlideViewer;
let host: HTMLElement;

beforeEach(async () => {
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(1000);
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(800);
  host = document.body.appendChild(document.createElement("div"));
  const element = host.appendChild(document.createElement("div"));
  viewer = new SlideViewer({ element, slide: fakeSlide() });
  await new Promise<void>((resolve) => viewer.onOpen(resolve));
});
afterEach(() => {
  viewer.destroy();
  document.body.replaceChildren();
});

test("a length is in micrometres, or in pixels while the resolution is unknown", () => {
  const [from, to] = [level0(100, 100), level0(400, 500)];
  expect(lengthText(from, to, 0.25)).toBe("125\u202fµm");
  expect(lengthText(from, to, 4)).toBe("2\u202fmm");
  expect(lengthText(from, to, null)).toBe("500 px");
});

test("it is told when it is switched, and switching it off clears the line", () => {
  const states: boolean[] = [];
  const ruler = new Ruler(viewer, host, (on) => states.push(on));
  ruler.toggle();
  ruler.measure(level0(0, 0), level0(400, 0));
  expect(host.querySelector(".ruler-length")!.textContent).toBe("100\u202fµm");
  expect(viewer.element.classList.contains("is-measuring")).toBe(true);
  ruler.toggle();
  expect(states).toEqual([true, false]);
  expect(host.querySelector<HTMLElement>(".ruler-length")!.hidden).toBe(true);
});

test("four right angles are a full turn, either way", () => {
  expect([turned(0, 90), turned(270, 90), turned(0, -90), turned(90, -90)]).toEqual([90, 0, 270, 0]);
});
