/** One window of tissue on both slides: the hottest one that holds enough cells, or where the reader puts it. */
import { get, messageOf, urls } from "./api";
import { make } from "./dom";
import { count, percent, points } from "./format";
import type { ReviewPayload, Tally, WindowCounts, WindowPlace, WindowSide } from "./payload";
import { fill, gettext } from "./text";

export class WindowPanel {
  private current: WindowCounts | null = null;
  private spots: WindowCounts[] = [];
  private message = "";
  readonly element = make("section", { class: "box", id: "window-box" });

  constructor(
    private readonly review: Pick<ReviewPayload, "synthetic" | "source" | "hot_spot_um" | "ki67" | "real" | "least_cells">,
    private readonly middle: () => { x: number; y: number },
    private readonly onShow: (window: WindowCounts | null, go: boolean) => void,
    private readonly fetchJson: typeof get = get,
  ) {
    this.render();
  }

  get place(): WindowPlace | null {
    return this.current && { x: this.current.x, y: this.current.y, side_um: this.current.side_um };
  }

  /** The hottest windows of the real slide. */
  async find(): Promise<void> {
    await this.ask(async () => {
      this.spots = await this.fetchJson<WindowCounts[]>(urls.hotSpots(this.review.synthetic.id));
      if (!this.spots.length)
        throw new Error(fill(gettext("No window of {side} µm holds {cells} cells. Count the slides first, or move a window by hand."), { side: this.review.hot_spot_um, cells: this.review.least_cells }));
      this.take(this.spots[0]!, true);
    });
  }

  /** Put the window to the middle of the view. */
  async moveHere(): Promise<void> {
    await this.moveTo({ ...this.middle(), side_um: this.current?.side_um ?? this.review.hot_spot_um }, false);
  }

  async moveTo(place: WindowPlace, go: boolean): Promise<void> {
    await this.ask(async () => this.take(await this.fetchJson<WindowCounts>(urls.window(this.review.synthetic.id, place)), go));
  }

  /** Cells were edited: the same window, counted again. */
  async again(): Promise<void> {
    if (this.place) await this.moveTo(this.place, false);
  }

  private take(window: WindowCounts, go: boolean): void {
    this.current = window;
    this.onShow(window, go);
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

  private render(): void {
    const side = this.current?.side_um ?? this.review.hot_spot_um;
    // Headings are in capitals, and a capital µ reads as M.
    const size = make("span", { class: "unit" }, fill(gettext("{side} µm"), { side: Math.round(side) }));
    this.element.replaceChildren(make("h3", {}, gettext("Window"), " · ", size), this.buttons(), ...this.rows(), ...this.note());
  }

  private buttons(): HTMLElement {
    const button = (id: string, text: string, run: () => Promise<void>): HTMLElement => {
      const element = make("button", { type: "button", class: "button button-small", id }, text);
      element.addEventListener("click", () => void run());
      return element;
    };
    const others = this.spots.map((spot, index) => {
      const chosen = spot.x === this.current?.x && spot.y === this.current.y;
      const element = make("button", { type: "button", class: "button button-small", "aria-pressed": String(chosen) }, `${index + 1}`);
      element.setAttribute("aria-label", fill(gettext("Hot spot {n}"), { n: index + 1 }));
      element.addEventListener("click", () => void this.moveTo(spot, true));
      return element;
    });
    return make("div", { class: "row window-buttons" }, button("find-hot-spots", gettext("Hot spots"), () => this.find()), ...others, button("window-here", gettext("Move here"), () => this.moveHere()));
  }

  private rows(): HTMLElement[] {
    if (!this.current) return [make("p", { class: "muted small" }, gettext("Real and synthetic are compared in the same window of tissue. Find the hottest, or move it to what you look at."))];
    const { real, synthetic } = this.current;
    return [
      ...(this.review.real ? [sideRow(gettext("Real"), real)] : []),
      sideRow(gettext("Synthetic"), synthetic),
      ...difference(real, synthetic),
    ];
  }

  private note(): HTMLElement[] {
    const text = this.message || this.current?.note;
    return text ? [make("p", { class: "warn small", role: "status" }, text)] : [];
  }
}

function sideRow(name: string, side: WindowSide | null): HTMLElement {
  if (!side) return make("div", { class: "score-row" }, make("span", {}, name), make("span", { class: "muted" }, "–"));
  const { reader, machine } = side;
  const value = make("span", { class: "number" }, make("b", {}, ratioText(reader)), " ", make("small", {}, tallyText(reader)));
  if (reader.edits) value.append(make("small", {}, ` · ${fill(gettext("machine {ratio}"), { ratio: ratioText(machine) })}`));
  return make("div", { class: "score-row" }, make("span", {}, side.grade ? `${name}, ${side.grade}` : name), value);
}

export const ratioText = (tally: Tally): string => (tally.ratio === null ? gettext("no cells") : percent(tally.ratio));

export function tallyText({ cells, interval }: Tally): string {
  const [low, high] = (interval ?? []).map((share) => (share * 100).toFixed(1));
  const all = fill(gettext("of {cells} cells"), { cells: count(cells) });
  return interval ? `${all} · ${fill(gettext("95 % {low}–{high}"), { low: low!, high: high! })}` : all;
}

function difference(real: WindowSide | null, synthetic: WindowSide | null): HTMLElement[] {
  const [of, to] = [synthetic?.reader.ratio, real?.reader.ratio];
  if (of === null || of === undefined || to === null || to === undefined) return [];
  return [make("div", { class: "score-row difference" }, make("span", {}, gettext("Synthetic − real")), make("b", { class: "number" }, points(of - to)))];
}
