/** How one cell of the grid looks: a colour, an edge that shows on any stain, and a letter. */
import { LABEL_LOOKS } from "./labels";
import type { LabelValue } from "./payload";

export type CellState = LabelValue | "open" | "left_out";
export interface CellLook {
  state: CellState;
  /** Flagged for discussion. */
  flagged?: boolean;
  /** A person overruled what the threshold said. */
  overruled?: boolean;
  /** Filtered away: hardly there. */
  hidden?: boolean;
  /** Edge and letter only: a heat map lies below, whose colours must not mix with the labels'. */
  bare?: boolean;
}

const SMALLEST_LETTER_CELL_PX = 16;
const FILL_ALPHA = 0.32;

export function paintCell(context: CanvasRenderingContext2D, look: CellLook, x: number, y: number, side: number): void {
  context.save();
  if (look.hidden) context.globalAlpha = 0.15;
  paintState(context, look, x, y, side);
  if (look.overruled) paintOverruled(context, x, y, side);
  if (look.flagged) paintFlag(context, x, y, side);
  context.restore();
}

function paintState(context: CanvasRenderingContext2D, { state, bare }: CellLook, x: number, y: number, side: number): void {
  const inset = side > 6 ? 1 : 0.5;
  const box = [x + inset, y + inset, side - 2 * inset, side - 2 * inset] as const;
  if (state === "left_out" && bare) return;
  if (state === "left_out") {
    context.fillStyle = "rgb(20 20 20 / 38%)";
    context.fillRect(...box);
    return;
  }
  if (state === "open") {
    context.lineWidth = 1;
    context.strokeStyle = "rgb(0 0 0 / 55%)";
    context.strokeRect(...box);
    return;
  }
  const { colour, letter } = LABEL_LOOKS[state];
  if (!bare) tint(context, colour, box);
  // A dark and a light line: one of them shows on any stain.
  context.lineWidth = Math.min(3, side / 6);
  context.strokeStyle = "rgb(20 20 20 / 85%)";
  context.strokeRect(...box);
  context.lineWidth /= 2;
  context.strokeStyle = colour;
  context.strokeRect(...box);
  if (side >= SMALLEST_LETTER_CELL_PX) drawLetter(context, letter, colour, x, y, side);
}

function tint(context: CanvasRenderingContext2D, colour: string, box: readonly [number, number, number, number]): void {
  const alpha = context.globalAlpha;
  context.fillStyle = colour;
  context.globalAlpha = alpha * FILL_ALPHA;
  context.fillRect(...box);
  context.globalAlpha = alpha;
}

function drawLetter(context: CanvasRenderingContext2D, letter: string, colour: string, x: number, y: number, side: number): void {
  const size = Math.min(22, Math.max(11, side * 0.28));
  context.fillStyle = colour;
  context.fillRect(x + 3, y + 3, size * 1.15, size * 1.15);
  context.fillStyle = "#111";
  context.font = `700 ${Math.round(size * 0.85)}px ui-monospace, monospace`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(letter, x + 3 + size * 0.575, y + 3 + size * 0.62);
}

/** A flag in the upper right corner, dark edged. */
function paintFlag(context: CanvasRenderingContext2D, x: number, y: number, side: number): void {
  const size = Math.max(4, Math.min(14, side * 0.35));
  context.beginPath();
  context.moveTo(x + side - size - 1, y + 1);
  context.lineTo(x + side - 1, y + 1);
  context.lineTo(x + side - 1, y + size + 1);
  context.closePath();
  context.fillStyle = "#f2c65a";
  context.fill();
  context.lineWidth = 1;
  context.strokeStyle = "#111";
  context.stroke();
}

/** A dotted ring: a person said otherwise than the threshold. */
function paintOverruled(context: CanvasRenderingContext2D, x: number, y: number, side: number): void {
  if (side < 6) return;
  context.setLineDash([2, 2]);
  context.lineWidth = 1.5;
  context.strokeStyle = "#fff";
  context.strokeRect(x + 2.5, y + 2.5, side - 5, side - 5);
  context.setLineDash([]);
}

/** The current patch, or a selected one. */
export function outline(context: CanvasRenderingContext2D, x: number, y: number, side: number, colour = "#fff"): void {
  context.lineWidth = 6;
  context.strokeStyle = "#111";
  context.strokeRect(x, y, side, side);
  context.lineWidth = 3;
  context.strokeStyle = colour;
  context.strokeRect(x, y, side, side);
}
