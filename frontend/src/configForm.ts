/** Mark the keys of a configuration that are not the paper's, as they are typed. */
import { all, find, setText } from "./dom";
import { fill, gettext } from "./text";

type Field = HTMLInputElement | HTMLSelectElement;

/** Numbers are compared as numbers: 1e-4 is 0.0001. */
export function sameValue(typed: string, paper: string): boolean {
  if (typed.trim() === paper.trim()) return true;
  if (!typed.trim() || !paper.trim()) return false;
  return Number(typed) === Number(paper) || listOf(typed) === listOf(paper);
}

const listOf = (text: string): string => text.split(",").map((part) => part.trim()).join(",");

const valueOf = (field: Field): string =>
  field instanceof HTMLInputElement && field.type === "checkbox" ? String(field.checked) : field.value;

export function bindConfigForm(section: HTMLElement): void {
  const mark = (): void => {
    let changed = 0;
    for (const field of all<Field>("[data-paper]", section)) {
      const differs = !sameValue(valueOf(field), field.dataset.paper ?? "");
      field.closest(".config-row")?.classList.toggle("differs", differs);
      changed += Number(differs);
    }
    const badge = find("[data-changed]", section);
    badge.classList.toggle("badge-warn", changed > 0);
    const many = changed === 1 ? gettext("{n} key differs from the paper") : gettext("{n} keys differ from the paper");
    setText(badge, changed ? fill(many, { n: changed }) : gettext("as in the paper"));
  };
  section.addEventListener("input", mark);
  mark();
}
