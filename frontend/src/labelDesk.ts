/** The labelling desk: one decision, one key, next patch. Ties store, queue, stage and the pictures round them together. */
import { put } from "./api";
import { CornerMap } from "./cornerMap";
import { all, find, setText } from "./dom";
import { about, count } from "./format";
import { LABEL_LOOKS, labelName } from "./labels";
import { LabelStore, type Route } from "./labelStore";
import { Pace } from "./pace";
import type { CellLook } from "./patchGrid";
import { PatchQueue } from "./patchQueue";
import { PatchStage } from "./patchStage";
import { PatchStrip } from "./patchStrip";
import { LABEL_VALUES, type LabelAnswer, type LabellingPayload, type LabelValue, type PatchPayload } from "./payload";
import { fill, gettext } from "./text";

const PREFETCHED = 5;
const SHOWN_NEXT = 3;
const SHOWN_DONE = 2;

export class LabelDesk {
  readonly store: LabelStore;
  readonly stage: PatchStage;
  private readonly queue: PatchQueue;
  private readonly map: CornerMap;
  private readonly strip: PatchStrip;
  private readonly pace = new Pace();
  private readonly done: PatchPayload[] = [];
  private finishedOnce = false;
  private sidesFrame = 0;

  constructor(private readonly labelling: LabellingPayload) {
    const offered = labelling.patches.filter((patch) => patch.offered);
    this.store = new LabelStore(offered, ({ patch, ...write }) =>
      put<LabelAnswer>(labelling.label_url.replace("{id}", String(patch)), write),
    );
    const valueOf = (patch: PatchPayload): LabelValue | null => this.store.value(patch.id);
    const lookOf = (patch: PatchPayload): CellLook => (patch.offered ? (valueOf(patch) ?? "open") : "left_out");
    const pick = (patch: PatchPayload): void => this.jump(patch.id);
    this.queue = new PatchQueue(offered, (patch) => valueOf(patch) === null);
    this.stage = new PatchStage(find("#label-stage .viewer-canvas"), labelling, lookOf, pick);
    this.map = new CornerMap(find("#corner-map"), labelling, valueOf, pick);
    this.strip = new PatchStrip(find("#label-strip"), labelling.slide, valueOf, pick);
    this.store.onChange(() => this.refresh());
    const asked = new URLSearchParams(location.hash.slice(1)).get("patch");
    if (asked) this.queue.goTo(Number(asked));
    this.moved();
  }

  get current(): PatchPayload | null {
    return this.queue.current;
  }

  label(value: LabelValue, route: Route): void {
    const patch = this.queue.current;
    if (!patch || !this.labelling.can_label) return;
    if (this.stage.gridShown) return this.toggleGrid();
    if (this.store.conflict(patch.id)) return;
    const { milliseconds } = this.stage;
    this.pace.add(milliseconds);
    this.store.set(patch.id, value, { milliseconds, route });
    this.remember(patch);
    if (this.queue.toNextOpen()) this.moved();
    else this.refresh();
  }

  undo(route: Route): void {
    this.follow(this.labelling.can_label ? this.store.undo(route) : null);
  }

  redo(route: Route): void {
    this.follow(this.labelling.can_label ? this.store.redo(route) : null);
  }

  resolve(keep: "mine" | "theirs"): void {
    const patch = this.store.conflictedPatches[0];
    if (patch !== undefined) this.store.resolve(patch, keep, "mouse");
  }

  step(by: 1 | -1): void {
    this.queue.step(by);
    this.moved();
  }

  stepRow(by: 1 | -1): void {
    this.queue.stepRow(by);
    this.moved();
  }

  skip(): void {
    if (!this.queue.toNextOpen()) this.queue.step(1);
    this.moved();
  }

  jump(patchId: number): void {
    if (!this.queue.goTo(patchId)) return;
    if (this.stage.gridShown) this.stage.showGrid(false);
    this.moved();
  }

  toggleGrid(): void {
    this.stage.showGrid(!this.stage.gridShown);
    this.refresh();
  }

  private follow(patchId: number | null): void {
    if (patchId === null) return;
    const place = this.done.findIndex((patch) => patch.id === patchId);
    if (place !== -1) this.done.splice(place, 1);
    this.jump(patchId);
  }

  private remember(patch: PatchPayload): void {
    const before = this.done.indexOf(patch);
    if (before !== -1) this.done.splice(before, 1);
    this.done.push(patch);
    if (this.done.length > 50) this.done.shift();
  }

  private moved(): void {
    const patch = this.queue.current;
    if (patch) {
      this.stage.show(patch);
      history.replaceState(history.state, "", `#patch=${patch.id}`);
    }
    this.refresh();
  }

  private refresh(): void {
    const patch = this.queue.current;
    const counts = this.store.counts();
    const given = counts.total - counts.left;
    setText(find("#progress-count"), count(given));
    setText(find("#progress-total"), count(counts.total));
    find<HTMLProgressElement>("#progress-bar").value = counts.total ? given / counts.total : 0;
    const seconds = counts.left ? this.pace.secondsFor(counts.left) : null;
    setText(find("#time-left"), seconds === null ? "" : fill(gettext("{time} left"), { time: about(seconds) }));
    for (const value of LABEL_VALUES) {
      const row = find(`[data-count=${value}]`);
      setText(find("dd", row), count(counts[value]));
      find<HTMLElement>("i", row).style.width = `${counts.total ? (100 * counts[value]) / counts.total : 0}%`;
    }
    setText(find("#place"), patch ? this.placeOf(patch) : "");
    this.stage.grid.redraw();
    this.showButtons(patch);
    this.showConflict();
    this.showFinished(counts.left === 0 && counts.total > 0);
    this.showSidesSoon();
  }

  /** Map, strip and prefetching wait for the next frame: the patch and its label come first. */
  private showSidesSoon(): void {
    if (this.sidesFrame) return;
    this.sidesFrame = requestAnimationFrame(() => {
      this.sidesFrame = 0;
      const patch = this.queue.current;
      this.map.draw(patch);
      this.strip.show(this.done.filter((one) => one !== patch).slice(-SHOWN_DONE), patch, this.queue.openAhead(SHOWN_NEXT));
      if (patch) this.stage.viewer.onOpen(() => this.stage.prefetch(this.queue.openAhead(PREFETCHED)));
    });
  }

  private placeOf(patch: PatchPayload): string {
    const { mpp } = this.labelling.slide;
    const place = fill(gettext("Patch {n} · column {column}, row {row}"), {
      n: this.queue.number,
      column: patch.column + 1,
      row: patch.row + 1,
    });
    if (mpp === null) return place;
    const mm = (pixels: number): string => ((pixels * mpp) / 1000).toFixed(1);
    return `${place} · ${mm(patch.x)}, ${mm(patch.y)} mm`;
  }

  private showButtons(patch: PatchPayload | null): void {
    const value = patch ? this.store.value(patch.id) : null;
    const usable = this.labelling.can_label && patch !== null;
    for (const button of all<HTMLButtonElement>("[data-label-key]")) {
      const looks = LABEL_VALUES.find((one) => LABEL_LOOKS[one].letter === button.dataset.labelKey);
      button.setAttribute("aria-pressed", String(looks !== undefined && looks === value));
      button.disabled = !usable;
    }
    find<HTMLButtonElement>("#undo").disabled = !usable || !this.store.canUndo;
    find<HTMLButtonElement>("#redo").disabled = !usable || !this.store.canRedo;
    find("#toggle-grid").setAttribute("aria-pressed", String(this.stage.gridShown));
    find("#label-desk").dataset.mode = this.stage.gridShown ? "grid" : "patch";
    setText(find("#current-label"), value ? LABEL_LOOKS[value].name : "");
    find("#current-label").dataset.label = value ?? "";
  }

  private showConflict(): void {
    const patchId = this.store.conflictedPatches[0];
    const box = find("#conflict");
    box.hidden = patchId === undefined;
    const conflict = patchId === undefined ? undefined : this.store.conflict(patchId);
    if (!conflict || patchId === undefined) return;
    const patch = this.labelling.patches.find((one) => one.id === patchId);
    setText(
      find("#conflict-text"),
      fill(gettext("Column {column}, row {row} was labelled in another window: {theirs}. Here you said {mine}. Nothing was overwritten."), {
        column: (patch?.column ?? 0) + 1,
        row: (patch?.row ?? 0) + 1,
        theirs: labelName(conflict.theirs),
        mine: labelName(conflict.mine),
      }),
    );
  }

  private showFinished(finished: boolean): void {
    if (finished === this.finishedOnce) return;
    this.finishedOnce = finished;
    find("#finished").hidden = !finished;
  }
}
