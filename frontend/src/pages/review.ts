/** The comparison desk. Its data: "review-data". */
import "../styles/viewer.css";
import "../styles/review.css";
import { ComparisonDesk } from "../comparisonDesk";
import { find, make, setText } from "../dom";
import { percent } from "../format";
import { readPayload, type ReviewPayload } from "../payload";
import { gradeBox, lineageBox, ratioBox, sensitivityTable } from "../scorePanel";
import { isCounting, Scoring, type Scores } from "../scoring";
import { bindWithHelp, type Shortcut } from "../shortcuts";
import { announceReady } from "../slideViewer";
import { fill, gettext } from "../text";
import { bindVerdict } from "../verdictForm";
import { addToolbar } from "../viewerFurniture";

const ALIGNMENT_POLL_MS = 4000;
const ALIGNMENT_POLLS = 30;

const review = readPayload<ReviewPayload>("review-data");
const panes = find("#review-panes");
const desk = new ComparisonDesk(review);
const countButton = document.querySelector<HTMLButtonElement>("#count-cells");
const scoring = new Scoring(review, review.urls.scores, review.scores, showScores);

function showScores(scores: Scores): void {
  desk.setScores(scores);
  const context = { ki67: review.ki67, hasReal: review.real !== null };
  const ratios = ratioBox(scores, context);
  const table = sensitivityTable(scores, context.hasReal);
  const middle = review.ki67 ? gradeBox(scores) : make("section", { class: "box" }, make("h3", {}, gettext("How sure")));
  if (table) middle.append(table);
  find("#results").replaceChildren(ratios, middle, lineageBox(review));
  if (!countButton) return;
  const counting = isCounting(scores.real) || isCounting(scores.synthetic);
  countButton.disabled = counting;
  setText(countButton, counting ? gettext("Counting …") : scores.synthetic ? gettext("Count again") : gettext("Count cells"));
}

function showAlignment(current: ReviewPayload): void {
  const text = current.alignment
    ? fill(gettext("Aligned, tissue overlap {correlation}"), { correlation: percent(current.alignment.correlation, 0) })
    : current.real
      ? gettext("Not aligned")
      : gettext("No real slide");
  const pill = find("#alignment");
  setText(pill, text);
  pill.classList.toggle("badge-warn", !current.alignment);
  pill.classList.toggle("badge-ok", Boolean(current.alignment));
  setText(find("#alignment-note"), current.alignment ? "" : alignmentNote(current));
}

function alignmentNote(current: ReviewPayload): string {
  const apart = current.real ? gettext("Until then the middles of both slides are laid on each other.") : "";
  return [current.alignment_note, apart].filter(Boolean).join(" ");
}

/** The sections are aligned by a worker when the page is first opened: ask for the result for a while. */
async function awaitAlignment(left: number): Promise<void> {
  if (left === 0) return;
  await new Promise((resolve) => setTimeout(resolve, ALIGNMENT_POLL_MS));
  const page = await fetch(location.pathname, { credentials: "same-origin" }).then((response) => response.text()).catch(() => "");
  const data = new DOMParser().parseFromString(page, "text/html").getElementById("review-data")?.textContent;
  const fresh = data ? (JSON.parse(data) as ReviewPayload) : review;
  if (fresh.alignment) desk.setAlignment(fresh.alignment);
  if (fresh.alignment || fresh.alignment_note !== review.alignment_note) return showAlignment(fresh);
  return awaitAlignment(left - 1);
}

function toggle(selector: string, read: () => boolean, write: (on: boolean) => void): () => void {
  const button = find<HTMLButtonElement>(selector);
  const flip = (): void => {
    write(!read());
    button.setAttribute("aria-pressed", String(read()));
  };
  button.addEventListener("click", (event) => {
    if (event.detail) button.blur();
    flip();
  });
  return flip;
}

const flipCells = toggle("#toggle-cells", () => desk.cellsShown, (on) => (desk.cellsShown = on));
const flipLink = toggle("#toggle-link", () => desk.linked, (on) => (desk.linked = on));
const viewKeys = desk.shortcuts(panes);
addToolbar(panes, viewKeys);
const keys: Shortcut[] = [
  { keys: ["C"], what: gettext("counted cells on and off"), group: gettext("Compare"), run: flipCells },
  { keys: ["L"], what: gettext("move the slides together or each alone"), group: gettext("Compare"), run: flipLink },
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
bindVerdict(find<HTMLFormElement>("#verdict-form"), review.synthetic.id, review.urls.reviews, review.reviews);
announceReady(...desk.panes.map((pane) => pane.viewer));
