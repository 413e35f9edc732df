/**
 * The middle of the labelling desk: one patch with a dimmed ring of context, or the whole slide with its grid.
 *
 * A patch whose picture was painted ahead is shown by that picture, in the frame after the key. The viewer follows behind
 * it, unseen, and is what the reader sees as soon as they zoom or move.
 */
import { CanvasLayer } from "./canvasLayer";
import { make } from "./dom";
import { level0 } from "./geometry";
import type { CellLook } from "./cellLooks";
import { GridSelection } from "./gridSelection";
import { PatchGrid, PatchIndex } from "./patchGrid";
import { Prefetcher } from "./patchImages";
import { drawShade, type Frame } from "./patchPicture";
import { PatchPictures } from "./patchPictures";
import type { LabellingPayload, PatchPayload } from "./payload";
import { SlideViewer } from "./slideViewer";

/** The patch takes this share of the free height or width; the rest is context. */
const PATCH_SHARE = 0.92;
/** Of the label buttons below the patch, where their height is not known, CSS pixels. */
const BUTTONS_PX = 60;
/** Left round buttons and bar. */
const ROUND_PX = 16;
const TITLE_PX = 52;
const GRID_MARGIN_PX = 20;
/** Of the grid's own bar, where its height is not known. */
const GRID_BAR_PX = 108;
const CONTEXT_MARGIN = 1.3;
/** The viewer waits so long behind a picture: who types fast never has it load what they have passed. */
const FOLLOW_AFTER_MS = 120;

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
  private readonly picture = make("canvas", { class: "viewer-layer", "aria-hidden": "true", hidden: true });
  private readonly pictures: PatchPictures;
  private readonly prefetcher: Prefetcher;
  private patch: PatchPayload | null = null;
  private shownAt = performance.now();
  private drawn = false;
  /** Read when the window changes, not at each key: asking for it has the browser lay the page out. */
  private buttonsPx: number;
  /** Runs while the viewer still is where the last patch was. */
  private following: ReturnType<typeof setTimeout> | undefined;

  constructor(
    element: HTMLElement,
    labelling: LabellingPayload,
    { lookOf, selectable, between, onPick, onSelect }: StageOptions,
  ) {
    this.viewer = new SlideViewer({ element, slide: labelling.slide });
    this.buttonsPx = roomFor(".label-keys", BUTTONS_PX);
    this.pictures = new PatchPictures(labelling.slide);
    this.prefetcher = new Prefetcher(labelling.slide);
    this.shade = new CanvasLayer(this.viewer, (context, { width, height }) => this.patch && drawShade(context, { width, height, ...this.place(this.patch) }));
    // Below the viewer: what is drawn over the tissue is drawn over its picture too.
    this.viewer.osd.canvas.before(this.picture);
    const index = new PatchIndex(labelling.grid, labelling.patches);
    const current = (): PatchPayload | null => this.patch;
    this.grid = new PatchGrid({ viewer: this.viewer, index, lookOf, current, selected: () => this.selection.chosen });
    this.grid.visible = false;
    this.selection = new GridSelection({ viewer: this.viewer, index, selectable, between, current, onPick, onChange: onSelect });
    this.selection.enable(false);
    this.viewer.onDrawn(() => this.pictured || this.markDrawn());
    this.viewer.onOpen(() => this.patch && this.show(this.patch));
    this.viewer.onMove(() => this.following === undefined && this.isMoved && this.showViewer());
    this.viewer.osd.addHandler("resize", () => {
      this.showViewer();
      this.buttonsPx = roomFor(".label-keys", BUTTONS_PX);
      if (this.patch && !this.grid.visible) this.frame();
    });
    for (const gesture of ["wheel", "pointerdown"]) element.addEventListener(gesture, () => this.follow(), { capture: true, passive: true });
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
    const picture = this.grid.visible ? null : this.pictures.of(patch, this.usualFrame);
    if (picture) {
      this.showPicture(picture);
    } else {
      this.showViewer();
      if (this.grid.visible) this.grid.redraw();
      else this.frame();
    }
    this.noticeDrawn(patch);
  }

  get shown(): PatchPayload | null {
    return this.patch;
  }

  zoomBy(factor: number): void {
    this.follow();
    this.viewer.zoomBy(factor);
  }

  private showPicture(picture: ImageBitmap): void {
    const context = this.picture.getContext("2d", { alpha: false });
    if (this.picture.width !== picture.width || this.picture.height !== picture.height) {
      const { width, height } = this.viewer.size;
      [this.picture.width, this.picture.height] = [picture.width, picture.height];
      [this.picture.style.width, this.picture.style.height] = [`${width}px`, `${height}px`];
    }
    context?.drawImage(picture, 0, 0);
    this.setPictured(true);
    clearTimeout(this.following);
    this.following = setTimeout(() => this.follow(), FOLLOW_AFTER_MS);
  }

  private showViewer(): void {
    clearTimeout(this.following);
    this.following = undefined;
    this.setPictured(false);
  }

  private get pictured(): boolean {
    return !this.picture.hidden;
  }

  private setPictured(pictured: boolean): void {
    if (this.pictured === pictured) return;
    this.picture.hidden = !pictured;
    this.shade.visible = !pictured && !this.grid.visible;
    this.viewer.element.dataset.pictured = String(pictured);
  }

  /** Bring the viewer to where the picture is, if it is not there yet. */
  private follow(): void {
    if (this.following === undefined) return;
    clearTimeout(this.following);
    this.following = undefined;
    this.frame();
  }

  /** The reader zoomed or moved away from where a patch is framed. */
  private get isMoved(): boolean {
    if (!this.patch || !this.pictured) return false;
    const [usual, now] = [this.usualFrame, this.place(this.patch)];
    return Math.max(Math.abs(usual.left - now.left), Math.abs(usual.top - now.top), Math.abs(usual.side - now.side)) > 1;
  }

  /** Tiles that are in memory already are drawn with the next frame, and no event tells of them. */
  private noticeDrawn(patch: PatchPayload): void {
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        if (patch === this.patch && (this.pictured || this.viewer.isDrawn)) this.markDrawn();
      }),
    );
  }

  private markDrawn(): void {
    if (this.drawn) return;
    this.drawn = true;
    this.shownAt = performance.now();
    this.viewer.element.dataset.drawn = String(this.patch?.id ?? "");
  }

  /** Where any patch lies when it is framed: in the middle, above the buttons. */
  private get usualFrame(): Frame {
    const { width, height } = this.viewer.size;
    const side = Math.min(width, height - this.buttonsPx) * PATCH_SHARE;
    const top = (height - this.buttonsPx - side) / 2;
    return { width, height, density: window.devicePixelRatio || 1, left: (width - side) / 2, top, side };
  }

  /** Where it lies in the viewer now. */
  private place(patch: PatchPayload): { left: number; top: number; side: number } {
    const { x, y } = this.viewer.toScreen(level0(patch.x, patch.y));
    return { left: x, top: y, side: patch.size * this.viewer.view.zoom };
  }

  /** Centre the patch again at its usual size. */
  frame(): void {
    const patch = this.patch;
    if (!patch) return;
    const { width, height, left, top, side } = this.usualFrame;
    const zoom = side / patch.size;
    const middle = level0(patch.x + (width / 2 - left) / zoom, patch.y + (height / 2 - top) / zoom);
    this.viewer.setView({ centre: middle, zoom, rotation: 0 }, true);
    this.shade.redraw();
  }

  prefetch(coming: readonly PatchPayload[]): void {
    if (!this.patch) return;
    const frame = this.usualFrame;
    const [next, ...later] = this.pictures.prepare(coming, frame);
    const zoom = frame.side / this.patch.size;
    if (next) this.prefetcher.prefetch([next], zoom, CONTEXT_MARGIN);
    this.prefetcher.prefetch(later, zoom);
  }

  get gridShown(): boolean {
    return this.grid.visible;
  }

  showGrid(shown: boolean): void {
    this.showViewer();
    this.grid.visible = shown;
    this.selection.enable(shown);
    this.shade.visible = !shown;
    if (shown) this.fitSlide();
    else this.frame();
  }

  /** The whole slide between the title above and the bar below. */
  private fitSlide(): void {
    const { width, height } = this.viewer.slide;
    const barPx = roomFor(".grid-bar", GRID_BAR_PX);
    const free = { width: this.viewer.size.width - 2 * GRID_MARGIN_PX, height: this.viewer.size.height - TITLE_PX - barPx };
    const zoom = Math.min(free.width / width, free.height / height);
    const middle = level0(width / 2, height / 2 + (barPx - TITLE_PX) / 2 / zoom);
    this.viewer.setView({ centre: middle, zoom, rotation: 0 }, true);
  }
}

function roomFor(bar: string, otherwisePx: number): number {
  return ROUND_PX + (document.querySelector<HTMLElement>(`#label-stage ${bar}`)?.offsetHeight || otherwisePx);
}
