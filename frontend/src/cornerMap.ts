/** The slide in small, with the labels given so far and the place of the patch on stage. */
import { find } from "./dom";
import { LABEL_LOOKS } from "./labels";
import type { LabelValue, LabellingPayload, PatchPayload } from "./payload";

export class CornerMap {
  private readonly canvas: HTMLCanvasElement;
  private readonly image: HTMLImageElement;

  constructor(
    host: HTMLElement,
    private readonly labelling: LabellingPayload,
    private readonly valueOf: (patch: PatchPayload) => LabelValue | null,
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
    this.canvas.width = shownWidth * density;
    this.canvas.height = Math.round((shownWidth * height * density) / width);
    const scale = this.canvas.width / width;
    for (const patch of this.labelling.patches) {
      const value = patch.offered ? this.valueOf(patch) : null;
      if (!value) continue;
      context.globalAlpha = 0.55;
      context.fillStyle = LABEL_LOOKS[value].colour;
      context.fillRect(patch.x * scale, patch.y * scale, patch.size * scale - 1, patch.size * scale - 1);
      context.globalAlpha = 1;
      this.drawLetter(context, LABEL_LOOKS[value].letter, patch, scale, density);
    }
    if (current) drawPlace(context, current, scale, density);
  }

  private drawLetter(
    context: CanvasRenderingContext2D,
    letter: string,
    patch: PatchPayload,
    scale: number,
    density: number,
  ): void {
    const side = patch.size * scale;
    if (side < 12 * density) return;
    context.fillStyle = "#111";
    context.font = `700 ${Math.round(Math.min(side * 0.6, 13 * density))}px monospace`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(letter, patch.x * scale + side / 2, patch.y * scale + side / 2);
  }
}

function drawPlace(context: CanvasRenderingContext2D, patch: PatchPayload, scale: number, density: number): void {
  const box = [patch.x * scale, patch.y * scale, patch.size * scale, patch.size * scale] as const;
  context.lineWidth = 4 * density;
  context.strokeStyle = "#111";
  context.strokeRect(...box);
  context.lineWidth = 2 * density;
  context.strokeStyle = "#fff";
  context.strokeRect(...box);
}
