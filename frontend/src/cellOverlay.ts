/** Counted nuclei over a slide, as rings: positive ones with a dot, so that hue never stands alone. */
import { get, urls } from "./api";
import { CanvasLayer } from "./canvasLayer";
import { contains, grow, level0, type Level0Rect } from "./geometry";
import type { CellsPayload } from "./payload";
import type { SlideViewer } from "./slideViewer";

export const POSITIVE_COLOUR = "#e8742c";
export const NEGATIVE_COLOUR = "#56b4e9";
/** Above this many micrometres per screen pixel a nucleus is too small for a ring. */
const COARSEST_UM_PER_PX = 2;
const MARGIN = 1.4;
const SETTLE_MS = 160;
const SMALLEST_RADIUS_PX = 3;

export interface OverlayState {
  shown: boolean;
  tooFar: boolean;
  cells: CellsPayload | null;
}

export class CellOverlay {
  private readonly layer: CanvasLayer;
  private cells: CellsPayload | null = null;
  private held: Level0Rect | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asked = 0;

  constructor(
    private readonly viewer: SlideViewer,
    private readonly scoreId: () => number | null,
    private readonly onChange: (state: OverlayState) => void = () => {},
    private readonly fetchCells: typeof get<CellsPayload> = get,
  ) {
    this.layer = new CanvasLayer(viewer, (context) => this.draw(context));
    this.layer.visible = false;
    viewer.onMove(() => this.later());
  }

  get visible(): boolean {
    return this.layer.visible;
  }

  set visible(visible: boolean) {
    this.layer.visible = visible;
    if (visible) void this.load();
    this.report();
  }

  /** Forget what was fetched: another count has been finished. */
  reset(): void {
    this.cells = null;
    this.held = null;
    if (this.visible) void this.load();
  }

  private get tooFar(): boolean {
    return (this.viewer.slide.mpp ?? 1) / this.viewer.view.zoom > COARSEST_UM_PER_PX;
  }

  private later(): void {
    if (!this.visible) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.load(), SETTLE_MS);
  }

  private async load(): Promise<void> {
    const score = this.scoreId();
    const { window } = this.viewer;
    if (!this.visible || score === null || this.tooFar) return this.report();
    // A thinned window is fetched again when one goes closer; a complete one serves while it covers the view.
    if (this.held && contains(this.held, window) && !this.cells?.capped) return this.report();
    const wider = grow(window, MARGIN);
    this.asked += 1;
    const turn = this.asked;
    try {
      const cells = await this.fetchCells(urls.cells(score, wider));
      if (turn !== this.asked) return;
      this.cells = cells;
      this.held = wider;
    } catch {
      // The rings that are there stay; the next move asks again.
    }
    this.layer.redraw();
    this.report();
  }

  private report(): void {
    this.onChange({ shown: this.visible, tooFar: this.tooFar, cells: this.cells });
  }

  private draw(context: CanvasRenderingContext2D): void {
    if (!this.cells || this.tooFar) return;
    const { zoom } = this.viewer.view;
    drawRings(context, this.cells, {
      toScreen: (x, y) => this.viewer.toScreen(level0(x, y)),
      pxPerUm: zoom / (this.viewer.slide.mpp ?? 1),
    });
  }
}

export interface RingPlace {
  toScreen: (x: number, y: number) => { x: number; y: number };
  pxPerUm: number;
}

export function drawRings(context: CanvasRenderingContext2D, cells: CellsPayload, place: RingPlace): void {
  const rings = { true: new Path2D(), false: new Path2D() };
  const dots = new Path2D();
  cells.x.forEach((cellX, index) => {
    const { x, y } = place.toScreen(cellX, cells.y[index]!);
    const radius = Math.max(SMALLEST_RADIUS_PX, Math.sqrt(cells.area_um2[index]! / Math.PI) * place.pxPerUm);
    const positive = cells.positive[index]!;
    const ring = rings[`${positive}`];
    ring.moveTo(x + radius, y);
    ring.arc(x, y, radius, 0, 2 * Math.PI);
    if (!positive) return;
    dots.moveTo(x + 1.6, y);
    dots.arc(x, y, Math.min(1.6, radius / 2), 0, 2 * Math.PI);
  });
  for (const [path, colour] of [[rings.false, NEGATIVE_COLOUR], [rings.true, POSITIVE_COLOUR]] as const) {
    context.lineWidth = 3;
    context.strokeStyle = "rgb(10 10 10 / 70%)";
    context.stroke(path);
    context.lineWidth = 1.5;
    context.strokeStyle = colour;
    context.stroke(path);
  }
  context.fillStyle = "#fff";
  context.fill(dots);
}
