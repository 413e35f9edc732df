import { afterEach, expect, test, vi } from "vitest";
import { bindShortcuts, helpDialog, type Shortcut } from "./shortcuts";

const run = { t: vi.fn(), undo: vi.fn(), redo: vi.fn(), help: vi.fn(), right: vi.fn(), space: vi.fn() };
const table: Shortcut[] = [
  { keys: ["T"], what: "tumour", group: "Label", run: run.t },
  { keys: ["Z"], what: "undo", group: "Label", run: run.undo },
  { keys: ["Shift+Z"], what: "redo", group: "Label", run: run.redo },
  { keys: ["?"], what: "help", group: "Help", run: run.help },
  { keys: ["→"], what: "next", group: "Move", run: run.right, repeats: true },
  { keys: ["Space", "S"], what: "skip", group: "Move", run: run.space },
];
let unbind: () => void = () => {};

function press(init: KeyboardEventInit, target: EventTarget = document.body): KeyboardEvent {
  const event = new KeyboardEvent("keydown", { bubbles: true, cancelable: true, ...init });
  target.dispatchEvent(event);
  return event;
}

afterEach(() => {
  unbind();
  document.body.replaceChildren();
  for (const mock of Object.values(run)) mock.mockClear();
});

test("a letter runs its shortcut, capital lock or not, and shift makes another key of it", () => {
  unbind = bindShortcuts(table);
  press({ key: "t" });
  press({ key: "T" });
  expect(run.t).toHaveBeenCalledTimes(2);
  press({ key: "z" });
  press({ key: "Z", shiftKey: true });
  expect(run.undo).toHaveBeenCalledTimes(1);
  expect(run.redo).toHaveBeenCalledTimes(1);
});

test("a sign that needs shift on some keyboards works with and without it", () => {
  unbind = bindShortcuts(table);
  press({ key: "?", shiftKey: true });
  press({ key: "?" });
  expect(run.help).toHaveBeenCalledTimes(2);
});

test("on a Cyrillic layout the place of the key decides", () => {
  unbind = bindShortcuts(table);
  press({ key: "е", code: "KeyT" });
  expect(run.t).toHaveBeenCalledTimes(1);
});

test("on a Dvorak layout the letter decides, not its place", () => {
  unbind = bindShortcuts(table);
  press({ key: "y", code: "KeyT" });
  expect(run.t).not.toHaveBeenCalled();
});

test("a held label key labels once, a held arrow keeps moving", () => {
  unbind = bindShortcuts(table);
  press({ key: "t" });
  press({ key: "t", repeat: true });
  press({ key: "ArrowRight" });
  press({ key: "ArrowRight", repeat: true });
  expect(run.t).toHaveBeenCalledTimes(1);
  expect(run.right).toHaveBeenCalledTimes(2);
});

test("typing in a field and the browser's own combinations are left alone", () => {
  unbind = bindShortcuts(table);
  const field = document.body.appendChild(document.createElement("textarea"));
  press({ key: "t" }, field);
  press({ key: "t", ctrlKey: true });
  expect(run.t).not.toHaveBeenCalled();
});

test("space on a focused button presses the button, not the shortcut", () => {
  unbind = bindShortcuts(table);
  const button = document.body.appendChild(document.createElement("button"));
  expect(press({ key: " " }, button).defaultPrevented).toBe(false);
  expect(run.space).not.toHaveBeenCalled();
  press({ key: " " });
  expect(run.space).toHaveBeenCalledTimes(1);
});

test("the help shows every key of the table, by group", () => {
  const dialog = helpDialog(table);
  expect([...dialog.querySelectorAll("kbd")].map((key) => key.textContent)).toEqual([
    "T", "Z", "Shift+Z", "?", "→", "Space", "S", "Esc",
  ]);
  expect([...dialog.querySelectorAll("h3")].map((heading) => heading.textContent)).toEqual(["Label", "Help", "Move"]);
});
