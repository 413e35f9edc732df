import { expect, test } from "vitest";
import { type CellLook, paintCell } from "./cellLooks";

/** Tells what was filled, in which colour and at which strength. */
function fillsOf(look: CellLook): [string, number, number][] {
  const fills: [string, number, number][] = [];
  const context = {
    globalAlpha: 1, fillStyle: "", save() {}, restore() {}, strokeRect() {}, fillText() {},
    fillRect(_x: number, _y: number, width: number) {
      fills.push([this.fillStyle, this.globalAlpha, width]);
    },
  };
  paintCell(context as unknown as CanvasRenderingContext2D, look, 0, 0, 40);
  return fills;
}

test("a label tints its cell and puts its letter on a plate", () => {
  const [tint, plate] = fillsOf({ state: "tumor" });
  expect(tint).toEqual(["#e8742c", 0.32, 38]);
  expect(plate![1]).toBe(1);
});

test("over a heat map nothing is tinted: edge and letter stay", () => {
  const fills = fillsOf({ state: "tumor", bare: true });
  expect(fills).toHaveLength(1);
  expect(fills[0]![2]).toBeLessThan(20);
  expect(fillsOf({ state: "left_out", bare: true })).toEqual([]);
});
