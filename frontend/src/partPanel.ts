/** A part of the tissue counted on both slides: the hottest window, one that the reader moves, a drawn region, or tumour alone. */
import { get, messageOf, urls } from "./api";
import { make } from "./dom";
import { area, count, percent, points } from "./format";
import type { Corners, ExtentCounts, PartSide, ReviewPayload, Tally, WindowCounts, WindowPlace } from "./payload";
import type { PaneName } from "./paneLayout";
import { fill, gettext } from "./text";

/** What is outlined on each slide, and where it is. */
export interface ShownPart {
  outlines: Partial<Record<PaneName, readonly Corners[]>>;
  label: string;
  /** Of a window: where to go to see it. */
  window: WindowPlace | null;
}

type Part = { kind: "window"; counts: WindowCounts } | { kind: "extent"; counts: ExtentCounts; corners: Corners | null };
type Review = Pick<ReviewPayload, "synthetic" | "source" | "hot_spot_um" | "ki67" | "real" | "least_cells">;

export class PartPanel {
  private part: Part | null = null;
  private window: WindowPlace | null = null;
  private spots: WindowCounts[] = [];
  private message = "";
  readonly element = make("section", { class: "box", id: "part-box" });

  constructor(
    private readonly review: Review,
    private readonly middle: () => { x: number; y: number },
    private readonly onShow: (part: ShownPart | null, go: boolean) => void,
    private readonly fetchJson: typeof get = get,
  ) {
    this.render();
  }

  /** The window that is kept with the verdict, whatever was looked at after it. */
  get place(): WindowPlace | null {
    return this.window;
  }

  /** The hottest windows of the real slide. */
  async find(): Promise<void> {
    await this.ask(async () => {
      this.spots = await this.fetchJson<WindowCounts[]>(urls.hotSpots(this.review.synthetic.id));
      if (!this.spots.length)
        throw new Error(fill(gettext("No window of {side} µm holds {cells} cells. Count the slides first, or move a window by hand."), { side: this.review.hot_spot_um, cells: this.review.least_cells }));
      this.takeWindow(this.spots[0]!, true);
    });
  }

  /** Put the window to the middle of the view. */
  async moveHere(): Promise<void> {
    await this.moveTo({ ...this.middle(), side_um: this.window?.side_um ?? this.review.hot_spot_um }, false);
  }

  async moveTo(place: WindowPlace, go: boolean): Promise<void> {
    await this.ask(async () => this.takeWindow(await this.fetchJson<WindowCounts>(urls.window(this.review.synthetic.id, place)), go));
  }

  /** A region with its corners on the source slide; null: the tumour patches. */
  async take(corners: Corners | null): Promise<void> {
    await this.ask(async () => {
      const counts = await this.fetchJson<ExtentCounts>(urls.extent(this.review.synthetic.id, corners));
      this.part = { kind: "extent", counts, corners };
      this.onShow(this.shown, false);
    });
  }

  /** Cells were edited or the alignment has changed: the same tissue, counted again. */
  async again(): Promise<void> {
    if (this.part?.kind === "extent") await this.take(this.part.corners);
    else if (this.window) await this.moveTo(this.window, false);
  }

  private takeWindow(counts: WindowCounts, go: boolean): void {
    this.part = { kind: "window", counts };
    this.window = { x: counts.x, y: counts.y, side_um: counts.side_um };
    this.onShow(this.shown, go);
  }

  private get shown(): ShownPart | null {
    if (!this.part) return null;
    if (this.part.kind === "window") {
      const { real, synthetic } = this.part.counts;
      const source = [squareOnSource(this.part.counts, this.review.source.mpp)];
      return { outlines: { source, real: real ? [real.corners] : [], synthetic: synthetic ? [synthetic.corners] : [] }, label: this.size, window: this.window };
    }
    const { outlines, real, synthetic } = this.part.counts;
    return { outlines: { source: outlines, real: real?.outlines ?? [], synthetic: synthetic?.outlines ?? [] }, label: this.size, window: null };
  }

  private async ask(work: () => Promise<void>): Promise<void> {
    this.message = "";
    try {
      await work();
    } catch (error) {
      this.message = messageOf(error);
    }
    this.render();
  }

  private get title(): string {
    if (this.part?.kind !== "extent") return gettext("Window");
    return this.part.counts.extent === "tumor" ? gettext("Tumour patches alone") : gettext("Drawn region");
  }

  private get size(): string {
    if (this.part?.kind === "extent") return area(this.part.counts.area_mm2);
    return fill(gettext("{side} µm"), { side: Math.round(this.window?.side_um ?? this.review.hot_spot_um) });
  }

  private render(): void {
    // Headings are in capitals, and a capital µ reads as M.
    const size = make("span", { class: "unit" }, this.size);
    this.element.replaceChildren(make("h3", {}, this.title, " · ", size), this.buttons(), ...noteOf(this.message, "alert"), ...this.rows(), ...noteOf(this.part?.counts.note, "status"));
  }

  private buttons(): HTMLElement {
    const button = (id: string, text: string, run: () => Promise<void>, pressed?: boolean): HTMLElement => {
      const element = make("button", { type: "button", class: "button button-small", id, "aria-pressed": pressed === undefined ? null : String(pressed) }, text);
      element.addEventListener("click", () => void run());
      return element;
    };
    const others = this.spots.map((spot, index) => {
      const chosen = this.part?.kind === "window" && spot.x === this.window?.x && spot.y === this.window.y;
      const element = make("button", { type: "button", class: "button button-small", "aria-pressed": String(chosen) }, `${index + 1}`);
      element.setAttribute("aria-label", fill(gettext("Hot spot {n}"), { n: index + 1 }));
      element.addEventListener("click", () => void this.moveTo(spot, true));
      return element;
    });
    const tumor = this.part?.kind === "extent" && this.part.counts.extent === "tumor";
    return make(
      "div",
      { class: "row part-buttons" },
      button("find-hot-spots", gettext("Hot spots"), () => this.find()),
      ...others,
      button("window-here", gettext("Move here"), () => this.moveHere()),
      button("tumor-only", gettext("Tumour alone"), () => this.take(null), tumor),
    );
  }

  private rows(): HTMLElement[] {
    if (!this.part) return [make("p", { class: "muted small" }, gettext("Real and synthetic are compared on the same tissue: in the hottest window, where you move it, in a region that you draw, or in tumour alone."))];
    const { real, synthetic } = this.part.counts;
    const which = this.part.kind === "extent" && this.part.counts.extent === "tumor" && make("p", { class: "muted small" }, this.part.counts.name);
    return [
      ...(which ? [which] : []),
      ...(this.review.real ? [sideRow(gettext("Real"), real)] : []),
      sideRow(gettext("Synthetic"), synthetic),
      ...difference(real, synthetic),
    ];
  }

}

const noteOf = (text: string | undefined, role: "alert" | "status"): HTMLElement[] => (text ? [make("p", { class: "warn small", role }, text)] : []);

function squareOnSource({ x, y, side_um }: WindowPlace, mpp: number | null): Corners {
  const half = side_um / (mpp ?? 1) / 2;
  return [[x - half, y - half], [x + half, y - half], [x + half, y + half], [x - half, y + half]];
}

function sideRow(name: string, side: PartSide | null): HTMLElement {
  if (!side) return make("div", { class: "score-row" }, make("span", {}, name), make("span", { class: "muted" }, "–"));
  const { reader, machine } = side;
  const value = make("span", { class: "number" }, make("b", {}, ratioText(reader)), " ", make("small", {}, tallyText(reader)));
  if (reader.edits) value.append(make("small", { class: "machine-part" }, fill(gettext("machine {ratio}"), { ratio: ratioText(machine) })));
  return make("div", { class: "score-row" }, make("span", {}, side.grade ? `${name}, ${side.grade}` : name), value);
}

export const ratioText = (tally: Tally): string => (tally.ratio === null ? gettext("no cells") : percent(tally.ratio));

export function tallyText({ cells, interval }: Tally): string {
  const [low, high] = (interval ?? []).map((share) => (share * 100).toFixed(1));
  const all = fill(gettext("of {cells} cells"), { cells: count(cells) });
  return interval ? `${all} · ${fill(gettext("95 % {low}–{high}"), { low: low!, high: high! })}` : all;
}

function difference(real: PartSide | null, synthetic: PartSide | null): HTMLElement[] {
  const [of, to] = [synthetic?.reader.ratio, real?.reader.ratio];
  if (of === null || of === undefined || to === null || to === undefined) return [];
  return [make("div", { class: "score-row difference" }, make("span", {}, gettext("Synthetic − real")), make("b", { class: "number" }, points(of - to)))];
}
