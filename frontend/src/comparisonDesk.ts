/** The comparison desk: H&E, real and synthetic slide in step, with the counted cells over them. */
import { CellOverlay, type OverlayState } from "./cellOverlay";
import { find, setText } from "./dom";
import { count } from "./format";
import { IDENTITY } from "./geometry";
import type { ReviewPayload, ScorePayload } from "./payload";
import type { Shortcut } from "./shortcuts";
import { SlideViewer } from "./slideViewer";
import { centredMap, derivedMap, type Follower, SyncedViewers } from "./syncedViewers";
import { fill, gettext } from "./text";
import { readHash, shareView } from "./viewHash";
import { addScaleBar, canvasOf, labelViewer, viewShortcuts } from "./viewerFurniture";

type Pane = Follower & { viewer: SlideViewer };

export class ComparisonDesk {
  readonly panes: Pane[] = [];
  private readonly synced: SyncedViewers;
  private readonly overlays: CellOverlay[] = [];
  private readonly realPane: Pane | null;
  private scores: ReviewPayload["scores"];

  constructor(review: ReviewPayload) {
    const { source, real, synthetic } = review;
    this.scores = review.scores;
    const sourcePane = this.addPane("#pane-source", { slide: source, map: IDENTITY, name: source.stain_name });
    this.realPane = real
      ? this.addPane("#pane-real", {
          slide: real,
          map: review.alignment?.matrix ?? centredMap(source, real),
          name: fill(gettext("{stain}, real"), { stain: real.stain_name }),
        })
      : null;
    const syntheticPane = this.addPane("#pane-synthetic", {
      slide: synthetic,
      map: derivedMap(source, synthetic),
      name: synthetic.stain_name,
    });
    this.synced = new SyncedViewers(this.panes);
    addScaleBar(find("#pane-source"), sourcePane.viewer);
    shareView(sourcePane.viewer);
    // The synthetic slide may cover a part of the source: it is the one to begin with, unless the address names a place.
    const first = readHash(location.hash) ? sourcePane : syntheticPane;
    for (const pane of this.panes) pane.viewer.onOpen(() => this.whenAllOpen(first));
    if (this.realPane) this.overlays.push(this.addOverlay(this.realPane, () => this.scores.real));
    this.overlays.push(this.addOverlay(syntheticPane, () => this.scores.synthetic));
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
    return this.overlays.some((overlay) => overlay.visible);
  }

  set cellsShown(shown: boolean) {
    for (const overlay of this.overlays) overlay.visible = shown;
    if (!shown) setText(find("#cells-note"), "");
  }

  /** Rings follow the newest finished count. */
  setScores(scores: ReviewPayload["scores"]): void {
    const finished = (score: ScorePayload | null): number | null => (score?.state === "done" ? score.id : null);
    const changed =
      finished(scores.real) !== finished(this.scores.real) || finished(scores.synthetic) !== finished(this.scores.synthetic);
    this.scores = scores;
    if (changed) for (const overlay of this.overlays) overlay.reset();
  }

  /** An alignment that was computed while the page was open. */
  setAlignment(alignment: NonNullable<ReviewPayload["alignment"]>): void {
    if (!this.realPane) return;
    this.realPane.fromCommon = alignment.matrix;
    this.synced.align();
  }

  private addPane(selector: string, { slide, map, name }: { slide: ReviewPayload["source"]; map: Follower["fromCommon"]; name: string }): Pane {
    const host = find(selector);
    host.hidden = false;
    const pane = { viewer: new SlideViewer({ element: canvasOf(host), slide }), fromCommon: map };
    labelViewer(host, slide, name);
    this.panes.push(pane);
    return pane;
  }

  private addOverlay(pane: Pane, scoreOf: () => ScorePayload | null): CellOverlay {
    const scoreId = (): number | null => {
      const score = scoreOf();
      return score?.state === "done" ? score.id : null;
    };
    return new CellOverlay(pane.viewer, scoreId, (state) => this.showNote(state));
  }

  private showNote({ shown, tooFar, cells }: OverlayState): void {
    let text = shown ? gettext("Orange ring with a dot: positive. Blue ring: negative.") : "";
    if (shown && tooFar) text = gettext("Zoom in to see single cells.");
    else if (shown && cells?.capped)
      text = fill(gettext("{shown} of {all} cells of this window are drawn; zoom in for all."), { shown: count(cells.x.length), all: count(cells.count) });
    setText(find("#cells-note"), text);
  }

  private whenAllOpen(first: Pane): void {
    if (!this.panes.every((pane) => pane.viewer.osd.isOpen())) return;
    this.synced.lead(first);
    this.synced.align();
  }
}
