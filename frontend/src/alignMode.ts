/** Lay places of the two sections on each other: click one on the H&E, then the same one on the real slide. */
import { messageOf, post, urls } from "./api";
import type { ComparisonDesk } from "./comparisonDesk";
import { find, setText } from "./dom";
import type { Level0Point } from "./geometry";
import type { Alignment, ReviewPayload } from "./payload";
import type { Place } from "./squareLayer";
import { fill, gettext } from "./text";

const ENOUGH = 2;
const COLOUR = "#f2c65a";
type Pair = [number, number, number, number];

export class AlignMode {
  private on = false;
  private pairs: Pair[] = [];
  private half: Level0Point | null = null;
  private linkedBefore = true;

  constructor(
    private readonly desk: Pick<ComparisonDesk, "pane" | "mark" | "linked">,
    private readonly review: Pick<ReviewPayload, "source" | "real">,
    private seen: number | null,
    /** The mode was switched, or left with a new alignment. */
    private readonly onChange: (alignment: Alignment | null) => void,
    private readonly send: typeof post = post,
  ) {
    desk.pane("source")?.viewer.onPick((point) => this.on && this.clickSource(point));
    desk.pane("real")?.viewer.onPick((point) => this.on && this.clickReal(point));
    find("#align-apply").addEventListener("click", () => void this.apply());
    find("#align-cancel").addEventListener("click", () => (this.active = false));
    this.show();
  }

  get active(): boolean {
    return this.on;
  }

  /** While places are chosen each slide moves alone. */
  set active(active: boolean) {
    if (active === this.on) return;
    this.on = active;
    this.pairs = [];
    this.half = null;
    if (active) this.linkedBefore = this.desk.linked;
    this.desk.linked = active ? false : this.linkedBefore;
    setText(find("#align-error"), "");
    this.show();
    this.onChange(null);
  }

  /** An alignment that came by another way. */
  saw(version: number): void {
    this.seen = version;
  }

  clickSource(point: Level0Point): void {
    this.half = point;
    this.show();
  }

  clickReal(point: Level0Point): void {
    if (!this.half) return setText(find("#align-error"), gettext("First click the place on the H&E slide."));
    this.pairs.push([this.half.x, this.half.y, point.x, point.y]);
    this.half = null;
    setText(find("#align-error"), "");
    this.show();
  }

  async apply(): Promise<void> {
    const { source, real } = this.review;
    if (!real) return;
    try {
      const alignment = await this.send<Alignment>(urls.alignments, { fixed: source.id, moving: real.id, points: this.pairs, seen: this.seen });
      this.seen = alignment.version;
      this.active = false;
      this.onChange(alignment);
    } catch (error) {
      setText(find("#align-error"), messageOf(error));
    }
  }

  private show(): void {
    find("#align-tools").hidden = !this.on;
    const next = this.half ? gettext("now the same place on the real slide") : gettext("click a place on the H&E slide");
    setText(find("#align-hint"), fill(gettext("{n} of at least {enough} pairs, 3 are better: {next}."), { n: this.pairs.length, enough: ENOUGH, next }));
    find<HTMLButtonElement>("#align-apply").disabled = this.pairs.length < ENOUGH;
    const places = (x: 0 | 2): Place[] => this.pairs.map((pair, index) => ({ x: pair[x]!, y: pair[x + 1]!, label: String(index + 1), colour: COLOUR }));
    const open: Place[] = this.half ? [{ x: this.half.x, y: this.half.y, label: String(this.pairs.length + 1), colour: COLOUR }] : [];
    this.desk.mark("source", [], [...places(0), ...open]);
    this.desk.mark("real", [], places(2));
  }
}
