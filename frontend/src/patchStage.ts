/** The middle of the labelling desk: one patch with a dimmed ring of context, or the whole slide with its grid. */
import { CanvasLayer } from "./canvasLayer";
import { level0 } from "./geometry";
import type { CellLook } from "./cellLooks";
import { GridSelection } from "./gridSelection";
import { PatchGrid, PatchIndex } from "./patchGrid";
import { Prefetcher } from "./patchImages";
import type { LabellingPayload, PatchPayload } from "./payload";
import { SlideViewer } from "./slideViewer";

/** The patch takes this share of the free height or width; the rest is context. */
const PATCH_SHARE = 0.92;
/** Room for the row of label buttons below the patch, CSS pixels. */
const BUTTONS_PX = 76;
const TITLE_PX = 52;
const GRID_MARGIN_PX = 20;
/** Room for the grid's own bar, which has two lines. */
const GRID_BAR_PX = 124;
const CONTEXT_MARGIN = 1.3;

export interface StageOptions {
  lookOf: (patch: PatchPayload) => CellLook;
  selectable: (patch: PatchPayload) => boolean;
  between: (one: number, other: number) => readonly PatchPayload[];
  onPick: (patch: PatchPayload) => void;
  onSelect: () => void;
}

export class PatchStage {
  readonly viewer: SlideViewer;
  readonly grid: PatchGrid;
  readonly selection: GridSelection;
  private readonly shade: CanvasLayer;
  private readonly prefetcher: Prefetcher;
  private patch: PatchPayload | null = null;
  private shownAt = performance.now();
  private drawn = false;

  constructor(
    element: HTMLElement,
    labelling: LabellingPayload,
    { lookOf, selectable, between, onPick, onSelect }: StageOptions,
  ) {
    this.viewer = new SlideViewer({ element, slide: labelling.slide });
    this.prefetcher = new Prefetcher(labelling.slide);
    this.shade = new CanvasLayer(this.viewer, (context, size) => this.drawShade(context, size));
    const index = new PatchIndex(labelling.grid, labelling.patches);
    const current = (): PatchPayload | null => this.patch;
    this.grid = new PatchGrid({ viewer: this.viewer, index, lookOf, current, selected: () => this.selection.chosen });
    this.grid.visible = false;
    this.selection = new GridSelection({ viewer: this.viewer, index, selectable, between, current, onPick, onChange: onSelect });
    this.selection.enable(false);
    this.viewer.onDrawn(() => this.markDrawn());
    this.viewer.onOpen(() => this.patch && this.show(this.patch));
    this.viewer.osd.addHandler("resize", () => this.patch && !this.grid.visible && this.frame());
  }

  /** Milliseconds since the patch on stage was drawn. */
  get milliseconds(): number {
    return Math.max(0, Math.round(performance.now() - this.shownAt));
  }

  show(patch: PatchPayload): void {
    this.patch = patch;
    this.shownAt = performance.now();
    this.drawn = false;
    if (!this.viewer.osd.isOpen()) return;
    if (this.grid.visible) this.grid.redraw();
    else this.frame();
    this.noticeDrawn(patch);
  }

  /** Tiles that are in memory already are drawn with the next frame, and no event tells of them. */
  private noticeDrawn(patch: PatchPayload): void {
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        if (patch === this.patch && this.viewer.isDrawn) this.markDrawn();
      }),
    );
  }

  private markDrawn(): void {
    if (this.drawn) return;
    this.drawn = true;
    this.shownAt = performance.now();
    this.viewer.element.dataset.drawn = String(this.patch?.id ?? "");
  }

  /** Screen pixels per level-0 pixel at which the patch fills the stage. */
  get patchZoom(): number {
    const { width, height } = this.viewer.size;
    return (Math.min(width, height - BUTTONS_PX) * PATCH_SHARE) / (this.patch?.size ?? 1);
  }

  /** Centre the patch again at its usual size. */
  frame(): void {
    const patch = this.patch;
    if (!patch) return;
    const zoom = this.patchZoom;
    const middle = level0(patch.x + patch.size / 2, patch.y + patch.size / 2 + BUTTONS_PX / 2 / zoom);
    this.viewer.setView({ centre: middle, zoom, rotation: 0 }, true);
    this.shade.redraw();
  }

  prefetch(coming: readonly PatchPayload[]): void {
    const [next, ...later] = coming;
    if (next) this.prefetcher.prefetch([next], this.patchZoom, CONTEXT_MARGIN);
    this.prefetcher.prefetch(later, this.patchZoom, 1);
  }

  get gridShown(): boolean {
    return this.grid.visible;
  }

  showGrid(shown: boolean): void {
    this.grid.visible = shown;
    this.selection.enable(shown);
    this.shade.visible = !shown;
    if (shown) this.fitSlide();
    else this.frame();
  }

  /** The whole slide between the title above and the bar below. */
  private fitSlide(): void {
    const { width, height } = this.viewer.slide;
    const free = { width: this.viewer.size.width - 2 * GRID_MARGIN_PX, height: this.viewer.size.height - TITLE_PX - GRID_BAR_PX };
    const zoom = Math.min(free.width / width, free.height / height);
    const middle = level0(width / 2, height / 2 + (GRID_BAR_PX - TITLE_PX) / 2 / zoom);
    this.viewer.setView({ centre: middle, zoom, rotation: 0 }, true);
  }

  private drawShade(context: CanvasRenderingContext2D, size: { width: number; height: number }): void {
    if (!this.patch) return;
    const { x, y } = this.viewer.toScreen(level0(this.patch.x, this.patch.y));
    const side = this.patch.size * this.viewer.view.zoom;
    context.fillStyle = "rgb(18 18 18 / 62%)";
    context.beginPath();
    context.rect(0, 0, size.width, size.height);
    context.rect(x, y, side, side);
    context.fill("evenodd");
    // A dark and a light line: one of them shows on any stain.
    context.lineWidth = 1;
    context.strokeStyle = "#111";
    context.strokeRect(x - 2, y - 2, side + 4, side + 4);
    context.lineWidth = 2;
    context.strokeStyle = "#fff";
    context.strokeRect(x - 0.5, y - 0.5, side + 1, side + 1);
  }
}
