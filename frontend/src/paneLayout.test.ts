import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PaneLayout } from "./paneLayout";

const host = (): HTMLElement => document.querySelector<HTMLElement>("main")!;

beforeEach(() => {
  vi.useFakeTimers();
  document.body.innerHTML = `<main><div id="pane-source"></div><div id="pane-real"></div><div id="pane-synthetic"></div></main>`;
});
afterEach(() => vi.useRealTimers());

test("blinking is slower than three flashes a second, and ends", () => {
  const layout = new PaneLayout(host(), ["source", "real", "synthetic"]);
  layout.layout = "blink";
  const top = document.querySelector<HTMLElement>("#pane-synthetic")!;
  let changes = 0;
  let last = top.style.visibility;
  for (let ms = 0; ms < 6000; ms += 50) {
    vi.advanceTimersByTime(50);
    if (top.style.visibility !== last) changes += 1;
    last = top.style.visibility;
  }
  expect(changes / 2 / 6).toBeLessThan(3);
  expect(changes).toBeGreaterThan(4);
  layout.layout = "side";
  vi.advanceTimersByTime(2000);
  expect(top.style.visibility).toBe("");
});

test("the share stays between nothing and all", () => {
  const layout = new PaneLayout(host(), ["source", "synthetic"]);
  layout.layout = "opacity";
  expect(layout.below).toBe("source");
  layout.setShare(99);
  layout.nudge(1);
  expect(document.querySelector<HTMLElement>("#pane-synthetic")!.style.opacity).toBe("1");
  layout.setShare(-5);
  expect(document.querySelector<HTMLElement>("#pane-synthetic")!.style.opacity).toBe("0");
});
