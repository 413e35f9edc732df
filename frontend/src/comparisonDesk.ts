/** The comparison desk: H&E, real and synthetic slide in step, with cells, windows and pins over them. */
import { CellEdits } from "./cellEdits";
import { CellOverlay, type OverlayState } from "./cellOverlay";
import type { CellFilter } from "./cellPainter";
import { find, setText } from "./dom";
import { count } from "./format";
import { IDENTITY, type Level0Point } from "./geometry";
import type { Alignment, ReviewPayload, ScorePayload } from "./payload";
import { PaneLayout, type PaneName } from "./paneLayout";
import type { Scores } from "./scoring";
import type { Shortcut } from "./shortcuts";
import { SlideViewer } from "./slideViewer";
import { type Outline, type Place, SquareLayer } from "./squareLayer";
import { centredMap, derivedMap, type Follower, SyncedViewers } from "./syncedViewers";
import { fill, gettext } from "./text";
import { readHash, shareView } from "./viewHash";
import { addScaleBar, canvasOf, labelViewer, viewShortcuts } from "./viewerFurniture";

export type Pane = Follower & { name: PaneName; viewer: SlideViewer; marks: SquareLayer };
export type CountedPane = "real" | "synthetic";
const COUNTED: readonly CountedPane[] = ["real", "synthetic"];

export class ComparisonDesk {
  readonly panes: Pane[] = [];
  readonly layout: PaneLayout;
  readonly edits: Partial<Record<CountedPane, CellEdits>> = {};
  readonly overlays: Partial<Record<CountedPane, CellOverlay>> = {};
  private readonly synced: SyncedViewers;
  private readonly states: Partial<Record<CountedPane, OverlayState>> = {};
  private scores: Scores = { real: null, synthetic: null };

  constructor(review: ReviewPayload) {
    const { source, real, synthetic } = review;
    // The panes get their places before any viewer is made: one that shrinks while it opens loses the scale it was given.
    const names: readonly PaneName[] = real ? ["source", "real", "synthetic"] : ["source", "synthetic"];
    this.layout = new PaneLayout(find("#review-panes"), names, () => this.synced?.align());
    const sourcePane = this.addPane("source", source, IDENTITY, source.stain_name);
    if (real)
      this.addPane("real", real, review.alignment?.matrix ?? centredMap(source, real), fill(gettext("{stain}, real"), { stain: real.stain_name }));
    const syntheticPane = this.addPane("synthetic", synthetic, derivedMap(source, synthetic), synthetic.stain_name);
    this.synced = new SyncedViewers(this.panes);
    addScaleBar(find("#pane-source"), sourcePane.viewer);
    shareView(sourcePane.viewer);
    // The synthetic slide may cover a part of the source: it is the one to begin with, unless the address names a place.
    const first = readHash(location.hash) ? sourcePane : syntheticPane;
    for (const pane of this.panes) pane.viewer.onOpen(() => this.whenAllOpen(first));
    for (const name of COUNTED) {
      const pane = this.pane(name);
      if (pane) this.overlays[name] = new CellOverlay(pane.viewer, (state) => this.showNote(name, state));
    }
    this.setScores(review.scores);
  }

  pane(name: PaneName): Pane | undefined {
    return this.panes.find((pane) => pane.name === name);
  }

  /** Keys that move all panes, whichever was touched last. */
  shortcuts(fullScreen: HTMLElement): Shortcut[] {
    const lead = this.panes[0]!;
    return viewShortcuts(lead.viewer, fullScreen).map((shortcut) => ({
      ...shortcut,
      run: (event) => {
        this.synced.lead(lead);
        shortcut.run(event);
      },
    }));
  }

  get linked(): boolean {
    return this.synced.linked;
  }

  set linked(linked: boolean) {
    this.synced.linked = linked;
    if (linked) this.synced.align();
  }

  get cellsShown(): boolean {
    return this.counted.some((overlay) => overlay.visible);
  }

  set cellsShown(shown: boolean) {
    for (const overlay of this.counted) overlay.visible = shown;
    if (!shown) setText(find("#cells-note"), "");
  }

  set filter(filter: CellFilter) {
    for (const overlay of this.counted) overlay.filter = filter;
  }

  /** Rings follow the newest finished count, with the readers' edits. */
  setScores(scores: Scores): void {
    for (const name of COUNTED) {
      const finished = (score: ScorePayload | null): ScorePayload | null => (score?.state === "done" ? score : null);
      const score = finished(scores[name]);
      const overlay = this.overlays[name];
      if (!overlay || score?.id === finished(this.scores[name])?.id) continue;
      const edits = score ? new CellEdits(score.id, () => overlay.repaint()) : undefined;
      if (edits) this.edits[name] = edits;
      else delete this.edits[name];
      overlay.show(score && { score: score.id, dabThreshold: Number(score.parameters.dab_threshold ?? 0.2) }, edits);
      // Without its edits the count is still worth looking at; the next visit asks again.
      void edits?.load().catch(() => {});
    }
    this.scores = scores;
  }

  /** An alignment that was computed or corrected while the page was open. */
  setAlignment(alignment: Alignment): void {
    const real = this.pane("real");
    if (!real) return;
    real.fromCommon = alignment.matrix;
    this.synced.align();
  }

  /** Bring all panes to a place of one slide, of the source if none is named. */
  goTo(point: Level0Point, zoom?: number, name: PaneName = "source"): void {
    const lead = this.pane(name)!;
    this.synced.lead(lead);
    lead.viewer.setView({ centre: point, ...(zoom ? { zoom } : {}) }, true);
    this.synced.align();
  }

  /** Outlines and places over one pane. */
  mark(name: PaneName, outlines: readonly Outline[], places: readonly Place[]): void {
    this.pane(name)?.marks.show(outlines, places);
  }

  private get counted(): CellOverlay[] {
    return Object.values(this.overlays);
  }

  private addPane(name: PaneName, slide: ReviewPayload["source"], map: Follower["fromCommon"], title: string): Pane {
    const host = find(`#pane-${name}`);
    const viewer = new SlideViewer({ element: canvasOf(host), slide });
    const pane = { name, viewer, fromCommon: map, marks: new SquareLayer(viewer) };
    labelViewer(host, slide, title);
    this.panes.push(pane);
    return pane;
  }

  private showNote(name: CountedPane, state: OverlayState): void {
    this.states[name] = state;
    const states = Object.values(this.states).filter(({ shown }) => shown);
    if (states.length === 0) return;
    const [drawn, total] = [states.reduce((sum, at) => sum + at.drawn, 0), states.reduce((sum, at) => sum + at.total, 0)];
    const thinned = drawn < total && fill(gettext("{shown} of {all} cells in view are drawn; zoom in for all."), { shown: count(drawn), all: count(total) });
    setText(find("#cells-note"), thinned || gettext("Orange with a dot: positive. Blue: negative."));
  }

  private whenAllOpen(first: Pane): void {
    if (!this.panes.every((pane) => pane.viewer.osd.isOpen())) return;
    this.synced.lead(first);
    this.synced.align();
  }
}
