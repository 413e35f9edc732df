/** The slide in small, with the labels given so far and the place of the patch on stage. */
import { outline } from "./cellLooks";
import { find } from "./dom";
import type { LabelSprite } from "./labelSprite";
import type { LabellingPayload, PatchPayload } from "./payload";

export class CornerMap {
  private readonly canvas: HTMLCanvasElement;
  private readonly image: HTMLImageElement;

  constructor(
    host: HTMLElement,
    private readonly labelling: LabellingPayload,
    private readonly sprite: LabelSprite,
    onPick: (patch: PatchPayload) => void,
  ) {
    this.canvas = find<HTMLCanvasElement>("canvas", host);
    this.image = find<HTMLImageElement>("img", host);
    this.image.src = labelling.slide.thumbnail_url;
    host.addEventListener("click", (event) => {
      const box = this.canvas.getBoundingClientRect();
      const scale = labelling.slide.width / box.width;
      const x = (event.clientX - box.left) * scale;
      const y = (event.clientY - box.top) * scale;
      const patch = labelling.patches.find(
        (one) => one.offered && x >= one.x && x < one.x + one.size && y >= one.y && y < one.y + one.size,
      );
      if (patch) onPick(patch);
    });
  }

  draw(current: PatchPayload | null): void {
    const context = this.canvas.getContext("2d");
    const { width, height } = this.labelling.slide;
    if (!context) return;
    const density = window.devicePixelRatio || 1;
    const shownWidth = this.canvas.clientWidth || 200;
    const [widthPx, heightPx] = [Math.round(shownWidth * density), Math.round((shownWidth * height * density) / width)];
    if (this.canvas.width !== widthPx || this.canvas.height !== heightPx) {
      this.canvas.width = widthPx;
      this.canvas.height = heightPx;
    }
    const scale = this.canvas.width / width;
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    const { columns, rows, size_l0 } = this.labelling.grid;
    const picture = this.sprite.picture();
    if (picture) context.drawImage(picture, 0, 0, columns * size_l0 * scale, rows * size_l0 * scale);
    if (current) outline(context, current.x * scale, current.y * scale, current.size * scale);
  }
}
