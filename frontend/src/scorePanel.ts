/** What was counted, as numbers with their cells, interval and doubts, and as bars on one axis. */
import { make } from "./dom";
import { count, percent, points } from "./format";
import type { ReviewPayload, ScorePayload, Tally } from "./payload";
import { isCounting, type Scores } from "./scoring";
import { fill, gettext } from "./text";

/** WHO cut-offs of gastro-entero-pancreatic neuroendocrine tumours, on the unrounded ratio. */
const GRADE_CUT_OFFS = [0.03, 0.2];

/** QuPath's cut, the one that published figures use. */
const FIXED_DAB = 0.2;

export interface PanelContext {
  ki67: boolean;
  hasReal: boolean;
}

export function ratioBox(scores: Scores, context: PanelContext): HTMLElement {
  const title = context.ki67 ? gettext("Ki-67 index, whole slide") : gettext("Positive cells, whole slide");
  const highest = axisEnd([scores.real, scores.synthetic]);
  const cutOffs = context.ki67 ? GRADE_CUT_OFFS : [];
  const rows = [
    ...(context.hasReal ? scoreRow(gettext("Real"), scores.real, "real", highest, cutOffs) : []),
    ...scoreRow(gettext("Synthetic"), scores.synthetic, "synthetic", highest, cutOffs),
  ];
  return make("section", { class: "box" }, make("h3", {}, title), ...rows, axis(highest), differenceRow(scores));
}

function scoreRow(
  name: string,
  score: ScorePayload | null,
  kind: "real" | "synthetic",
  highest: number,
  cutOffs: readonly number[],
): HTMLElement[] {
  const row = make("div", { class: "score-row", "data-score": kind }, make("span", {}, name), scoreValue(score));
  if (score && isCounting(score))
    return [row, make("progress", { max: 1, value: score.progress, "aria-label": fill(gettext("Counting: {name}"), { name }) })];
  const bar = intervalBar(score, kind, highest, cutOffs);
  const notes = doubts(score);
  return score?.state === "done" && score.message ? [row, bar, ...notes, caution(score.message)] : [row, bar, ...notes];
}

/** What the counter itself warns of, in full on demand: it must not push the numbers away. */
function caution(message: string): HTMLElement {
  const summary = make("summary", {}, gettext("The counter warns"));
  return make("details", { class: "caution" }, summary, make("p", {}, message));
}

function scoreValue(score: ScorePayload | null): HTMLElement {
  if (!score) return make("span", { class: "muted" }, gettext("not counted yet"));
  if (score.state === "queued") return make("span", { class: "muted" }, gettext("waiting for a worker"));
  if (score.state === "running")
    return make("span", { class: "number" }, fill(gettext("counting, {share}"), { share: percent(score.progress, 0) }));
  if (score.state === "failed") return make("span", { class: "field-error" }, score.message || gettext("the count failed"));
  const { ratio } = standing(score);
  if (ratio === null) return make("span", { class: "muted" }, gettext("no cells found, so no ratio"));
  return make("span", { class: "number" }, make("b", { class: "ratio" }, percent(ratio)), " ", make("small", {}, ratioDetails(score)));
}

/** The numbers that stand: after the readers' edits where there are any, else the machine's. */
export function standing(score: ScorePayload): Pick<Tally, "ratio" | "cells" | "interval"> {
  const { ratio, cells, interval } = score.reader ?? { ratio: score.ratio, cells: score.cells ?? 0, interval: score.interval };
  // The block bootstrap knows that cells of a slide are not independent.
  return { ratio, cells: cells ?? 0, interval: score.slide_interval ?? interval };
}

export function ratioDetails(score: ScorePayload): string {
  const { cells, interval } = standing(score);
  const parts = [fill(gettext("of {cells} cells"), { cells: count(cells) })];
  if (interval) {
    const [low, high] = interval.map((share) => (share * 100).toFixed(1));
    parts.push(fill(gettext("95 % {low}–{high}"), { low: low!, high: high! }));
  }
  return parts.join(" · ");
}

/** The machine's own number beside the readers', and too few cells. */
function doubts(score: ScorePayload | null): HTMLElement[] {
  if (score?.state !== "done") return [];
  const notes: HTMLElement[] = [];
  if (score.reader && score.ratio !== null)
    notes.push(make("p", { class: "small muted machine-count" }, fill(gettext("machine {ratio} of {cells} cells; {edits} edits by readers"), { ratio: percent(score.ratio), cells: count(score.cells ?? 0), edits: score.reader.edits })));
  if (!score.enough_cells) notes.push(make("p", { class: "warn small" }, fill(gettext("Fewer than {least} cells."), { least: score.least_cells })));
  return notes;
}

/** A round end of the axis above every interval: 10, 20, 50 or 100 per cent. */
export function axisEnd(scores: readonly (ScorePayload | null)[]): number {
  const largest = Math.max(0, ...scores.map((score) => (score ? (standing(score).interval?.[1] ?? standing(score).ratio ?? 0) : 0)));
  return [0.1, 0.25, 0.5].find((end) => largest <= end * 0.96) ?? 1;
}

const share = (value: number, highest: number): string => `${Math.min(100, (100 * value) / highest)}%`;

function intervalBar(score: ScorePayload | null, kind: string, highest: number, cutOffs: readonly number[]): HTMLElement {
  const bar = make("div", { class: `interval interval-${kind}`, "aria-hidden": "true" });
  for (const cutOff of cutOffs.filter((value) => value < highest)) {
    const line = make("u");
    line.style.left = share(cutOff, highest);
    bar.append(line);
  }
  const { ratio, interval } = score ? standing(score) : { ratio: null, interval: null };
  if (ratio === null) return bar;
  const [low, high] = interval ?? [ratio, ratio];
  const span = make("i");
  span.style.left = share(low, highest);
  span.style.width = share(high - low, highest);
  const middle = make("b");
  middle.style.left = share(ratio, highest);
  bar.append(span, middle);
  return bar;
}

function axis(highest: number): HTMLElement {
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => make("span", {}, percent(part * highest, highest < 0.2 ? 1 : 0)));
  return make("div", { class: "axis number", "aria-hidden": "true" }, ...ticks);
}

export function differenceRow({ real, synthetic }: Scores): HTMLElement {
  const row = make("div", { class: "score-row difference" }, make("span", {}, gettext("Difference, synthetic − real")));
  const comparable = real?.state === "done" && synthetic?.state === "done" && standing(real).ratio !== null && standing(synthetic).ratio !== null;
  if (!comparable) {
    row.append(make("span", { class: "muted" }, "–"));
  } else if (real.calibrated_on !== synthetic.calibrated_on) {
    row.append(make("span", { class: "warn" }, gettext("counted with different calibrations: count both again")));
  } else {
    row.append(make("b", { class: "number" }, points(standing(synthetic).ratio! - standing(real).ratio!)));
  }
  return row;
}

/** Grades of both, with what weakens them. Only for Ki-67. */
export function gradeBox({ real, synthetic }: Scores): HTMLElement {
  const notes = [
    ...noteOf(gettext("Real"), real),
    ...noteOf(gettext("Synthetic"), synthetic),
  ];
  return make(
    "section",
    { class: "box" },
    make("h3", {}, gettext("Grade (WHO, GEP-NET)")),
    make("p", { class: "grade" }, gradeText(real?.grade ?? null, synthetic?.grade ?? null)),
    ...notes,
    make("p", { class: "small muted" }, gettext("From the counted ratio alone; mitoses are not counted. Not a diagnosis.")),
  );
}

export function gradeText(real: string | null, synthetic: string | null): string {
  if (real && real === synthetic) return fill(gettext("{grade}, real and synthetic"), { grade: real });
  if (real && synthetic) return fill(gettext("{real} real, {synthetic} synthetic"), { real, synthetic });
  if (synthetic) return fill(gettext("{grade} synthetic"), { grade: synthetic });
  return real ? fill(gettext("{grade} real"), { grade: real }) : gettext("–");
}

function noteOf(name: string, score: ScorePayload | null): HTMLElement[] {
  return score?.grade_note ? [make("p", { class: "warn small" }, `${name}: ${score.grade_note}`)] : [];
}

/** The ratio at other thresholds: how much of it is a choice. */
export function sensitivityTable({ real, synthetic }: Scores, hasReal: boolean): HTMLElement | null {
  const base = synthetic?.sensitivity.length ? synthetic.sensitivity : (real?.sensitivity ?? []);
  if (base.length === 0) return null;
  const at = (score: ScorePayload | null, index: number): string => {
    const ratio = score?.sensitivity[index]?.ratio;
    return ratio === null || ratio === undefined ? "–" : percent(ratio);
  };
  const head = [gettext("DAB threshold"), ...(hasReal ? [gettext("Real")] : []), gettext("Synthetic")];
  const rows = base.map(({ dab_threshold }, index) =>
    make(
      "tr",
      {},
      make("td", {}, dab_threshold === FIXED_DAB ? fill(gettext("{cut}, the fixed one"), { cut: dab_threshold }) : String(Number(dab_threshold.toPrecision(3)))),
      ...(hasReal ? [make("td", { class: "number" }, at(real, index))] : []),
      make("td", { class: "number" }, at(synthetic, index)),
    ),
  );
  const cut = (synthetic ?? real)?.parameters.dab_threshold;
  const caption = typeof cut === "number" && make("caption", { class: "small muted" }, fill(gettext("counted with {cut}, as calibrated"), { cut: Number(cut.toPrecision(3)) }));
  return make(
    "table",
    { class: "sensitivity" },
    caption,
    make("thead", {}, make("tr", {}, ...head.map((text, index) => make("th", { class: index ? "number" : null }, text)))),
    make("tbody", {}, ...rows),
  );
}

/** What the synthetic slide was made from. */
export function lineageBox({ lineage, synthetic }: Pick<ReviewPayload, "lineage" | "synthetic">): HTMLElement {
  const facts: [string, string | null][] = [
    [gettext("Run"), lineage.run === null ? null : `${lineage.run}${lineage.epoch === null ? "" : fill(gettext(", epoch {epoch}"), { epoch: lineage.epoch })}`],
    [gettext("Data set"), lineage.dataset],
    [gettext("Generator"), `${lineage.generator_sha256.slice(0, 12)}…`],
    [gettext("Resolution"), synthetic.mpp === null ? null : `${Number(synthetic.mpp.toPrecision(4))} µm/px`],
  ];
  const rows = facts.flatMap(([name, value]) => (value ? [make("div", { class: "score-row" }, make("span", {}, name), make("span", { class: "number" }, value))] : []));
  const warning =
    lineage.independent_validation === false &&
    make("p", { class: "warn small" }, gettext("No independent validation: the model was chosen on patches of the cases that it learned from."));
  return make("section", { class: "box" }, make("h3", {}, gettext("Made by")), ...rows, warning);
}
