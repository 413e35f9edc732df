/** How the panes lie: side by side, or the synthetic slide over another with a curtain, by turns, or see-through. */
import { find, make } from "./dom";
import { gettext } from "./text";

export const LAYOUTS = ["side", "curtain", "blink", "opacity"] as const;
export type Layout = (typeof LAYOUTS)[number];
export type PaneName = "source" | "real" | "synthetic";

/** Slower than three flashes a second, which nobody is harmed by. */
const BLINK_MS = 700;
const KEY_STEP = 2;

export class PaneLayout {
  private chosen: Layout = "side";
  private under: PaneName;
  private share = 50;
  private timer: ReturnType<typeof setInterval> | undefined;
  private readonly slider: HTMLInputElement;
  private readonly line = make("div", { class: "curtain-line", "aria-hidden": "true" }, make("i"));
  private readonly hiddenPanes = new Set<PaneName>();

  constructor(
    private readonly host: HTMLElement,
    private readonly names: readonly PaneName[],
    private readonly onChange: (layout: Layout) => void = () => {},
  ) {
    this.under = names.includes("real") ? "real" : "source";
    this.slider = make("input", { type: "range", min: 0, max: 100, step: 1, value: 50, class: "curtain-slider", "aria-label": gettext("Share of the synthetic slide") });
    this.slider.addEventListener("input", () => this.setShare(Number(this.slider.value)));
    this.line.addEventListener("pointerdown", (event) => this.drag(event));
    host.append(this.line, this.slider);
    this.apply();
  }

  get layout(): Layout {
    return this.chosen;
  }

  set layout(layout: Layout) {
    this.chosen = layout;
    this.apply();
    this.onChange(layout);
  }

  /** The slide under the synthetic one. */
  get below(): PaneName {
    return this.under;
  }

  set below(name: PaneName) {
    this.under = name;
    this.apply();
    this.onChange(this.chosen);
  }

  /** One, two or three panes; the last one stays. */
  toggle(name: PaneName): void {
    if (this.hiddenPanes.has(name)) this.hiddenPanes.delete(name);
    else if (this.shownSideBySide().length > 1) this.hiddenPanes.add(name);
    this.apply();
    this.onChange(this.chosen);
  }

  isShown(name: PaneName): boolean {
    return !this.pane(name).hidden;
  }

  /** Move the curtain, or the transparency: per cent of the width, or of full opacity. */
  nudge(direction: 1 | -1): void {
    this.setShare(this.share + direction * KEY_STEP);
  }

  setShare(share: number): void {
    this.share = Math.min(100, Math.max(0, share));
    this.slider.value = String(this.share);
    this.apply();
  }

  private pane(name: PaneName): HTMLElement {
    return find(`#pane-${name}`, this.host);
  }

  private shownSideBySide(): PaneName[] {
    return this.names.filter((name) => !this.hiddenPanes.has(name));
  }

  private apply(): void {
    clearInterval(this.timer);
    const { host, chosen } = this;
    host.dataset.layout = chosen;
    const stacked: PaneName[] = [this.under, "synthetic"];
    const shown = chosen === "side" ? this.shownSideBySide() : stacked;
    for (const name of this.names) {
      const pane = this.pane(name);
      pane.hidden = !shown.includes(name);
      pane.classList.toggle("pane-top", chosen !== "side" && name === "synthetic");
      pane.style.clipPath = "";
      pane.style.opacity = "";
      pane.style.visibility = "";
    }
    const top = this.pane("synthetic");
    if (chosen === "curtain") top.style.clipPath = `inset(0 0 0 ${100 - this.share}%)`;
    if (chosen === "opacity") top.style.opacity = String(this.share / 100);
    if (chosen === "blink")
      this.timer = setInterval(() => (top.style.visibility = top.style.visibility === "hidden" ? "" : "hidden"), BLINK_MS);
    this.line.hidden = chosen !== "curtain";
    this.line.style.left = `${100 - this.share}%`;
    this.slider.hidden = chosen !== "curtain" && chosen !== "opacity";
  }

  private drag(event: PointerEvent): void {
    event.preventDefault();
    this.line.setPointerCapture(event.pointerId);
    const move = (at: PointerEvent): void => {
      const { left, width } = this.host.getBoundingClientRect();
      this.setShare(100 - ((at.clientX - left) / width) * 100);
    };
    this.line.addEventListener("pointermove", move);
    this.line.addEventListener("pointerup", () => this.line.removeEventListener("pointermove", move), { once: true });
  }
}
