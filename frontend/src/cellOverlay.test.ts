import { beforeEach, expect, test, vi } from "vitest";
import { CellOverlay, drawRings, type OverlayState } from "./cellOverlay";
import { level0, level0Rect } from "./geometry";
import type { CellsPayload } from "./payload";
import type { SlideViewer } from "./slideViewer";
import { fakeSlide } from "./testing/fakes";

const cells: CellsPayload = { count: 2, capped: false, x: [10, 20], y: [30, 40], area_um2: [28.27, 0.1], positive: [true, false] };
const arc = vi.fn();
let moved: () => void;
let view = { zoom: 1, window: level0Rect(0, 0, 1000, 800) };
const viewer = {
  slide: fakeSlide({ mpp: 0.5 }),
  osd: { canvas: document.body.appendChild(document.createElement("div")), isOpen: () => false },
  get view() { return { zoom: view.zoom, centre: level0(0, 0), rotation: 0 }; },
  get window() { return view.window; },
  onMove: (listener: () => void) => { moved = listener; },
} as unknown as SlideViewer;
const fetchCells = vi.fn(() => Promise.resolve(cells));
const states: OverlayState[] = [];
let score: number | null = 5;
let overlay: CellOverlay;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("Path2D", class { arc = arc; moveTo = vi.fn(); });
  arc.mockReset();
  fetchCells.mockClear();
  states.length = 0;
  score = 5;
  view = { zoom: 1, window: level0Rect(0, 0, 1000, 800) };
  overlay = new CellOverlay(viewer, () => score, (state) => states.push(state), fetchCells);
});

async function move(window: [number, number, number, number], zoom = 1): Promise<void> {
  view = { zoom, window: level0Rect(...window) };
  moved();
  await vi.advanceTimersByTimeAsync(200);
}

test("cells are fetched with a margin, once for all views inside it", async () => {
  overlay.visible = true;
  await vi.advanceTimersByTimeAsync(0);
  expect(fetchCells).toHaveBeenCalledWith("/api/v1/scores/5/cells/?x=-200&y=-160&width=1400&height=1120");
  await move([100, 100, 1000, 800]);
  expect(fetchCells).toHaveBeenCalledTimes(1);
  await move([300, 100, 1000, 800]);
  expect(fetchCells).toHaveBeenCalledTimes(2);
});

test("far out nothing is fetched, and the page is told why", async () => {
  overlay.visible = true;
  await move([0, 0, 9000, 8000], 0.1);
  fetchCells.mockClear();
  await move([50, 0, 9000, 8000], 0.1);
  expect(fetchCells).not.toHaveBeenCalled();
  expect(states.at(-1)).toMatchObject({ shown: true, tooFar: true });
});

test("nothing is fetched while hidden or before anything was counted", async () => {
  await move([0, 0, 100, 100]);
  score = null;
  overlay.visible = true;
  await vi.advanceTimersByTimeAsync(0);
  expect(fetchCells).not.toHaveBeenCalled();
});

test("a ring has the cell's size but never less than can be seen, and a positive one a dot", () => {
  const context = { stroke: vi.fn(), fill: vi.fn() } as unknown as CanvasRenderingContext2D;
  drawRings(context, cells, { toScreen: (x, y) => ({ x, y }), pxPerUm: 2 });
  const [ring, dot, small] = arc.mock.calls as [number, number, number][];
  expect(ring![2]).toBeCloseTo(6, 2);
  expect(dot!.slice(0, 3)).toEqual([10, 30, 1.6]);
  expect(small!.slice(0, 3)).toEqual([20, 40, 3]);
});
