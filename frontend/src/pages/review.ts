/** The comparison desk. Its data: "review-data". */
import "../styles/viewer.css";
import "../styles/review.css";
import { AlignMode } from "../alignMode";
import type { CellFilter } from "../cellPainter";
import { ComparisonDesk, type CountedPane } from "../comparisonDesk";
import { find, make, setText } from "../dom";
import { EditMode } from "../editMode";
import { length, percent } from "../format";
import { level0 } from "../geometry";
import { type Pin, readPayload, type ReviewPayload, type WindowCounts } from "../payload";
import { type Layout, LAYOUTS, type PaneName } from "../paneLayout";
import { gradeBox, lineageBox, ratioBox, sensitivityTable } from "../scorePanel";
import { isCounting, Scoring, type Scores } from "../scoring";
import { bindWithHelp, type Shortcut } from "../shortcuts";
import { announceReady } from "../slideViewer";
import type { Outline, Place } from "../squareLayer";
import { derivedMap } from "../syncedViewers";
import { fill, gettext } from "../text";
import { VerdictForm } from "../verdictForm";
import { addToolbar } from "../viewerFurniture";
import { WindowPanel } from "../windowPanel";

const ALIGNMENT_POLL_MS = 4000;
const ALIGNMENT_POLLS = 30;
const PIN_COLOUR = "#d9a1f5";

const review = readPayload<ReviewPayload>("review-data");
const panes = find("#review-panes");
const desk = new ComparisonDesk(review);
const countButton = document.querySelector<HTMLButtonElement>("#count-cells");
const scoring = new Scoring(review, review.urls.scores, review.scores, showScores);
const windowPanel = new WindowPanel(review, () => desk.panes[0]!.viewer.view.centre, showWindow);
let keptWindow = JSON.stringify(review.draft?.window ?? null);
let [shownWindow, shownPins]: [WindowCounts | null, readonly Pin[]] = [null, []];

function showScores(scores: Scores): void {
  desk.setScores(scores);
  const context = { ki67: review.ki67, hasReal: review.real !== null };
  const table = sensitivityTable(scores, context.hasReal);
  const graded = review.grading !== "none" && review.ki67;
  const middle = graded ? gradeBox(scores) : make("section", { class: "box" }, make("h3", {}, gettext("How sure")));
  if (table) middle.append(table);
  find("#results").replaceChildren(ratioBox(scores, context), windowPanel.element, middle);
  find("#lineage").replaceChildren(lineageBox(review));
  if (!countButton) return;
  const counting = isCounting(scores.real) || isCounting(scores.synthetic);
  countButton.disabled = counting;
  setText(countButton, counting ? gettext("Counting …") : scores.synthetic ? gettext("Count again") : gettext("Count cells"));
}

function showWindow(shown: WindowCounts | null, go: boolean): void {
  shownWindow = shown;
  if (shown && go) desk.goTo(level0(shown.x, shown.y), zoomToSee(shown.side_um));
  drawMarks();
  if (windowPanel.place && JSON.stringify(windowPanel.place) !== keptWindow) verdict.later();
  keptWindow = JSON.stringify(windowPanel.place);
}

const zoomToSee = (sideUm: number): number => (desk.panes[0]!.viewer.size.width * 0.7) / (sideUm / (review.source.mpp ?? 1));

/** The window on every slide, and the pins on the synthetic one. */
function drawMarks(): void {
  const square = (corners: Outline["corners"] | undefined): Outline[] => (corners ? [{ corners, label: length(shownWindow!.side_um) }] : []);
  const pins: Place[] = shownPins.map(({ x, y }, index) => ({ x, y, label: String(index + 1), colour: PIN_COLOUR }));
  desk.mark("synthetic", square(shownWindow?.synthetic?.corners), pins);
  if (alignMode?.active) return;
  desk.mark("real", square(shownWindow?.real?.corners), []);
  const scale = derivedMap(review.source, review.synthetic)[0];
  desk.mark("source", square(shownWindow?.synthetic?.corners.map(([x, y]) => [x / scale, y / scale] as const)), []);
}

function showAlignment(current: Pick<ReviewPayload, "alignment" | "alignment_note" | "real">): void {
  const { alignment } = current;
  const quality = alignment?.error_um != null
    ? fill(gettext("Aligned by {by}, median error {error}"), { by: alignment.by ?? "?", error: length(alignment.error_um) })
    : alignment?.correlation != null
      ? fill(gettext("Aligned, tissue overlap {correlation}"), { correlation: percent(alignment.correlation, 0) })
      : fill(gettext("Aligned by {by}"), { by: alignment?.by ?? "?" });
  const pill = find("#alignment");
  setText(pill, alignment ? quality : current.real ? gettext("Not aligned") : gettext("No real slide"));
  pill.classList.toggle("badge-warn", !alignment);
  pill.classList.toggle("badge-ok", Boolean(alignment));
  setText(find("#alignment-note"), alignment ? "" : alignmentNote(current));
}

function alignmentNote(current: Pick<ReviewPayload, "alignment_note" | "real">): string {
  const apart = current.real ? gettext("Until then the middles of both slides are laid on each other. “Align” lays places on each other by hand.") : "";
  return [current.alignment_note, apart].filter(Boolean).join(" ");
}

/** The sections are aligned by a worker when the page is first opened: ask for the result for a while. */
async function awaitAlignment(left: number): Promise<void> {
  if (left === 0) return;
  await new Promise((resolve) => setTimeout(resolve, ALIGNMENT_POLL_MS));
  const page = await fetch(location.pathname, { credentials: "same-origin" }).then((response) => response.text()).catch(() => "");
  const data = new DOMParser().parseFromString(page, "text/html").getElementById("review-data")?.textContent;
  const fresh = data ? (JSON.parse(data) as ReviewPayload) : review;
  if (fresh.alignment) {
    desk.setAlignment(fresh.alignment);
    alignMode?.saw(fresh.alignment.version);
  }
  if (fresh.alignment || fresh.alignment_note !== review.alignment_note) return showAlignment(fresh);
  return awaitAlignment(left - 1);
}

function toggle(selector: string, read: () => boolean, write: (on: boolean) => void): () => void {
  const button = document.querySelector<HTMLButtonElement>(selector);
  const flip = (): void => {
    write(!read());
    for (const [other, state] of toggles) other.setAttribute("aria-pressed", String(state()));
  };
  if (!button) return () => {};
  toggles.push([button, read]);
  button.addEventListener("click", (event) => {
    if (event.detail) button.blur();
    flip();
  });
  return flip;
}
const toggles: [HTMLButtonElement, () => boolean][] = [];

const editMode = review.can.edit
  ? new EditMode(desk, (pane: CountedPane, score) => {
      scoring.replace(pane, score);
      void windowPanel.again();
    })
  : null;
const alignMode: AlignMode | null =
  review.can.edit && review.real
    ? new AlignMode(desk, review, review.alignment?.version ?? null, (alignment) => {
        desk.setAlignment(alignment);
        showAlignment({ alignment, alignment_note: "", real: review.real });
        for (const [button, state] of toggles) button.setAttribute("aria-pressed", String(state()));
        drawMarks();
        void windowPanel.again();
      })
    : null;
const verdict = new VerdictForm(find<HTMLFormElement>("#verdict-form"), {
  slideId: review.synthetic.id,
  reviewsUrl: review.urls.reviews,
  earlier: review.reviews,
  draft: review.draft,
  standing: review.standing,
  reasons: review.reasons,
  pinKinds: review.pin_kinds,
  window: () => windowPanel.place,
  onPins: (pins) => {
    shownPins = pins;
    drawMarks();
  },
});
let pinning = false;
desk.pane("synthetic")!.viewer.onPick((point) => pinning && verdict.canAddPins && verdict.addPin(point.x, point.y));

const flipCells = toggle("#toggle-cells", () => desk.cellsShown, (on) => (desk.cellsShown = on));
const flipLink = toggle("#toggle-link", () => desk.linked, (on) => (desk.linked = on));
const flipEdit = toggle("#toggle-edit", () => editMode?.active ?? false, (on) => editMode && (editMode.active = on));
const flipAlign = toggle("#toggle-align", () => alignMode?.active ?? false, (on) => {
  if (alignMode) alignMode.active = on;
  if (!on) drawMarks();
});
const flipPins = toggle("#toggle-pins", () => pinning, (on) => (pinning = on));

const layoutSelect = find<HTMLSelectElement>("#layout");
const setLayout = (layout: Layout): void => {
  desk.layout.layout = layout;
  layoutSelect.value = layout;
};
layoutSelect.addEventListener("change", () => setLayout(layoutSelect.value as Layout));
const belowSelect = find<HTMLSelectElement>("#layout-below");
belowSelect.hidden = review.real === null;
belowSelect.addEventListener("change", () => (desk.layout.below = belowSelect.value as PaneName));
const filterSelect = find<HTMLSelectElement>("#cell-filter");
filterSelect.addEventListener("change", () => (desk.filter = filterSelect.value as CellFilter));

const viewKeys = desk.shortcuts(panes);
addToolbar(panes, viewKeys);
const compare = gettext("Compare");
const keys: Shortcut[] = [
  { keys: ["C"], what: gettext("counted cells on and off"), group: compare, run: flipCells },
  { keys: ["L"], what: gettext("move the slides together or each alone"), group: compare, run: flipLink },
  { keys: ["V"], what: gettext("next layout: side by side, curtain, blink, see-through"), group: compare, run: () => setLayout(LAYOUTS[(LAYOUTS.indexOf(desk.layout.layout) + 1) % LAYOUTS.length]!) },
  { keys: [","], what: gettext("less of the synthetic slide"), group: compare, run: () => desk.layout.nudge(-1), repeats: true },
  { keys: ["."], what: gettext("more of the synthetic slide"), group: compare, run: () => desk.layout.nudge(1), repeats: true },
  ...(["source", "real", "synthetic"] as const).filter((name) => desk.pane(name)).map((name, index) => ({
    keys: [String(6 + index)], what: fill(gettext("pane {n} on and off"), { n: index + 1 }), group: compare, run: () => desk.layout.toggle(name),
  })),
  { keys: ["W"], what: gettext("move the window here"), group: compare, run: () => void windowPanel.moveHere() },
  ...(editMode
    ? [
        { keys: ["E"], what: gettext("edit cells"), group: gettext("Judge"), run: flipEdit },
        { keys: ["Z"], what: gettext("undo the last edit"), group: gettext("Judge"), run: () => void editMode.undo() },
        { keys: ["A"], what: gettext("align by pairs of places"), group: gettext("Judge"), run: flipAlign },
      ]
    : []),
  ...(verdict.canAddPins ? [{ keys: ["P"], what: gettext("put pins on the synthetic slide"), group: gettext("Judge"), run: flipPins }] : []),
  ...viewKeys,
];
bindWithHelp(keys);

countButton?.addEventListener("click", () => {
  countButton.disabled = true;
  void scoring.count().then((why) => {
    setText(find("#count-error"), why);
    if (why) countButton.disabled = false;
  });
});

showAlignment(review);
if (review.real && !review.alignment) void awaitAlignment(ALIGNMENT_POLLS);
scoring.begin();
if (review.draft?.window) void windowPanel.moveTo(review.draft.window, false);
announceReady(...desk.panes.map((pane) => pane.viewer));
