/** The comparison desk. Its data: "review-data". */
import "../styles/viewer.css";
import "../styles/review.css";
import { AlignMode } from "../alignMode";
import { awaitAlignment, showAlignment } from "../alignmentState";
import type { CellFilter } from "../cellPainter";
import { ComparisonDesk, type CountedPane } from "../comparisonDesk";
import { drawMarks as draw } from "../deskMarks";
import { find, make, setText } from "../dom";
import { EditMode } from "../editMode";
import { level0 } from "../geometry";
import { type Pin, readPayload, type ReviewPayload } from "../payload";
import { type Layout, LAYOUTS, type PaneName } from "../paneLayout";
import { PartPanel, type ShownPart } from "../partPanel";
import { RegionMode } from "../regionMode";
import { gradeBox, lineageBox, ratioBox, sensitivityTable } from "../scorePanel";
import { isCounting, Scoring, type Scores } from "../scoring";
import { bindWithHelp, type Shortcut } from "../shortcuts";
import { announceReady } from "../slideViewer";
import { Switches } from "../switches";
import { fill, gettext } from "../text";
import { VerdictForm } from "../verdictForm";
import { addToolbar } from "../viewerFurniture";

const review = readPayload<ReviewPayload>("review-data");
const panes = find("#review-panes");
const desk = new ComparisonDesk(review);
const countButton = document.querySelector<HTMLButtonElement>("#count-cells");
const scoring = new Scoring(review, review.urls.scores, review.scores, showScores);
const partPanel = new PartPanel(review, () => desk.panes[0]!.viewer.view.centre, showPart);
let keptWindow = JSON.stringify(review.draft?.window ?? null);
let [shownPart, shownPins]: [ShownPart | null, readonly Pin[]] = [null, []];
let pinning = false;

function showScores(scores: Scores): void {
  desk.setScores(scores);
  const context = { ki67: review.ki67, hasReal: review.real !== null };
  const table = sensitivityTable(scores, context.hasReal);
  const graded = review.grading !== "none" && review.ki67;
  const middle = graded ? gradeBox(scores) : make("section", { class: "box" }, make("h3", {}, gettext("How sure")));
  if (table) middle.append(table);
  find("#results").replaceChildren(ratioBox(scores, context), partPanel.element, middle);
  find("#lineage").replaceChildren(lineageBox(review));
  if (!countButton) return;
  const counting = isCounting(scores.real) || isCounting(scores.synthetic);
  countButton.disabled = counting;
  setText(countButton, counting ? gettext("Counting …") : scores.synthetic ? gettext("Count again") : gettext("Count cells"));
}

function showPart(part: ShownPart | null, go: boolean): void {
  shownPart = part;
  if (part?.window && go) desk.goTo(level0(part.window.x, part.window.y), zoomToSee(part.window.side_um));
  drawMarks();
  if (partPanel.place && JSON.stringify(partPanel.place) !== keptWindow) verdict.later();
  keptWindow = JSON.stringify(partPanel.place);
}

const zoomToSee = (sideUm: number): number => (desk.panes[0]!.viewer.size.width * 0.7) / (sideUm / (review.source.mpp ?? 1));

function drawMarks(): void {
  draw(desk, { part: shownPart, draft: regionMode.draft, pins: shownPins, aligning: alignMode?.active ?? false });
}

const switches = new Switches();
const alignMode: AlignMode | null =
  review.can.edit && review.real
    ? new AlignMode(desk, review, review.alignment?.version ?? null, (alignment) => {
        switches.show();
        drawMarks();
        if (!alignment) return;
        desk.setAlignment(alignment);
        showAlignment({ alignment, alignment_note: "", real: review.real });
        void partPanel.again();
      })
    : null;
const regionMode = new RegionMode(
  desk,
  (corners) => {
    switches.leaveModes();
    void partPanel.take(corners);
  },
  drawMarks,
);
const verdict = new VerdictForm(find<HTMLFormElement>("#verdict-form"), {
  slideId: review.synthetic.id,
  reviewsUrl: review.urls.reviews,
  earlier: review.reviews,
  draft: review.draft,
  standing: review.standing,
  reasons: review.reasons,
  pinKinds: review.pin_kinds,
  window: () => partPanel.place,
  onPins: (pins) => {
    shownPins = pins;
    drawMarks();
  },
  onGoTo: ({ x, y }) => desk.goTo(level0(x, y), undefined, "synthetic"),
  onSigned: () => switches.leaveModes(),
});
const editMode = review.can.edit
  ? new EditMode(desk, (pane: CountedPane, score) => {
      scoring.replace(pane, score);
      void partPanel.again();
    })
  : null;
desk.pane("synthetic")!.viewer.onPick((point) => pinning && verdict.canAddPins && verdict.addPin(point.x, point.y));

const mode = { isMode: true };
const flipCells = switches.add("#toggle-cells", () => desk.cellsShown, (on) => (desk.cellsShown = on));
const flipLink = switches.add("#toggle-link", () => desk.linked, (on) => (desk.linked = on));
const flipRegion = switches.add("#toggle-region", () => regionMode.active, (on) => (regionMode.active = on), mode);
const flipEdit = switches.add("#toggle-edit", () => editMode?.active ?? false, (on) => editMode && (editMode.active = on), mode);
const flipAlign = switches.add("#toggle-align", () => alignMode?.active ?? false, (on) => alignMode && (alignMode.active = on), mode);
const flipPins = switches.add("#toggle-pins", () => pinning, (on) => (pinning = on), mode);

const layoutSelect = find<HTMLSelectElement>("#layout");
const belowSelect = find<HTMLSelectElement>("#layout-below");
const setLayout = (layout: Layout): void => {
  desk.layout.layout = layout;
  layoutSelect.value = layout;
  belowSelect.hidden = review.real === null || layout === "side";
};
setLayout("side");
layoutSelect.addEventListener("change", () => setLayout(layoutSelect.value as Layout));
belowSelect.addEventListener("change", () => (desk.layout.below = belowSelect.value as PaneName));
const filterSelect = find<HTMLSelectElement>("#cell-filter");
filterSelect.addEventListener("change", () => (desk.filter = filterSelect.value as CellFilter));

const viewKeys = desk.shortcuts(panes);
addToolbar(panes, viewKeys);
const [compare, judge] = [gettext("Compare"), gettext("Judge")];
const keys: Shortcut[] = [
  { keys: ["C"], what: gettext("counted cells on and off"), group: compare, run: flipCells },
  { keys: ["L"], what: gettext("move the slides together or each alone"), group: compare, run: flipLink },
  { keys: ["V"], what: gettext("next layout: side by side, curtain, blink, see-through"), group: compare, run: () => setLayout(LAYOUTS[(LAYOUTS.indexOf(desk.layout.layout) + 1) % LAYOUTS.length]!) },
  { keys: [","], what: gettext("less of the synthetic slide"), group: compare, run: () => desk.layout.nudge(-1), repeats: true },
  { keys: ["."], what: gettext("more of the synthetic slide"), group: compare, run: () => desk.layout.nudge(1), repeats: true },
  ...(["source", "real", "synthetic"] as const).filter((name) => desk.pane(name)).map((name, index) => ({
    keys: [String(6 + index)], what: fill(gettext("pane {n} on and off"), { n: index + 1 }), group: compare, run: () => desk.layout.toggle(name),
  })),
  { keys: ["W"], what: gettext("move the window here"), group: compare, run: () => void partPanel.moveHere() },
  { keys: ["R"], what: gettext("draw a region"), group: compare, run: flipRegion },
  { keys: ["Esc"], what: gettext("leave drawing, editing or aligning"), group: compare, run: () => switches.leaveModes() },
  ...(editMode
    ? [
        { keys: ["E"], what: gettext("edit cells"), group: judge, run: flipEdit },
        { keys: ["Z"], what: gettext("undo the last edit"), group: judge, run: () => void editMode.undo() },
        { keys: ["A"], what: gettext("align by pairs of places"), group: judge, run: flipAlign },
      ]
    : []),
  ...(verdict.canAddPins ? [{ keys: ["P"], what: gettext("put pins on the synthetic slide"), group: judge, run: flipPins }] : []),
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
if (review.real && !review.alignment)
  void awaitAlignment(review, (fresh) => {
    if (fresh.alignment) {
      desk.setAlignment(fresh.alignment);
      alignMode?.saw(fresh.alignment.version);
    }
    showAlignment(fresh);
  });
scoring.begin();
const window0 = review.draft?.window ?? review.reviews.find(({ id }) => id === review.standing)?.window;
if (window0) void partPanel.moveTo(window0, false);
announceReady(...desk.panes.map((pane) => pane.viewer));
