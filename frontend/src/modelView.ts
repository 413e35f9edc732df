/** What a classifier says: a heat map over the slide, and the instance that decided, patch by patch. */
import { get } from "./api";
import { CanvasLayer } from "./canvasLayer";
import { level0 } from "./geometry";
import { percent } from "./format";
import type { LabellingPayload, ModelViewPayload, PatchPayload } from "./payload";
import { classifierOf } from "./orderForm";
import { fill, gettext } from "./text";
import type { SlideViewer } from "./slideViewer";

/** Cividis, a scale that colour-blind readers tell apart, from no tumour to tumour. */
const SCALE: readonly (readonly [number, number, number])[] = [
  [0, 34, 78], [53, 69, 108], [102, 105, 112], [148, 142, 119], [200, 184, 102], [254, 232, 56],
];
const NOT_SCORED = 255;
const HEAT_ALPHA = 0.62;

export class ModelView {
  private readonly layer: CanvasLayer;
  private scores = new Map<number, ModelViewPayload["patches"][number]>();
  private heat: HTMLCanvasElement | null = null;
  private across = 10;
  private checkpoint: string;

  constructor(
    private readonly viewer: SlideViewer,
    private readonly labelling: LabellingPayload,
    private readonly current: () => PatchPayload | null,
    private readonly wholeSlide: () => boolean,
  ) {
    this.layer = new CanvasLayer(viewer, (context) => this.draw(context));
    this.layer.visible = false;
    this.checkpoint = classifierOf(labelling);
  }

  get shown(): boolean {
    return this.layer.visible;
  }

  /** What readers know the classifier by. */
  get name(): string {
    const chosen = this.labelling.checkpoints.find((one) => one.sha256 === this.checkpoint);
    return chosen?.name || this.checkpoint.slice(0, 8);
  }

  async toggle(): Promise<void> {
    if (!this.shown && !this.heat) await this.load();
    this.layer.visible = !this.shown;
  }

  /** Show what another classifier says, at once if the view is on. */
  async choose(checkpoint: string): Promise<void> {
    this.checkpoint = checkpoint;
    this.heat = null;
    if (!this.shown) return;
    await this.load();
    this.redraw();
  }

  redraw(): void {
    this.layer.redraw();
  }

  /** "Model: 87 % tumour", for the patch on stage. */
  wordOn(patch: PatchPayload): string {
    const score = this.scores.get(patch.id);
    if (!this.shown) return "";
    if (!score) return gettext("The model did not score this patch.");
    return fill(gettext("Model: {share} tumour"), { share: percent(score.probability, 0) });
  }

  private async load(): Promise<void> {
    const view = await get<ModelViewPayload>(`/api/v1/slides/${this.labelling.slide.id}/model-view/?checkpoint=${this.checkpoint}`);
    if (view.checkpoint !== this.checkpoint) return;
    this.across = view.instances_across;
    this.scores = new Map(view.patches.map((score) => [score.patch, score]));
    this.heat = heatOf(this.labelling, this.scores, this.across);
  }

  private draw(context: CanvasRenderingContext2D): void {
    const { zoom } = this.viewer.view;
    const { columns, rows, size_l0 } = this.labelling.grid;
    if (this.wholeSlide() && this.heat) {
      const { x, y } = this.viewer.toScreen(level0(0, 0));
      context.imageSmoothingEnabled = false;
      context.globalAlpha = HEAT_ALPHA;
      context.drawImage(this.heat, x, y, columns * size_l0 * zoom, rows * size_l0 * zoom);
      context.globalAlpha = 1;
    }
    const patch = this.current();
    const score = patch && this.scores.get(patch.id);
    if (!patch || !score) return;
    const at = this.viewer.toScreen(level0(score.best_x, score.best_y));
    const side = (patch.size / this.across) * zoom;
    context.lineWidth = 5;
    context.strokeStyle = "#111";
    context.strokeRect(at.x, at.y, side, side);
    context.lineWidth = 2.5;
    context.strokeStyle = "#fee838";
    context.strokeRect(at.x, at.y, side, side);
  }
}

/** One pixel per instance. */
function heatOf(labelling: LabellingPayload, scores: ReadonlyMap<number, { instances: string }>, across: number): HTMLCanvasElement | null {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, labelling.grid.columns * across);
  canvas.height = Math.max(1, labelling.grid.rows * across);
  const context = canvas.getContext("2d");
  if (!context) return null;
  const pixels = context.createImageData(canvas.width, canvas.height);
  for (const patch of labelling.patches) {
    const score = scores.get(patch.id);
    if (!score) continue;
    const values = atob(score.instances);
    for (let index = 0; index < values.length; index += 1) {
      const value = values.charCodeAt(index);
      if (value === NOT_SCORED) continue;
      const x = patch.column * across + (index % across);
      const y = patch.row * across + Math.floor(index / across);
      pixels.data.set([...colourOf(value / 254), 255], (y * canvas.width + x) * 4);
    }
  }
  context.putImageData(pixels, 0, 0);
  return canvas;
}

export function colourOf(probability: number): [number, number, number] {
  const place = Math.min(Math.max(probability, 0), 1) * (SCALE.length - 1);
  const low = Math.min(Math.floor(place), SCALE.length - 2);
  const mix = (channel: 0 | 1 | 2): number =>
    Math.round(SCALE[low]![channel] + (SCALE[low + 1]![channel] - SCALE[low]![channel]) * (place - low));
  return [mix(0), mix(1), mix(2)];
}
