import { beforeEach, expect, test, vi } from "vitest";
import template from "../../templates/review/review.html?raw";
import type { Pane } from "./comparisonDesk";
import { type Affine, IDENTITY, level0, screen, type ScreenPoint } from "./geometry";
import { RegionMode } from "./regionMode";
import { fakeSlide } from "./testing/fakes";
import { withoutDjango } from "./testing/template";

type Handler = (event: Record<string, unknown>) => void;

/** A pane of 2 screen pixels per level-0 pixel, whose OpenSeadragon only keeps its handlers. */
function fakePane(name: Pane["name"], fromCommon: Affine): Pane & { send: (event: string, at?: readonly [number, number]) => Record<string, unknown> } {
  const handlers: Record<string, Handler> = {};
  const viewer = {
    element: document.createElement("div"),
    slide: fakeSlide({ width: 1000, height: 800 }),
    view: { zoom: 2 },
    osd: { addHandler: (event: string, handler: Handler) => (handlers[event] = handler) },
    onPick: vi.fn(),
    toLevel0: ({ x, y }: ScreenPoint) => level0(x / 2, y / 2),
  };
  const send = (event: string, at?: readonly [number, number]): Record<string, unknown> => {
    const sent = { position: at && { x: at[0], y: at[1] }, preventDefaultAction: false };
    handlers[event]!(sent);
    return sent;
  };
  return { name, viewer, fromCommon, marks: {}, send } as never;
}

let [source, real] = [fakePane("source", IDENTITY), fakePane("real", IDENTITY)];
const onDrawn = vi.fn();
let mode: RegionMode;

beforeEach(() => {
  document.body.innerHTML = withoutDjango(template);
  onDrawn.mockReset();
  [source, real] = [fakePane("source", IDENTITY), fakePane("real", [1, 0, 100, 0, 1, -50])];
  mode = new RegionMode({ panes: [source, real] }, onDrawn, () => {});
  mode.active = true;
});

test("a rectangle is drawn by dragging, and the slide stays where it is", () => {
  source.send("canvas-press", [20, 40]);
  expect(source.send("canvas-drag", [120, 100]).preventDefaultAction).toBe(true);
  expect(mode.draft).toEqual({ pane: "source", corners: [[10, 20], [60, 20], [60, 50], [10, 50]] });
  source.send("canvas-drag-end");
  expect(onDrawn).toHaveBeenCalledWith([[10, 20], [60, 20], [60, 50], [10, 50]]);
  expect(mode.draft).toBeNull();
});

test("what is drawn on another slide is carried to the source, and stays on it", () => {
  mode.drag(real, screen(220, 0), screen(420, 100));
  mode.close();
  expect(onDrawn).toHaveBeenCalledWith([[10, 50], [110, 50], [110, 100], [10, 100]]);
  mode.drag(real, screen(0, 0), screen(420, 100));
  mode.close();
  expect(onDrawn).toHaveBeenLastCalledWith([[0, 50], [110, 50], [110, 100], [0, 100]]);
});

test("a polygon is closed at its first corner", () => {
  mode.shape = "polygon";
  for (const [x, y] of [[10, 10], [100, 10], [100, 90]] as const) mode.addCorner(source, level0(x, y));
  expect(onDrawn).not.toHaveBeenCalled();
  mode.addCorner(source, level0(12, 11));
  expect(onDrawn).toHaveBeenCalledWith([[10, 10], [100, 10], [100, 90]]);
});

test("corners on another slide begin a new polygon; two corners are none", () => {
  mode.shape = "polygon";
  mode.addCorner(source, level0(10, 10));
  mode.addCorner(source, level0(90, 10));
  mode.addCorner(real, level0(300, 300));
  expect(mode.draft).toEqual({ pane: "real", corners: [[300, 300]] });
  expect(document.querySelector<HTMLButtonElement>("#region-count")!.disabled).toBe(true);
  mode.close();
  expect(onDrawn).not.toHaveBeenCalled();
});

test("a stray drag is no region, and a mode that is off takes nothing", () => {
  mode.drag(source, screen(20, 20), screen(23, 200));
  mode.close();
  mode.active = false;
  source.send("canvas-press", [20, 40]);
  expect(source.send("canvas-drag", [120, 100]).preventDefaultAction).toBe(false);
  expect(onDrawn).not.toHaveBeenCalled();
  expect(document.querySelector<HTMLElement>("#region-tools")!.hidden).toBe(true);
});
