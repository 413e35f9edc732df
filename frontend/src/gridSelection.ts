/** Patches chosen in the grid: rectangle, lasso, range or one by one, to be labelled together. */
import { CanvasLayer } from "./canvasLayer";
import { level0, level0Rect, type Level0Point, screen } from "./geometry";
import type { PatchIndex } from "./patchGrid";
import type { PatchPayload } from "./payload";
import type { SlideViewer } from "./slideViewer";

export type Tool = "move" | "rectangle" | "lasso";

export interface SelectionOptions {
  viewer: SlideViewer;
  index: PatchIndex;
  /** Neither filtered away nor beyond this reader's task. */
  selectable: (patch: PatchPayload) => boolean;
  /** Patches between two in reading order. */
  between: (one: number, other: number) => readonly PatchPayload[];
  current: () => PatchPayload | null;
  onPick: (patch: PatchPayload) => void;
  onChange: () => void;
}

export class GridSelection {
  readonly chosen = new Set<number>();
  private readonly layer: CanvasLayer;
  private drawing: Level0Point[] = [];
  private shape: "rectangle" | "lasso" = "rectangle";
  private anchor: number | null = null;
  private on = false;
  private selectedTool: Tool = "move";

  constructor(private readonly options: SelectionOptions) {
    const { viewer } = options;
    this.layer = new CanvasLayer(viewer, (context) => this.draw(context));
    viewer.osd.addHandler("canvas-drag", (event) => {
      const source = event.originalEvent as MouseEvent;
      if (!this.on || (!this.drawing.length && !this.wanted(source))) return;
      event.preventDefaultAction = true;
      const here = viewer.toLevel0(screen(event.position.x, event.position.y));
      if (!this.drawing.length) {
        this.shape = this.wanted(source)!;
        const from = screen(event.position.x - event.delta.x, event.position.y - event.delta.y);
        this.drawing = [viewer.toLevel0(from)];
      }
      this.drawing.push(here);
      this.layer.redraw();
    });
    viewer.osd.addHandler("canvas-drag-end", (event) => {
      if (!this.drawing.length) return;
      event.preventDefaultAction = true;
      const points = this.drawing;
      this.drawing = [];
      this.layer.redraw();
      const found = this.shape === "rectangle" ? inRectangle(options.index, points) : inLasso(options.index, points);
      this.choose(found.filter(options.selectable));
    });
    viewer.osd.addHandler("canvas-click", (event) => {
      if (!this.on || !event.quick) return;
      const { x, y } = viewer.toLevel0(screen(event.position.x, event.position.y));
      const patch = options.index.under(x, y);
      if (patch) this.click(patch, event.originalEvent as MouseEvent);
    });
  }

  get tool(): Tool {
    return this.selectedTool;
  }

  set tool(tool: Tool) {
    this.selectedTool = tool;
    this.options.onChange();
  }

  /** Only the grid selects; leaving it drops what was selected. */
  enable(on: boolean): void {
    this.on = on;
    this.layer.visible = on;
    this.drawing = [];
    this.chosen.clear();
  }

  clear(): boolean {
    if (!this.chosen.size) return false;
    this.chosen.clear();
    this.options.onChange();
    return true;
  }

  /** Add patches to what is selected. */
  choose(patches: readonly PatchPayload[]): void {
    for (const patch of patches) this.chosen.add(patch.id);
    this.options.onChange();
  }

  private click(patch: PatchPayload, source: MouseEvent): void {
    const { selectable, between, current, onPick } = this.options;
    if (source.shiftKey) {
      const from = this.anchor ?? current()?.id ?? patch.id;
      this.choose(between(from, patch.id).filter(selectable));
    } else if (source.ctrlKey || source.metaKey || this.selectedTool !== "move") {
      if (!selectable(patch)) return;
      if (!this.chosen.delete(patch.id)) this.chosen.add(patch.id);
      this.options.onChange();
    } else if (patch.offered) {
      onPick(patch);
    }
    this.anchor = patch.id;
  }

  private wanted(source: MouseEvent): "rectangle" | "lasso" | null {
    if (source.shiftKey) return "rectangle";
    if (source.altKey) return "lasso";
    return this.selectedTool === "move" ? null : this.selectedTool;
  }

  private draw(context: CanvasRenderingContext2D): void {
    if (this.drawing.length < 2) return;
    const points = (this.shape === "rectangle" ? cornersOf(this.drawing) : this.drawing).map((one) => this.options.viewer.toScreen(one));
    const path = new Path2D();
    points.forEach((point, place) => (place ? path.lineTo(point.x, point.y) : path.moveTo(point.x, point.y)));
    path.closePath();
    context.fillStyle = "rgb(98 207 180 / 18%)";
    context.fill(path);
    context.lineWidth = 3;
    context.strokeStyle = "#111";
    context.stroke(path);
    context.lineWidth = 1.5;
    context.strokeStyle = "#fff";
    context.setLineDash([6, 4]);
    context.stroke(path);
    context.setLineDash([]);
  }
}

function cornersOf(points: readonly Level0Point[]): Level0Point[] {
  const [from, to] = [points[0]!, points[points.length - 1]!];
  return [from, level0(to.x, from.y), to, level0(from.x, to.y)];
}

/** Patches that the rectangle between the first and the last point touches. */
export function inRectangle(index: PatchIndex, points: readonly Level0Point[]): PatchPayload[] {
  const [from, to] = [points[0]!, points[points.length - 1]!];
  const rect = level0Rect(Math.min(from.x, to.x), Math.min(from.y, to.y), Math.abs(to.x - from.x), Math.abs(to.y - from.y));
  return index.within(rect);
}

/** Patches whose middle lies inside the loop. */
export function inLasso(index: PatchIndex, loop: readonly Level0Point[]): PatchPayload[] {
  const [xs, ys] = [loop.map((point) => point.x), loop.map((point) => point.y)];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const around = level0Rect(left, top, Math.max(...xs) - left, Math.max(...ys) - top);
  return index.within(around).filter((patch) => isInside(level0(patch.x + patch.size / 2, patch.y + patch.size / 2), loop));
}

/** Even-odd rule: a ray to the right crosses the loop an odd number of times. */
function isInside(point: Level0Point, loop: readonly Level0Point[]): boolean {
  let inside = false;
  loop.forEach((one, place) => {
    const other = loop[(place + loop.length - 1) % loop.length]!;
    if (one.y > point.y === other.y > point.y) return;
    if (point.x < ((other.x - one.x) * (point.y - one.y)) / (other.y - one.y) + one.x) inside = !inside;
  });
  return inside;
}
