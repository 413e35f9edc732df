/** What is drawn over the slides of the desk: the part that was counted, a region being drawn, pins. */
import type { ComparisonDesk } from "./comparisonDesk";
import { gettext } from "./text";
import type { PaneName } from "./paneLayout";
import type { ShownPart } from "./partPanel";
import type { Corners, Pin } from "./payload";
import type { Outline, Place } from "./squareLayer";

const PIN_COLOUR = "#d9a1f5";

export interface Marks {
  part: ShownPart | null;
  draft: { pane: PaneName; corners: Corners } | null;
  pins: readonly Pin[];
  /** The aligning mode draws its own places on these two. */
  aligning: boolean;
}

export function drawMarks(desk: Pick<ComparisonDesk, "panes" | "mark">, { part, draft, pins, aligning }: Marks): void {
  for (const { name } of desk.panes) {
    if (aligning && name !== "synthetic") continue;
    const outlines: Outline[] = (part?.outlines[name] ?? []).map((corners, index) => ({ corners, label: index ? "" : part!.label }));
    if (draft?.pane === name) outlines.push({ corners: draft.corners, label: gettext("new region") });
    const places: Place[] = name === "synthetic" ? pins.map(({ x, y }, index) => ({ x, y, label: String(index + 1), colour: PIN_COLOUR })) : [];
    desk.mark(name, outlines, places);
  }
}
