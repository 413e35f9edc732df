/** The labelling desk: one decision, one key, next patch. Ties store, queue, stage and the pictures round them together. */
import { messageOf } from "./api";
import type { CellLook } from "./cellLooks";
import { CornerMap } from "./cornerMap";
import { placeOf, showButtons, showConflict, showCounts } from "./deskPanels";
import { find, setText } from "./dom";
import { GridBar } from "./gridBar";
import { sendingTo } from "./labelSending";
import { LabelStore, type Route } from "./labelStore";
import { ModelView } from "./modelView";
import type { OutboxStorage } from "./outbox";
import { Pace } from "./pace";
import { PatchQueue } from "./patchQueue";
import { PatchStage } from "./patchStage";
import { PatchStrip } from "./patchStrip";
import { openCommentBox, openHistory } from "./patchTalk";
import type { LabellingPayload, LabelValue, PatchPayload } from "./payload";

const PREFETCHED = 5;
const SHOWN_NEXT = 3;
const SHOWN_DONE = 2;

export class LabelDesk {
  readonly store: LabelStore;
  readonly stage: PatchStage;
  readonly model: ModelView;
  private readonly queue: PatchQueue;
  private readonly map: CornerMap;
  private readonly strip: PatchStrip;
  private readonly bar: GridBar;
  private readonly byId: Map<number, PatchPayload>;
  /** Not this reader's to label, offered or not: a second reader is asked about the patches that are read twice. */
  private readonly beyondPart: Set<number>;
  private readonly pace = new Pace();
  private readonly done: PatchPayload[] = [];
  private finishedOnce = false;
  private sidesFrame = 0;

  constructor(
    private readonly labelling: LabellingPayload,
    storage?: OutboxStorage,
  ) {
    const { reader, order, slide, steps } = labelling;
    this.byId = new Map(labelling.patches.map((patch) => [patch.id, patch]));
    const isPart = (patch: PatchPayload): boolean => labelling.reading?.part !== "shared" || patch.asked;
    this.beyondPart = new Set(labelling.patches.filter((patch) => !isPart(patch)).map((patch) => patch.id));
    this.store = new LabelStore({ patches: labelling.patches, reader, order, slide: slide.id, steps }, sendingTo(labelling.label_url), storage);
    const pick = (patch: PatchPayload): void => this.jump(patch.id);
    this.queue = new PatchQueue(this.inQueue(labelling.queue), (patch) => this.valueOf(patch) === null);
    this.bar = new GridBar(() => this.stage.selection, () => this.refresh(null));
    this.stage = new PatchStage(find("#label-stage .viewer-canvas"), labelling, {
      lookOf: (patch) => this.lookOf(patch),
      selectable: (patch) => !this.lookOf(patch).hidden,
      between: (one, other) => this.queue.between(one, other),
      onPick: pick,
      onSelect: () => this.refresh([]),
    });
    this.model = new ModelView(this.stage.viewer, labelling, () => this.current, () => this.stage.gridShown);
    this.map = new CornerMap(find("#corner-map"), labelling, this.stage.grid.sprite, pick);
    this.strip = new PatchStrip(find("#label-strip"), slide, (patch) => this.valueOf(patch), pick);
    // An empty list: nothing looks different, only what is saved, which its own indicator tells.
    this.store.onChange((patches) => patches?.length === 0 || this.refresh(patches));
    this.store.onTissue = (patches, offered) => this.offer(patches, offered);
    const asked = new URLSearchParams(location.hash.slice(1)).get("patch");
    if (asked) this.queue.goTo(Number(asked));
    this.moved();
  }

  get current(): PatchPayload | null {
    return this.queue.current;
  }

  label(value: LabelValue, route: Route): void {
    if (!this.labelling.can_label) return;
    if (this.stage.gridShown) return this.labelSelected(value, route);
    const patch = this.queue.current;
    if (!patch || this.store.conflict(patch.id)) return;
    const { milliseconds } = this.stage;
    this.pace.add(milliseconds);
    this.remember(patch);
    this.store.set(patch.id, value, { milliseconds, route });
    if (this.queue.toNextOpen()) this.moved();
  }

  undo(route: Route): void {
    this.follow(this.labelling.can_overrule ? this.store.undo(route) : null);
  }

  redo(route: Route): void {
    this.follow(this.labelling.can_overrule ? this.store.redo(route) : null);
  }

  flag(): void {
    if (this.current && this.labelling.can_overrule) this.store.flag(this.current.id);
  }

  comment(): void {
    if (this.current && this.labelling.can_overrule) openCommentBox(this.current, this.store);
  }

  /** Of the patch on stage; in the grid, of the one that is selected. */
  history(): void {
    const { chosen } = this.stage.selection;
    const patch = this.stage.gridShown && chosen.size === 1 ? this.byId.get([...chosen][0]!) : this.current;
    if (!patch) return;
    const restore = (value: LabelValue | null): void => this.store.set(patch.id, value, { milliseconds: null, route: "mouse" }, "restore");
    void openHistory(patch, this.labelling.reader, this.labelling.can_label ? restore : null);
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
    const shown = !this.stage.gridShown;
    // The bar takes its room first, so that the slide is fitted into what is left.
    find("#label-desk").dataset.mode = shown ? "grid" : "patch";
    this.stage.showGrid(shown);
    this.model.redraw();
    this.refresh(null);
  }

  selectAll(): void {
    if (!this.stage.gridShown) return;
    const shown = this.labelling.patches.filter((patch) => !this.lookOf(patch).hidden && patch.offered && patch.asked);
    this.stage.selection.choose(shown);
  }

  /** Escape: first the selection, then the grid. */
  leave(): void {
    if (this.stage.gridShown && !this.stage.selection.clear()) this.toggleGrid();
  }

  async toggleModel(): Promise<void> {
    if (this.labelling.checkpoints.length) await this.askModel(this.model.toggle());
  }

  async chooseClassifier(sha256: string): Promise<void> {
    await this.askModel(this.model.choose(sha256));
  }

  private async askModel(answer: Promise<void>): Promise<void> {
    try {
      await answer;
    } catch (error) {
      setText(find("#model-word"), messageOf(error));
      return;
    }
    this.refresh(null);
  }

  /** Bring the selected patches in if all of them are left out, else leave them out. */
  overrule(): void {
    const chosen = [...this.stage.selection.chosen].map((id) => this.byId.get(id)!);
    if (!chosen.length || !this.labelling.can_overrule) return;
    const offered = chosen.every((patch) => !patch.offered);
    this.stage.selection.clear();
    this.store.overrule(chosen.filter((patch) => patch.offered !== offered).map((patch) => patch.id), offered);
  }

  /** Patches were brought in or left out, here or by an undo: they join the order of the others, or leave it. */
  private offer(ids: readonly number[], offered: boolean): void {
    for (const patch of this.inQueue(ids)) {
      patch.offered = offered;
      patch.asked = offered && !this.beyondPart.has(patch.id);
    }
    const kept = this.queue.patches.filter((patch) => patch.asked);
    const added = this.inQueue(ids).filter((patch) => patch.asked && !this.queue.has(patch.id));
    const byPlace = (one: PatchPayload, other: PatchPayload): number => one.row - other.row || one.column - other.column;
    this.queue.replace(this.labelling.order === "position" ? [...kept, ...added].sort(byPlace) : [...kept, ...added]);
    this.refresh(null);
    if (this.queue.current !== this.stage.shown) this.moved();
  }

  private labelSelected(value: LabelValue, route: Route): void {
    const { chosen } = this.stage.selection;
    if (!chosen.size) return this.toggleGrid();
    const patches = this.queue.patches.filter((patch) => chosen.has(patch.id)).map((patch) => patch.id);
    this.store.setMany(patches, value, { milliseconds: null, route });
    this.stage.selection.clear();
  }

  private inQueue(ids: readonly number[]): PatchPayload[] {
    return ids.flatMap((id) => this.byId.get(id) ?? []);
  }

  private valueOf(patch: PatchPayload): LabelValue | null {
    return this.store.value(patch.id);
  }

  private lookOf(patch: PatchPayload): CellLook {
    const state = patch.offered && patch.asked ? (this.valueOf(patch) ?? "open") : "left_out";
    const flagged = this.store.flagged(patch.id);
    const { hidden } = this.bar;
    return {
      state,
      flagged,
      overruled: patch.offered !== patch.by_otsu,
      hidden: hidden.has(state) || (hidden.has("flagged") && !flagged),
      bare: this.model.shown,
    };
  }

  private follow(patches: number[] | null): void {
    if (patches === null) return;
    for (const id of patches) {
      const place = this.done.findIndex((patch) => patch.id === id);
      if (place !== -1) this.done.splice(place, 1);
    }
    // Many at once are looked at in the grid, where they were decided.
    if (patches.length === 1 && !this.stage.gridShown) this.jump(patches[0]!);
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
    }
    this.model.redraw();
    this.refresh([]);
  }

  /** changed: patches that look different now; null: any may. */
  private refresh(changed: readonly number[] | null): void {
    const patch = this.queue.current;
    this.stage.grid.sprite.spoil(changed && changed.flatMap((id) => this.byId.get(id) ?? []));
    const counts = this.store.counts(this.queue.patches.map((one) => one.id));
    showCounts(counts, counts.left ? this.pace.secondsFor(counts.left) : null);
    setText(find("#place"), patch ? placeOf(patch, this.queue.number, this.labelling.slide.mpp) : "");
    find("#toggle-grid").setAttribute("aria-pressed", String(this.stage.gridShown));
    find("#label-desk").dataset.mode = this.stage.gridShown ? "grid" : "patch";
    find("#toggle-model").setAttribute("aria-pressed", String(this.model.shown));
    setText(find("#model-word"), patch ? this.model.wordOn(patch) : "");
    find("#model-legend").hidden = !this.model.shown;
    setText(find("#model-name"), this.model.name);
    this.stage.grid.redraw();
    this.bar.show();
    showButtons(this.store, patch, this.labelling);
    showConflict(this.store, this.labelling);
    this.showFinished(counts.left === 0 && counts.total > 0);
    this.showSidesSoon();
  }

  /** Map, strip and prefetching wait until the next frame is painted: the patch and its label come first. */
  private showSidesSoon(): void {
    if (this.sidesFrame) return;
    this.sidesFrame = requestAnimationFrame(() => setTimeout(() => this.showSides()));
  }

  private showSides(): void {
    this.sidesFrame = 0;
    const patch = this.queue.current;
    this.map.draw(patch);
    this.strip.show(this.done.filter((one) => one !== patch).slice(-SHOWN_DONE), patch, this.queue.openAhead(SHOWN_NEXT));
    if (!patch) return;
    history.replaceState(history.state, "", `${location.search}#patch=${patch.id}`);
    this.stage.viewer.onOpen(() => this.stage.prefetch(this.queue.openAhead(PREFETCHED)));
  }

  private showFinished(finished: boolean): void {
    if (finished === this.finishedOnce) return;
    this.finishedOnce = finished;
    find("#finished").hidden = !finished;
  }
}
