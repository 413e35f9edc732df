/** The honest indicator: what is saved, what is not, and what to do about it. */
import { find, setText } from "./dom";
import { count } from "./format";
import { fill, gettext } from "./text";
import type { LabelStore } from "./labelStore";

/** held: the box that explains why nothing goes out, with its own button to try again. */
export function showSaveState(element: HTMLButtonElement, held: HTMLElement, store: LabelStore): void {
  const show = (): void => {
    const { state, unsaved, trouble } = store;
    held.hidden = state !== "held";
    setText(find("[data-held-reason]", held), trouble ?? "");
    element.dataset.state = trouble && state === "saved" ? "refused" : state;
    element.textContent = saveText(state, unsaved, trouble);
    element.title = trouble ?? "";
    element.disabled = state !== "retrying" && state !== "held";
  };
  store.onChange(show);
  show();
  for (const button of [element, find("button", held)]) button.addEventListener("click", () => store.retryNow());
  window.addEventListener("online", () => store.retryNow());
  // Whoever was signed out signs in in another tab and comes back.
  window.addEventListener("focus", () => store.state === "held" && store.retryNow());
  window.addEventListener("beforeunload", (event) => {
    if (store.unsaved > 0) event.preventDefault();
  });
}

export function saveText(state: LabelStore["state"], unsaved: number, trouble: string | null): string {
  switch (state) {
    case "saved":
      return trouble ? fill(gettext("Refused: {reason}"), { reason: trouble }) : gettext("All saved");
    case "saving":
      return fill(gettext("Saving {n} …"), { n: count(unsaved) });
    case "retrying":
      return fill(gettext("Not saved yet: {n} · trying again"), { n: count(unsaved) });
    case "held":
      return fill(gettext("Not saved: {n}"), { n: count(unsaved) });
  }
}
