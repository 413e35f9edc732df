/** A canvas over a viewer that is drawn again, once per frame at most, whenever the view or its content changes. */
import { make } from "./dom";
import type { SlideViewer } from "./slideViewer";

export type Draw = (context: CanvasRenderingContext2D, size: { width: number; height: number }) => void;

export class CanvasLayer {
  readonly canvas = make("canvas", { class: "viewer-layer", "aria-hidden": "true" });
  private frame = 0;
  private shown = true;

  constructor(
    private readonly viewer: SlideViewer,
    private readonly draw: Draw,
  ) {
    viewer.osd.canvas.after(this.canvas);
    viewer.onMove(() => this.redraw());
  }

  get visible(): boolean {
    return this.shown;
  }

  set visible(visible: boolean) {
    this.shown = visible;
    this.canvas.hidden = !visible;
    if (visible) this.redraw();
  }

  redraw(): void {
    if (!this.shown || this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.paint();
    });
  }

  private paint(): void {
    const context = this.canvas.getContext("2d");
    if (!context || !this.shown || !this.viewer.osd.isOpen()) return;
    const { width, height } = this.viewer.size;
    const density = window.devicePixelRatio || 1;
    const [widthPx, heightPx] = [Math.round(width * density), Math.round(height * density)];
    if (this.canvas.width !== widthPx || this.canvas.height !== heightPx) {
      this.canvas.width = widthPx;
      this.canvas.height = heightPx;
      this.canvas.style.width = `${width}px`;
      this.canvas.style.height = `${height}px`;
    }
    context.setTransform(density, 0, 0, density, 0, 0);
    context.clearRect(0, 0, width, height);
    this.draw(context, { width, height });
  }
}
