/** The bar below the grid: tools, filter by state, and what to do with the patches that are selected. */
import type { CellState } from "./cellLooks";
import { all, find, setText } from "./dom";
import { count } from "./format";
import type { GridSelection, Tool } from "./gridSelection";
import { fill, gettext } from "./text";

export type Filter = CellState | "flagged";

export class GridBar {
  /** States that are filtered away; flagged on: only flagged ones are shown. */
  readonly hidden = new Set<Filter>();

  constructor(private readonly selection: () => GridSelection, onFilter: () => void) {
    for (const button of all<HTMLButtonElement>("[data-filter]"))
      button.addEventListener("click", () => {
        const filter = button.dataset.filter as Filter;
        if (!this.hidden.delete(filter)) this.hidden.add(filter);
        button.setAttribute("aria-pressed", String((filter === "flagged") === this.hidden.has(filter)));
        button.blur();
        onFilter();
      });
    for (const button of all<HTMLButtonElement>("[data-tool]"))
      button.addEventListener("click", () => {
        this.selection().tool = button.dataset.tool as Tool;
        button.blur();
      });
  }

  show(): void {
    const { chosen, tool } = this.selection();
    for (const button of all("[data-tool]")) button.setAttribute("aria-pressed", String(button.dataset.tool === tool));
    find("#grid-selected").hidden = chosen.size === 0;
    find("#grid-hint").hidden = chosen.size > 0;
    setText(find("#selected-count"), fill(gettext("{n} selected"), { n: count(chosen.size) }));
  }
}
