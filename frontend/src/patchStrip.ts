/** What was done, what is on stage and what comes next, as small pictures that can be clicked. */
import { find, make } from "./dom";
import { fill, gettext } from "./text";
import { LABEL_LOOKS, labelName } from "./labels";
import { drawPatch } from "./patchImages";
import type { LabelValue, PatchPayload, SlidePayload } from "./payload";

const PICTURE_PX = 224;

export class PatchStrip {
  private readonly pictures = new Map<number, HTMLCanvasElement>();

  constructor(
    private readonly host: HTMLElement,
    private readonly slide: SlidePayload,
    private readonly valueOf: (patch: PatchPayload) => LabelValue | null,
    private readonly onPick: (patch: PatchPayload) => void,
  ) {}

  show(done: readonly PatchPayload[], now: PatchPayload | null, next: readonly PatchPayload[]): void {
    this.fill("[data-strip=done]", done, "done");
    this.fill("[data-strip=now]", now ? [now] : [], "now");
    this.fill("[data-strip=next]", next, "next");
  }

  private fill(selector: string, patches: readonly PatchPayload[], place: string): void {
    const items = patches.map((patch) => this.item(patch, place));
    find(selector, this.host).replaceChildren(...items);
  }

  private item(patch: PatchPayload, place: string): HTMLElement {
    const value = this.valueOf(patch);
    const name = fill(gettext("Column {column}, row {row}: {label}"), {
      column: patch.column + 1,
      row: patch.row + 1,
      label: labelName(value),
    });
    const letter = value && make("b", { class: `letter letter-${value}` }, LABEL_LOOKS[value].letter);
    const button = make(
      "button",
      { type: "button", class: `strip-patch strip-${place}`, "data-label": value, "aria-label": name, title: name },
      this.picture(patch),
      letter,
    );
    button.addEventListener("click", () => {
      button.blur();
      this.onPick(patch);
    });
    return button;
  }

  /** Each patch is drawn once; its canvas moves along the strip. */
  private picture(patch: PatchPayload): HTMLCanvasElement {
    const known = this.pictures.get(patch.id);
    if (known) return known;
    const canvas = make("canvas", { width: PICTURE_PX, height: PICTURE_PX, "aria-hidden": "true" });
    if (this.pictures.size > 60) this.pictures.clear();
    this.pictures.set(patch.id, canvas);
    void drawPatch(canvas, this.slide, patch);
    return canvas;
  }
}
