import { expect, test, vi } from "vitest";
import { ApiError } from "./api";
import { LabelStore } from "./labelStore";
import type { Answer, Send } from "./outbox";
import { saveText, showSaveState } from "./saveState";

const SOURCE = { patches: [{ id: 1, label: null, label_id: null }], reader: "ann", slide: 7, order: "position" };

test("each state says how much is not saved", () => {
  expect(saveText("saved", 0, null)).toBe("All saved");
  expect(saveText("saving", 1, null)).toBe("Saving 1 …");
  expect(saveText("retrying", 12, "gone")).toBe("Not saved yet: 12 · trying again");
  expect(saveText("held", 2, "You are signed out.")).toBe("Not saved: 2");
  expect(saveText("saved", 0, "No such patch.")).toBe("Refused: No such patch.");
});

function heldBox(): HTMLElement {
  const box = document.createElement("div");
  box.innerHTML = "<p data-held-reason></p><button>Try again</button>";
  return box;
}

test("leaving the page is held up while something is not saved", async () => {
  let answer: (answers: Answer[]) => void = () => {};
  const send: Send = () => new Promise((resolve) => (answer = resolve));
  const store = new LabelStore(SOURCE, send);
  const element = document.createElement("button");
  // Other tests share this window, and what their stores hold back holds up leaving as well: ask this listener alone.
  const listening = vi.spyOn(window, "addEventListener");
  showSaveState(element, heldBox(), store);
  const onLeave = listening.mock.calls.find(([kind]) => kind === "beforeunload")![1] as (event: Event) => void;
  listening.mockRestore();
  const leave = (): boolean => {
    const event = new Event("beforeunload", { cancelable: true });
    onLeave(event);
    return event.defaultPrevented;
  };
  expect(leave()).toBe(false);
  store.set(1, "tumor", { milliseconds: null, route: "key" });
  expect(element.dataset.state).toBe("saving");
  expect(leave()).toBe(true);
  await vi.waitFor(() => expect(element.dataset.state).toBe("saving"));
  await Promise.resolve();
  answer([{ id: 5, patch: 1, value: "tumor" }]);
  await vi.waitFor(() => expect(element.textContent).toBe("All saved"));
  expect(leave()).toBe(false);
});

test("what is held back is explained, and goes out when the reader says so", async () => {
  const send = vi
    .fn<Send>()
    .mockRejectedValueOnce(new ApiError("You are signed out.", 403))
    .mockResolvedValueOnce([{ id: 5, patch: 1, value: "tumor" }]);
  const store = new LabelStore(SOURCE, send);
  const [element, held] = [document.createElement("button"), heldBox()];
  showSaveState(element, held, store);
  expect(held.hidden).toBe(true);
  store.set(1, "tumor", { milliseconds: null, route: "key" });
  await vi.waitFor(() => expect(held.hidden).toBe(false));
  expect(held.textContent).toContain("You are signed out.");
  held.querySelector("button")!.click();
  await vi.waitFor(() => expect(element.textContent).toBe("All saved"));
  expect(held.hidden).toBe(true);
});
