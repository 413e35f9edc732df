/** Verdicts that were signed: what each said, why, how sure, and whether it was taken up again. */
import { make } from "./dom";
import { when } from "./format";
import type { Choice, Pin, ReviewEntry } from "./payload";
import { fill, gettext } from "./text";

export interface HistoryContext {
  reasons: readonly Choice[];
  pinKinds: readonly Choice[];
  onPins: (pins: readonly Pin[]) => void;
}

export function showHistory(host: HTMLElement, reviews: readonly ReviewEntry[], context: HistoryContext): void {
  if (reviews.length === 0) host.replaceChildren(make("p", { class: "muted small" }, gettext("None yet.")));
  else host.replaceChildren(...reviews.map((review) => entryOf(review, context)));
}

function entryOf(review: ReviewEntry, context: HistoryContext): HTMLElement {
  const { reopened } = review;
  return make(
    "article",
    { class: "verdict-entry" },
    make("div", { class: "row" }, make("span", { class: `badge verdict-${review.verdict}` }, review.verdict_name), make("b", {}, review.reader)),
    review.confidence !== null && make("small", { class: "muted" }, fill(gettext("confidence {n} of 5"), { n: review.confidence })),
    review.reasons.length > 0 && make("p", { class: "small" }, review.reasons.map((reason) => nameOf(reason, context.reasons)).join("; ")),
    review.comment && make("p", {}, review.comment),
    review.pins.length > 0 && pinsOf(review, context),
    make("small", { class: "muted" }, make("time", { datetime: review.created_at }, when(review.created_at))),
    reopened && make("small", { class: "warn" }, fill(gettext("reopened {date}: {reason}"), { date: when(reopened.created_at), reason: reopened.reason })),
  );
}

function pinsOf({ pins }: ReviewEntry, { pinKinds, onPins }: HistoryContext): HTMLElement {
  const show = make("button", { type: "button", class: "button button-small" }, fill(gettext("Show pins ({n})"), { n: pins.length }));
  show.addEventListener("click", () => onPins(pins));
  const rows = pins.map(({ kind, note }) => make("li", {}, nameOf(kind, pinKinds) + (note ? `: ${note}` : "")));
  return make("div", { class: "verdict-pins" }, make("ol", { class: "small" }, ...rows), show);
}

const nameOf = (value: string, choices: readonly Choice[]): string => choices.find((choice) => choice.value === value)?.name ?? value;
