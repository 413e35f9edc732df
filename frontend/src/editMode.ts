/** Change single cells by clicking: flip or remove the one under the pointer, or add one. */
import { messageOf } from "./api";
import { type Change, type EditAnswer } from "./cellEdits";
import type { ComparisonDesk, CountedPane } from "./comparisonDesk";
import { all, find, make, setText } from "./dom";
import type { Level0Point } from "./geometry";
import type { ScorePayload } from "./payload";
import { gettext } from "./text";

export const TOOLS = ["flip", "remove", "positive", "negative"] as const;
export type Tool = (typeof TOOLS)[number];
const NAMES: Record<Tool, string> = {
  flip: gettext("Flip"),
  remove: gettext("Remove"),
  positive: gettext("Add positive"),
  negative: gettext("Add negative"),
};

export class EditMode {
  private chosen: Tool = "flip";
  private on = false;
  private lastPane: CountedPane = "synthetic";
  private readonly bar: HTMLElement;

  constructor(
    private readonly desk: Pick<ComparisonDesk, "edits" | "overlays" | "pane" | "cellsShown">,
    private readonly onScore: (pane: CountedPane, score: ScorePayload) => void,
  ) {
    this.bar = find("#edit-tools");
    this.bar.append(...TOOLS.map((tool) => this.toolButton(tool)));
    const undo = make("button", { type: "button", class: "button button-small", id: "undo-edit" }, make("kbd", {}, "Z"), gettext("Undo"));
    undo.addEventListener("click", () => void this.undo());
    this.bar.append(undo, make("span", { id: "edit-message", role: "status" }));
    for (const name of ["real", "synthetic"] as const)
      desk.pane(name)?.viewer.onPick((point) => this.on && void this.click(name, point));
    this.show();
  }

  get active(): boolean {
    return this.on;
  }

  set active(active: boolean) {
    this.on = active;
    if (active) this.desk.cellsShown = true;
    this.show();
  }

  set tool(tool: Tool) {
    this.chosen = tool;
    this.show();
  }

  async click(pane: CountedPane, point: Level0Point): Promise<void> {
    const edits = this.desk.edits[pane];
    if (!edits) return this.say(gettext("Count the cells first."));
    this.lastPane = pane;
    const change = this.changeAt(pane, point);
    if (!change) return this.say(gettext("No cell here. Click on a ring, or choose “Add”."));
    await this.carryOut(pane, () => edits.change(change));
  }

  async undo(): Promise<void> {
    const edits = this.desk.edits[this.lastPane];
    if (!edits?.canUndo) return this.say(gettext("Nothing to undo."));
    await this.carryOut(this.lastPane, () => edits.undo());
  }

  private changeAt(pane: CountedPane, point: Level0Point): Change | null {
    if (this.chosen === "positive" || this.chosen === "negative")
      return { action: "add", x: round(point.x), y: round(point.y), positive: this.chosen === "positive" };
    const cell = this.desk.overlays[pane]?.pick(point);
    return cell ? { action: this.chosen, cell } : null;
  }

  private async carryOut(pane: CountedPane, work: () => Promise<EditAnswer | null>): Promise<void> {
    this.say("");
    try {
      const answer = await work();
      if (answer) this.onScore(pane, answer.score);
    } catch (error) {
      this.say(messageOf(error));
    }
  }

  private toolButton(tool: Tool): HTMLElement {
    const button = make("button", { type: "button", class: "button button-small", "data-tool": tool }, NAMES[tool]);
    button.addEventListener("click", () => (this.tool = tool));
    return button;
  }

  private show(): void {
    this.bar.hidden = !this.on;
    document.body.classList.toggle("is-editing", this.on);
    for (const button of all("[data-tool]", this.bar)) button.setAttribute("aria-pressed", String(button.dataset.tool === this.chosen));
  }

  private say(text: string): void {
    setText(find("#edit-message"), text);
  }
}

const round = (value: number): number => Math.round(value * 10) / 10;
