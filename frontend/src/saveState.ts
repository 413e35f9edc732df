/** The honest indicator: what is saved, what is not, and what to do about it. */
import { find, setText } from "./dom";
import { count } from "./format";
import { fill, gettext } from "./text";
import type { LabelStore } from "./labelStore";
import type { Outbox } from "./outbox";

/** held: the box that explains why nothing goes out, with its own button to try again. */
export function showSaveState(element: HTMLButtonElement, held: HTMLElement, store: LabelStore): void {
  const show = (): void => {
    const { unsaved } = store;
    const { state, trouble, durable } = store.outbox;
    element.dataset.durable = held.dataset.durable = String(durable);
    held.hidden = state !== "held";
    setText(find("[data-held-reason]", held), trouble ?? "");
    element.dataset.state = trouble && state === "saved" ? "refused" : state;
    element.textContent = saveText(state, unsaved, trouble);
    element.title = [trouble, unsaved ? keptWhere(durable) : ""].filter(Boolean).join(" ");
    element.disabled = state !== "retrying" && state !== "held";
  };
  store.onChange(show);
  show();
  for (const button of [element, find("button", held)]) button.addEventListener("click", () => store.outbox.retryNow());
  window.addEventListener("online", () => store.outbox.retryNow());
  // Whoever was signed out signs in in another tab and comes back.
  window.addEventListener("focus", () => store.outbox.state === "held" && store.outbox.retryNow());
  window.addEventListener("beforeunload", (event) => {
    // What the browser's database keeps is sent by the next page.
    if (store.unsaved > 0 && !store.outbox.durable) event.preventDefault();
  });
}

const keptWhere = (durable: boolean): string =>
  durable
    ? gettext("Kept on this computer: you may close the page, the next one sends it.")
    : gettext("Kept in this page only: do not close it.");

export function saveText(state: Outbox["state"], unsaved: number, trouble: string | null): string {
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
