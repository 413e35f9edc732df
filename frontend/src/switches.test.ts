import { beforeEach, expect, test } from "vitest";
import { Switches } from "./switches";

const state: Record<string, boolean> = {};
const pressed = (name: string): string | null => document.querySelector(`#${name}`)!.getAttribute("aria-pressed");

function bind(switches: Switches, name: string, isMode: boolean): () => void {
  state[name] = false;
  return switches.add(`#${name}`, () => state[name]!, (on) => (state[name] = on), { isMode });
}

beforeEach(() => {
  document.body.innerHTML = '<button id="cells"></button><button id="edit"></button><button id="align"></button>';
});

test("of the modes one is on at a time, other switches stay as they are", () => {
  const switches = new Switches();
  const [cells, edit, align] = [bind(switches, "cells", false), bind(switches, "edit", true), bind(switches, "align", true)];
  cells();
  edit();
  align();
  expect(state).toMatchObject({ cells: true, edit: false, align: true });
  expect([pressed("cells"), pressed("edit"), pressed("align")]).toEqual(["true", "false", "true"]);
  switches.leaveModes();
  expect([pressed("cells"), pressed("align")]).toEqual(["true", "false"]);
});

test("a button shows what was switched by another way", () => {
  const switches = new Switches();
  bind(switches, "edit", true);
  state.edit = true;
  switches.show();
  expect(pressed("edit")).toBe("true");
});

test("a button that the page lacks is no error", () => {
  expect(() => new Switches().add("#nothing", () => false, () => {})()).not.toThrow();
});
