/** One table per page says which keys do what; the same table is shown on the screen, so the two cannot differ. */
import { find, make } from "./dom";
import { gettext } from "./text";

export interface Shortcut {
  /** As shown: "T", "Shift+Z", "←", "Space", "?". The first one is the one to learn. */
  keys: string[];
  what: string;
  group: string;
  run: (event: KeyboardEvent) => void;
  /** Let a held key repeat (moving); off by default, so that a resting finger does not label a slide. */
  repeats?: boolean;
}

const NAMED: Record<string, string> = { Esc: "escape", "←": "arrowleft", "→": "arrowright", "↑": "arrowup", "↓": "arrowdown", Space: " " };
const normal = (key: string): string => (NAMED[key] ?? key).toLowerCase();

/**
 * Whether an event is the named key. On a keyboard whose letters are not Latin the key's place decides, so that a reader
 * with a Russian or Greek layout labels with the same fingers.
 */
export function matches(event: KeyboardEvent, shown: string): boolean {
  const withShift = shown.startsWith("Shift+");
  const wanted = normal(withShift ? shown.slice("Shift+".length) : shown);
  const isLetter = /^[a-z]$/.test(wanted);
  if ((withShift || isLetter || wanted.length > 1) && event.shiftKey !== withShift) return false;
  if (event.key.toLowerCase() === wanted) return true;
  const foreignLetter = event.key.length === 1 && event.key.charCodeAt(0) > 127;
  return isLetter && foreignLetter && event.code === `Key${wanted.toUpperCase()}`;
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.matches("input:not([type=radio]):not([type=checkbox]), textarea, select"))
  );
}

/** A focused control keeps the keys that it needs itself. */
function belongsToControl(event: KeyboardEvent): boolean {
  const { target } = event;
  if (!(target instanceof HTMLElement)) return false;
  if (event.key === "Enter" || event.key === " ") return target.matches("a[href], button, summary, input, [role=button]");
  return event.key.startsWith("Arrow") && target.matches("input[type=radio]");
}

export function bindShortcuts(shortcuts: readonly Shortcut[], target: Document | HTMLElement = document): () => void {
  const listener = (event: Event): void => {
    const press = event as KeyboardEvent;
    if (press.ctrlKey || press.metaKey || press.altKey || press.isComposing || press.defaultPrevented) return;
    if (isTyping(press.target) || belongsToControl(press) || document.querySelector("dialog[open]")) return;
    const shortcut = shortcuts.find((candidate) => candidate.keys.some((key) => matches(press, key)));
    if (!shortcut) return;
    press.preventDefault();
    if (!press.repeat || shortcut.repeats) shortcut.run(press);
  };
  target.addEventListener("keydown", listener);
  return () => target.removeEventListener("keydown", listener);
}

export function keycap(key: string): HTMLElement {
  return make("kbd", {}, key);
}

/** The table as a dialog. Opens with "?" and closes with Escape or its button. */
export function helpDialog(shortcuts: readonly Shortcut[]): HTMLDialogElement {
  const groups = new Map<string, Shortcut[]>();
  for (const shortcut of shortcuts) groups.set(shortcut.group, [...(groups.get(shortcut.group) ?? []), shortcut]);
  const close = make("button", { type: "button", class: "button", autofocus: true }, gettext("Close"), keycap("Esc"));
  const dialog = make(
    "dialog",
    { class: "help", "aria-labelledby": "help-title" },
    make("h2", { id: "help-title" }, gettext("Keys of this page")),
    make("div", { class: "help-groups" }, ...[...groups].map(([name, members]) => helpGroup(name, members))),
    close,
  );
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  return dialog;
}

function helpGroup(name: string, members: readonly Shortcut[]): HTMLElement {
  const rows = members.map((shortcut) =>
    make(
      "div",
      { class: "help-row" },
      make("dt", {}, ...shortcut.keys.map(keycap)),
      make("dd", {}, shortcut.what),
    ),
  );
  return make("section", {}, make("h3", {}, name), make("dl", {}, ...rows));
}

/** Bind a table together with its own help. */
export function bindWithHelp(shortcuts: readonly Shortcut[]): void {
  const table: Shortcut[] = [
    ...shortcuts,
    { keys: ["?"], what: gettext("show these keys"), group: gettext("Help"), run: () => open() },
  ];
  const dialog = helpDialog(table);
  const open = (): void => dialog.showModal();
  bindShortcuts(table);
  for (const button of document.querySelectorAll("[data-open-help]")) button.addEventListener("click", open);
}

/** Click the control that a key stands for, so that key and mouse take the same way. */
export const press = (selector: string) => (): void => find(selector).click();
