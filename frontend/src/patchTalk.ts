/** What was said of a patch: a comment to write, and its history with a way back. */
import { get, messageOf } from "./api";
import { find, make } from "./dom";
import { when } from "./format";
import { labelName } from "./labels";
import type { LabelStore } from "./labelStore";
import type { LabelRow, LabelValue, OverruleRow, PatchPayload, Remark } from "./payload";
import { fill, gettext } from "./text";

type Page<T> = T[] | { results: T[] };
const rowsOf = <T>(page: Page<T>): T[] => (Array.isArray(page) ? page : page.results);

/** A small box for a comment. Enter sends it, Shift+Enter breaks the line, Escape closes. */
export function openCommentBox(patch: PatchPayload, store: LabelStore): void {
  const dialog = find<HTMLDialogElement>("#comment-box");
  const area = find<HTMLTextAreaElement>("textarea", dialog);
  const send = (): void => {
    store.comment(patch.id, area.value);
    // The next key is the desk's at once, not only after the browser has moved the focus.
    area.blur();
    dialog.close();
  };
  area.value = "";
  find<HTMLFormElement>("form", dialog).onsubmit = (event) => {
    event.preventDefault();
    send();
  };
  area.onkeydown = (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  };
  find<HTMLButtonElement>("[data-close]", dialog).onclick = () => dialog.close();
  dialog.showModal();
}

/** Everything that was said of a patch, oldest first; each value can be restored. */
export async function openHistory(patch: PatchPayload, reader: string, onRestore: ((value: LabelValue | null) => void) | null): Promise<void> {
  const dialog = find<HTMLDialogElement>("#history-box");
  const list = find("ol", dialog);
  find<HTMLButtonElement>("[data-close]", dialog).onclick = () => dialog.close();
  list.replaceChildren(make("li", { class: "muted" }, gettext("Loading …")));
  dialog.showModal();
  try {
    const address = `/api/v1/patches/${patch.id}`;
    const [labels, remarks, overrules] = await Promise.all([
      get<Page<LabelRow>>(`${address}/labels/`),
      get<Page<Remark>>(`${address}/remarks/`),
      get<OverruleRow[]>(`${address}/overrules/`),
    ]);
    const items = [
      ...rowsOf(labels).map((row) => ({ at: row.created_at, item: labelItem(row, row.reader === reader ? onRestore : null, dialog) })),
      ...rowsOf(remarks).map((remark) => ({ at: remark.created_at, item: remarkItem(remark) })),
      ...overrules.map((row) => ({ at: row.created_at, item: overruleItem(row, patch) })),
    ].sort((one, other) => one.at.localeCompare(other.at));
    list.replaceChildren(...items.map(({ item }) => item));
    if (!items.length) list.replaceChildren(make("li", { class: "muted" }, gettext("Nobody has said anything of this patch yet.")));
  } catch (error) {
    list.replaceChildren(make("li", { class: "field-error" }, messageOf(error)));
  }
}

const ACTS: Record<LabelRow["act"] | OverruleRow["act"], string> = {
  label: "",
  overrule: "",
  undo: gettext("undone"),
  redo: gettext("redone"),
  restore: gettext("restored"),
};
const KINDS: Record<Remark["kind"], string> = {
  flag: gettext("flagged for discussion"),
  unflag: gettext("flag taken back"),
  comment: gettext("comment"),
};

function labelItem(row: LabelRow, onRestore: ((value: LabelValue | null) => void) | null, dialog: HTMLDialogElement): HTMLElement {
  const took = row.milliseconds === null ? "" : fill(gettext("{n} s"), { n: (row.milliseconds / 1000).toFixed(1) });
  const facts = [row.reader, when(row.created_at), row.route, took, ACTS[row.act]].filter(Boolean).join(" · ");
  const button = onRestore && make("button", { type: "button", class: "button button-small" }, gettext("Restore"));
  button?.addEventListener("click", () => {
    dialog.close();
    onRestore?.(row.value);
  });
  return make("li", {}, make("strong", {}, labelName(row.value)), make("span", { class: "muted small" }, facts), button);
}

function remarkItem(remark: Remark): HTMLElement {
  const facts = `${remark.author} · ${when(remark.created_at)}`;
  return make("li", {}, make("span", {}, remark.kind === "comment" ? `“${remark.text}”` : KINDS[remark.kind]), make("span", { class: "muted small" }, facts));
}

function overruleItem(row: OverruleRow, patch: PatchPayload): HTMLElement {
  const said = row.offered ? gettext("brought in") : gettext("left out");
  const against = row.offered === patch.by_otsu ? gettext("as the threshold says") : gettext("against the threshold");
  const facts = [row.by, when(row.created_at), against, ACTS[row.act]].filter(Boolean).join(" · ");
  return make("li", {}, make("strong", {}, said), make("span", { class: "muted small" }, facts));
}
