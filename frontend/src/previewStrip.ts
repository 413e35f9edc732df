/** The picture of the validation patches at one epoch; follows the newest until somebody chooses another. */
import { find, setText } from "./dom";
import type { RunPayload } from "./runPayload";
import { fill, gettext } from "./text";

export class PreviewStrip {
  private previews: RunPayload["previews"] = [];
  private readonly slider = find<HTMLInputElement>("#preview-epoch");
  private readonly image = find<HTMLImageElement>("#preview-image");

  constructor(private readonly place: HTMLElement) {
    this.slider.addEventListener("input", () => this.paint());
  }

  show(previews: RunPayload["previews"]): void {
    const follows = this.slider.value === this.slider.max;
    this.previews = previews;
    this.place.hidden = previews.length === 0;
    this.slider.max = String(Math.max(previews.length - 1, 0));
    this.slider.disabled = previews.length < 2;
    if (follows) this.slider.value = this.slider.max;
    this.paint();
  }

  private paint(): void {
    const preview = this.previews[Number(this.slider.value)];
    if (!preview) return;
    const label = fill(gettext("epoch {n}"), { n: preview.epoch });
    setText(find("#preview-label"), label);
    this.slider.setAttribute("aria-valuetext", label);
    if (this.image.getAttribute("src") === preview.url) return;
    this.image.src = preview.url;
    this.image.alt = fill(gettext("Validation patches and their synthetic counterparts, epoch {n}"), { n: preview.epoch });
  }
}
