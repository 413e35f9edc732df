/** Measure a length on a slide: switched on by a key or button, drawn by dragging, gone with Escape. */
import { CanvasLayer } from "./canvasLayer";
import { make, setText } from "./dom";
import { length } from "./format";
import { type Level0Point, screen } from "./geometry";
import { prefersStillness, type SlideViewer } from "./slideViewer";
import { fill, gettext } from "./text";

const TICK_PX = 7;
const SHORTEST_PX = 3;

/** Micrometres where the resolution is known, else level-0 pixels. */
export function lengthText(from: Level0Point, to: Level0Point, mpp: number | null): string {
  const pixels = Math.hypot(to.x - from.x, to.y - from.y);
  return mpp === null ? fill(gettext("{n} px"), { n: Math.round(pixels) }) : length(pixels * mpp);
}

export class Ruler {
  private readonly layer: CanvasLayer;
  private readonly label = make("output", { class: "ruler-length", hidden: true });
  private ends: { from: Level0Point; to: Level0Point } | null = null;
  private on = false;

  constructor(
    private readonly viewer: SlideViewer,
    host: HTMLElement,
    private readonly onSwitch: (on: boolean) => void = () => undefined,
  ) {
    this.layer = new CanvasLayer(viewer, (context) => this.draw(context));
    host.append(this.label);
    viewer.osd.addHandler("canvas-press", (event) => {
      if (!this.on) return;
      const at = viewer.toLevel0(screen(event.position.x, event.position.y));
      this.measure(at, at);
    });
    viewer.osd.addHandler("canvas-drag", (event) => {
      if (!this.on || !this.ends) return;
      event.preventDefaultAction = true;
      this.measure(this.ends.from, viewer.toLevel0(screen(event.position.x, event.position.y)));
    });
  }

  get isOn(): boolean {
    return this.on;
  }

  toggle(): void {
    this.on = !this.on;
    if (!this.on) this.clear();
    this.viewer.element.classList.toggle("is-measuring", this.on);
    this.onSwitch(this.on);
  }

  /** Measure between two points of the slide. */
  measure(from: Level0Point, to: Level0Point): void {
    this.ends = { from, to };
    setText(this.label, lengthText(from, to, this.viewer.slide.mpp));
    this.layer.redraw();
  }

  clear(): void {
    this.ends = null;
    this.label.hidden = true;
    this.layer.redraw();
  }

  private draw(context: CanvasRenderingContext2D): void {
    if (!this.ends) return;
    const from = this.viewer.toScreen(this.ends.from);
    const to = this.viewer.toScreen(this.ends.to);
    const span = Math.hypot(to.x - from.x, to.y - from.y);
    this.label.hidden = span < SHORTEST_PX;
    if (span < SHORTEST_PX) return;
    this.label.style.left = `${(from.x + to.x) / 2}px`;
    this.label.style.top = `${(from.y + to.y) / 2}px`;
    const [across, down] = [((to.y - from.y) / span) * TICK_PX, ((from.x - to.x) / span) * TICK_PX];
    context.beginPath();
    for (const end of [from, to]) {
      context.moveTo(end.x - across, end.y - down);
      context.lineTo(end.x + across, end.y + down);
    }
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y);
    // Dark and light, so that it is seen on any tissue.
    context.lineWidth = 4;
    context.strokeStyle = "#111";
    context.stroke();
    context.lineWidth = 2;
    context.strokeStyle = "#fff";
    context.stroke();
  }
}

/** The angle, from 0 up to 360, that a turn leads to. */
export const turned = (rotation: number, degrees: number): number => (((rotation + degrees) % 360) + 360) % 360;

/** Turn the slide; OpenSeadragon animates it unless the person prefers stillness. */
export function turnBy(viewer: SlideViewer, degrees: number): void {
  viewer.setView({ rotation: turned(viewer.osd.viewport.getRotation(false), degrees) }, prefersStillness());
}
