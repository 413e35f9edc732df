/** The lead's labelling page: assign, sign off, change the rules, and agreement once it is computed. */
import { get, messageOf, request } from "./api";
import { all, find, make, setText } from "./dom";
import { count, percent } from "./format";
import { fill, gettext } from "./text";

export interface AgreementRow {
  by: "all" | "stain" | "case";
  group: string;
  measure: "cohen" | "fleiss";
  readers: string[];
  kappa: number | null;
  low: number | null;
  high: number | null;
  patches: number;
  agreed: number;
  drawn: "patch" | "slide";
  left_out?: number;
}

export async function showAgreement(project: string): Promise<void> {
  const body = find("#agreement tbody");
  try {
    const rows = await get<AgreementRow[]>(`/api/v1/projects/${project}/agreement/`);
    body.replaceChildren(...rows.map(agreementRow));
    if (!rows.length) body.replaceChildren(note(gettext("No patch has labels of two readers yet. Assign a second reader to a slide.")));
  } catch (error) {
    body.replaceChildren(note(messageOf(error)));
  }
}

const note = (text: string): HTMLElement => make("tr", {}, make("td", { colspan: 6, class: "muted" }, text));

function agreementRow(row: AgreementRow): HTMLElement {
  const name = row.measure === "cohen" ? "Cohen" : "Fleiss";
  const over = row.by === "all" ? gettext("everything") : row.group;
  const more = row.left_out ? fill(gettext("{n} patches with another number of readers left out"), { n: row.left_out }) : "";
  return make(
    "tr",
    {},
    make("td", {}, over),
    make("td", {}, row.readers.join(", ")),
    make("td", {}, count(row.patches)),
    make("td", {}, row.patches ? percent(row.agreed / row.patches) : "–"),
    make("td", {}, kappaText(row)),
    make("td", { class: "muted small" }, [name, more].filter(Boolean).join(" · ")),
  );
}

/** "0.71 (0.55–0.84)"; a kappa that does not exist says why. */
export function kappaText({ kappa, low, high }: Pick<AgreementRow, "kappa" | "low" | "high">): string {
  if (kappa === null || low === null || high === null) return gettext("none: all labels are the same, or too few");
  const text = (value: number): string => value.toFixed(2).replace("-", "−");
  return `${text(kappa)} (${text(low)}–${text(high)})`;
}

export function bindDashboard(project: string): void {
  for (const form of all<HTMLFormElement>("[data-assign]"))
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const told = new FormData(form);
      void change("POST", "/api/v1/readings/", { slide: Number(form.dataset.assign), reader: told.get("reader"), part: told.get("part") });
    });
  for (const button of all<HTMLButtonElement>("[data-reading]"))
    button.addEventListener("click", () => void change("PATCH", `/api/v1/readings/${button.dataset.reading}/`, { state: button.dataset.state }));
  for (const button of all<HTMLButtonElement>("[data-unassign]"))
    button.addEventListener("click", () => void change("DELETE", `/api/v1/readings/${button.dataset.unassign}/`));
  const rules = find<HTMLFormElement>("#reading-rules");
  rules.addEventListener("submit", (event) => {
    event.preventDefault();
    const told = new FormData(rules);
    const settings = {
      consensus: told.get("consensus"),
      double_share: Number(told.get("double_share")),
      double_seed: Number(told.get("double_seed")),
      blinded: told.has("blinded"),
      assigned_only: told.has("assigned_only"),
    };
    void change("PATCH", `/api/v1/projects/${project}/reading-settings/`, settings);
  });
}

/** The page shows what the server holds: after a change it is read again. */
async function change(method: "POST" | "PATCH" | "DELETE", url: string, body?: unknown): Promise<void> {
  const box = find("#page-error");
  try {
    await request(method, url, body);
    location.reload();
  } catch (error) {
    setText(box, messageOf(error));
    box.hidden = false;
    box.scrollIntoView({ block: "center" });
  }
}
