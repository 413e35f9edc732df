/** Draw a region on any pane: a rectangle by dragging, or a polygon corner by corner. It is carried to the source slide. */
import type { ComparisonDesk, Pane } from "./comparisonDesk";
import { all, find, make, setText } from "./dom";
import { invert, type Level0Point, level0, screen, type ScreenPoint, transform } from "./geometry";
import type { PaneName } from "./paneLayout";
import type { Corners } from "./payload";
import { gettext } from "./text";

export const SHAPES = ["rectangle", "polygon"] as const;
export type Shape = (typeof SHAPES)[number];
const NAMES: Record<Shape, string> = { rectangle: gettext("Rectangle"), polygon: gettext("Polygon") };
const HINTS: Record<Shape, string> = {
  rectangle: gettext("Drag over the tissue on any slide."),
  polygon: gettext("Click the corners on one slide; close at the first one or with “Count”."),
};
const LEAST_CORNERS = 3;
const SMALLEST_PX = 6;
const CLOSES_PX = 10;
const MOST_CORNERS = 200;

export class RegionMode {
  private on = false;
  private chosen: Shape = "rectangle";
  private pane: Pane | null = null;
  private corners: Level0Point[] = [];
  private pressed: ScreenPoint | null = null;
  private readonly bar = find("#region-tools");
  private readonly done = make("button", { type: "button", class: "button button-small button-primary", id: "region-count" }, gettext("Count"));

  constructor(
    private readonly desk: Pick<ComparisonDesk, "panes">,
    private readonly onDrawn: (corners: Corners) => void,
    private readonly onChange: () => void,
  ) {
    this.bar.append(...SHAPES.map((shape) => this.shapeButton(shape)), make("span", { id: "region-hint", role: "status" }), this.done);
    this.done.addEventListener("click", () => this.close());
    for (const pane of desk.panes) this.listen(pane);
    this.showBar();
  }

  get active(): boolean {
    return this.on;
  }

  set active(active: boolean) {
    this.on = active;
    this.clear();
  }

  set shape(shape: Shape) {
    this.chosen = shape;
    this.clear();
  }

  /** What is being drawn, on the pane where it is. */
  get draft(): { pane: PaneName; corners: Corners } | null {
    return this.pane && this.corners.length ? { pane: this.pane.name, corners: this.corners.map(({ x, y }) => [x, y] as const) } : null;
  }

  /** One more corner of a polygon; a click on the first one closes it. Corners on another slide begin anew. */
  addCorner(pane: Pane, point: Level0Point): void {
    if (pane !== this.pane) this.corners = [];
    this.pane = pane;
    const near = (other: Level0Point | undefined, px: number): boolean =>
      other !== undefined && Math.hypot(other.x - point.x, other.y - point.y) * pane.viewer.view.zoom < px;
    if (this.corners.length >= LEAST_CORNERS && near(this.corners[0], CLOSES_PX)) return this.close();
    if (!near(this.corners.at(-1), SMALLEST_PX) && this.corners.length < MOST_CORNERS) this.corners.push(point);
    this.show();
  }

  /** The rectangle between two places on the screen, however the slide lies. */
  drag(pane: Pane, from: ScreenPoint, to: ScreenPoint): void {
    this.pane = pane;
    const places = [from, screen(to.x, from.y), to, screen(from.x, to.y)];
    const large = Math.min(Math.abs(to.x - from.x), Math.abs(to.y - from.y)) >= SMALLEST_PX;
    this.corners = large ? places.map((place) => pane.viewer.toLevel0(place)) : [];
    this.show();
  }

  /** Hand over what was drawn, its corners on the source slide. */
  close(): void {
    if (!this.pane || this.corners.length < LEAST_CORNERS) return;
    const back = invert(this.pane.fromCommon);
    const { width, height } = this.desk.panes[0]!.viewer.slide;
    const onSource = this.corners.map((corner) => within(transform(back, corner), width, height));
    this.clear();
    this.onDrawn(onSource);
  }

  private listen(pane: Pane): void {
    const { viewer } = pane;
    const dragging = (): boolean => this.on && this.chosen === "rectangle";
    viewer.osd.addHandler("canvas-press", ({ position }) => (this.pressed = dragging() ? screen(position.x, position.y) : null));
    viewer.osd.addHandler("canvas-drag", (event) => {
      if (!dragging() || !this.pressed) return;
      event.preventDefaultAction = true;
      this.drag(pane, this.pressed, screen(event.position.x, event.position.y));
    });
    viewer.osd.addHandler("canvas-drag-end", () => dragging() && this.close());
    viewer.osd.addHandler("canvas-double-click", (event) => {
      if (!this.on) return;
      event.preventDefaultAction = true;
      this.close();
    });
    viewer.onPick((point) => this.on && this.chosen === "polygon" && this.addCorner(pane, point));
  }

  private clear(): void {
    this.pane = null;
    this.corners = [];
    this.pressed = null;
    this.show();
  }

  private shapeButton(shape: Shape): HTMLElement {
    const button = make("button", { type: "button", class: "button button-small", "data-shape": shape }, NAMES[shape]);
    button.addEventListener("click", () => (this.shape = shape));
    return button;
  }

  private show(): void {
    this.showBar();
    this.onChange();
  }

  private showBar(): void {
    this.bar.hidden = !this.on;
    for (const button of all("[data-shape]", this.bar)) button.setAttribute("aria-pressed", String(button.dataset.shape === this.chosen));
    setText(find("#region-hint"), HINTS[this.chosen]);
    this.done.hidden = this.chosen === "rectangle";
    this.done.disabled = this.corners.length < LEAST_CORNERS;
    for (const { viewer } of this.desk.panes) viewer.element.classList.toggle("is-measuring", this.on);
  }
}

/** A corner dragged past the slide's edge lies on the edge. */
const within = ({ x, y }: Level0Point, width: number, height: number): readonly [number, number] => {
  const at = level0(Math.min(width, Math.max(0, x)), Math.min(height, Math.max(0, y)));
  return [Math.round(at.x * 10) / 10, Math.round(at.y * 10) / 10];
};
