/** The verdict: one of three, a comment, a signature. A signed verdict stays; a later one of the same reader supersedes it. */
import { messageOf, post } from "./api";
import { find, make, setText } from "./dom";
import { when } from "./format";
import type { ReviewEntry, Verdict } from "./payload";
import { gettext } from "./text";

export function bindVerdict(form: HTMLFormElement, slideId: number, reviewsUrl: string, earlier: ReviewEntry[]): void {
  const history = find("#earlier-verdicts");
  const error = find("#verdict-error", form);
  const sign = form.querySelector<HTMLButtonElement>("#sign");
  const comment = form.querySelector<HTMLTextAreaElement>("textarea");
  showHistory(history, earlier);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const verdict = form.querySelector<HTMLInputElement>("input[name=verdict]:checked")?.value as Verdict | undefined;
    if (!verdict) return setText(error, gettext("Choose a verdict first."));
    void submit(verdict);
  });
  // A comment that was typed and not signed must not be lost with a stray click.
  window.addEventListener("beforeunload", (event) => {
    if (comment?.value.trim()) event.preventDefault();
  });

  async function submit(verdict: Verdict): Promise<void> {
    if (sign) sign.disabled = true;
    setText(error, "");
    try {
      const signed = await post<ReviewEntry>(reviewsUrl, { slide: slideId, verdict, comment: comment?.value.trim() ?? "" });
      earlier.unshift(signed);
      form.reset();
      showHistory(history, earlier);
      setText(find("#verdict-done", form), gettext("Signed."));
    } catch (refusal) {
      setText(error, messageOf(refusal));
    }
    if (sign) sign.disabled = false;
  }
}

export function showHistory(host: HTMLElement, reviews: readonly ReviewEntry[]): void {
  if (reviews.length === 0) {
    host.replaceChildren(make("p", { class: "muted small" }, gettext("None yet.")));
    return;
  }
  host.replaceChildren(
    ...reviews.map((review) =>
      make(
        "article",
        { class: "verdict-entry" },
        make("div", { class: "row" }, make("span", { class: `badge verdict-${review.verdict}` }, review.verdict_name), make("b", {}, review.reader)),
        review.comment && make("p", {}, review.comment),
        make("small", { class: "muted" }, make("time", { datetime: review.created_at }, when(review.created_at))),
      ),
    ),
  );
}
