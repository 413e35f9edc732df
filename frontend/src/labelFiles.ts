/** Labels from a file: first every difference, then, if the reader says so, all of them. */
import { ApiError, csrfToken, messageOf } from "./api";
import { find, make, setText } from "./dom";
import { count } from "./format";
import { labelName } from "./labels";
import type { LabelValue } from "./payload";
import { fill, gettext } from "./text";

interface Difference {
  kind: "new" | "changed" | "flag" | "unflag" | "comment" | "other_reader" | "only_here";
  where: string;
  column: number | null;
  row: number | null;
  before: LabelValue | null;
  after: LabelValue | null;
  reader: string;
  text: string;
}
interface Comparison {
  dry_run: boolean;
  counts: Record<string, number>;
  differences: Difference[];
  refusals: string[];
}

const KINDS: Record<Difference["kind"], string> = {
  new: gettext("new label"),
  changed: gettext("another label"),
  flag: gettext("flag"),
  unflag: gettext("flag taken back"),
  comment: gettext("comment"),
  other_reader: gettext("another reader's, not taken"),
  only_here: gettext("only here, stays"),
};
const TAKEN: Difference["kind"][] = ["new", "changed", "flag", "unflag", "comment"];
const MOST_SHOWN = 500;

export function bindImport(project: string): void {
  const form = document.querySelector<HTMLFormElement>("#import-form");
  if (!form) return;
  const file = find<HTMLInputElement>("#import-file", form);
  const take = find<HTMLButtonElement>("#take-over", form);
  file.addEventListener("change", () => {
    find<HTMLSelectElement>("#import-format", form).value = formatOf(file.files?.[0]?.name ?? "");
    take.disabled = true;
  });
  const send = async (dryRun: boolean): Promise<void> => {
    const chosen = file.files?.[0];
    const box = find("#page-error");
    box.hidden = true;
    if (!chosen) return;
    try {
      const comparison = await upload(project, chosen, form, dryRun);
      showComparison(comparison);
      take.disabled = !comparison.dry_run || comparison.refusals.length > 0 || !comparison.differences.some((one) => TAKEN.includes(one.kind));
    } catch (error) {
      setText(box, messageOf(error));
      box.hidden = false;
    }
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void send(true);
  });
  take.addEventListener("click", () => void send(false));
}

export function formatOf(name: string): string {
  if (/\.geojson$/i.test(name)) return "geojson";
  return /\.json$/i.test(name) ? "coco" : "csv";
}

async function upload(project: string, file: File, form: HTMLFormElement, dryRun: boolean): Promise<Comparison> {
  const query = new URLSearchParams({ project, file_format: find<HTMLSelectElement>("#import-format", form).value, dry_run: String(dryRun) });
  const slide = find<HTMLSelectElement>("#import-slide", form).value;
  if (slide) query.set("slide", slide);
  const headers = { "Content-Type": "application/octet-stream", "X-CSRFToken": csrfToken() };
  const answer = await fetch(`/api/v1/labels/import/?${query}`, { method: "POST", headers, body: file, credentials: "same-origin" });
  const data = (await answer.json().catch(() => null)) as (Comparison & { message?: string }) | null;
  if (!answer.ok || !data) throw new ApiError(data?.message ?? gettext("The server refused this."), answer.status);
  return data;
}

function showComparison({ dry_run, counts, differences, refusals }: Comparison): void {
  const parts = Object.entries(counts).filter(([, number]) => number > 0);
  const names: Record<string, string> = { ...KINDS, same: gettext("the same"), refused: gettext("cannot be taken") };
  const told = parts.map(([kind, number]) => `${count(number)} ${names[kind] ?? kind}`).join(" · ");
  setText(find("#import-counts"), dry_run ? told || gettext("The file is empty.") : fill(gettext("Written. {told}"), { told }));
  const table = find("#differences");
  table.hidden = differences.length + refusals.length === 0;
  const rows: HTMLElement[] = refusals.slice(0, MOST_SHOWN).map((reason) => make("tr", { class: "refused" }, make("td", { colspan: 5 }, reason)));
  for (const one of differences.slice(0, MOST_SHOWN - rows.length)) rows.push(differenceRow(one));
  find("tbody", table).replaceChildren(...rows);
}

function differenceRow(one: Difference): HTMLElement {
  const patch = one.column === null || one.row === null ? "" : fill(gettext("column {column}, row {row}"), { column: one.column + 1, row: one.row + 1 });
  const cells = [one.where, patch, one.text ? `${KINDS[one.kind]}: ${one.text}` : KINDS[one.kind], labelName(one.before), labelName(one.after)];
  return make("tr", {}, ...cells.map((text) => make("td", {}, text)));
}
