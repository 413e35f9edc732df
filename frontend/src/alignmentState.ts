/** How well the sections lie on each other, on the real slide's own title; and the result of a worker that is still at it. */
import { find, make, setText } from "./dom";
import { length, percent } from "./format";
import type { Alignment, ReviewPayload } from "./payload";
import { fill, gettext } from "./text";

const POLL_MS = 4000;
const POLLS = 30;

export type AlignmentState = Pick<ReviewPayload, "alignment" | "alignment_note" | "real">;

export function showAlignment(current: AlignmentState): void {
  const { alignment, real } = current;
  const pill = document.querySelector("#alignment") ?? make("span", { class: "badge", id: "alignment", role: "status" });
  if (real) find("#pane-real .viewer-title").append(pill);
  setText(pill, alignment ? qualityOf(alignment) : gettext("Not aligned"));
  pill.classList.toggle("badge-warn", !alignment);
  pill.classList.toggle("badge-ok", Boolean(alignment));
  setText(find("#alignment-note"), alignment ? "" : noteOf(current));
}

export function qualityOf({ error_um, correlation, by, version }: Alignment): string {
  const who = by ?? gettext("computer");
  const text = error_um !== null && error_um > 0
    ? fill(gettext("Aligned by {who}, median error {error}"), { who, error: length(error_um) })
    : correlation !== null
      ? fill(gettext("Aligned by {who}, tissue overlap {correlation}"), { who, correlation: percent(correlation, 0) })
      : fill(gettext("Aligned by {who}"), { who });
  return version > 1 ? `${text} · ${fill(gettext("version {n}"), { n: version })}` : text;
}

function noteOf({ alignment_note, real }: AlignmentState): string {
  const apart = real ? gettext("Until then the middles of both slides are laid on each other. “Align” lays places on each other by hand.") : "";
  return [alignment_note, apart].filter(Boolean).join(" ");
}

/** The sections are aligned by a worker when the page is first opened: ask for the result for a while. */
export async function awaitAlignment(review: AlignmentState, onChange: (fresh: AlignmentState) => void, left = POLLS): Promise<void> {
  if (left === 0) return;
  await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  const page = await fetch(location.pathname, { credentials: "same-origin" }).then((response) => response.text()).catch(() => "");
  const data = new DOMParser().parseFromString(page, "text/html").getElementById("review-data")?.textContent;
  const fresh = data ? (JSON.parse(data) as ReviewPayload) : review;
  if (fresh.alignment || fresh.alignment_note !== review.alignment_note) return onChange(fresh);
  return awaitAlignment(review, onChange, left - 1);
}
