import { expect, test, vi } from "vitest";
import { LabelStore, type SendLabel } from "./labelStore";
import { saveText, showSaveState } from "./saveState";

test("each state says how much is not saved", () => {
  expect(saveText("saved", 0, null)).toBe("All saved");
  expect(saveText("saving", 1, null)).toBe("Saving 1 …");
  expect(saveText("retrying", 12, "gone")).toBe("Not saved yet: 12 · trying again");
  expect(saveText("held", 2, "You are signed out.")).toBe("Not saved: 2 · You are signed out. Try again");
  expect(saveText("saved", 0, "No such patch.")).toBe("Refused: No such patch.");
});

test("leaving the page is held up while something is not saved", async () => {
  let answer: (value: { id: number; value: null }) => void = () => {};
  const send: SendLabel = () => new Promise((resolve) => (answer = resolve));
  const store = new LabelStore([{ id: 1, label: null, label_id: null }], send);
  const element = document.createElement("button");
  showSaveState(element, store);
  const leave = (): boolean => !window.dispatchEvent(new Event("beforeunload", { cancelable: true }));
  expect(leave()).toBe(false);
  store.set(1, "tumor", { milliseconds: null, route: "key" });
  expect(element.dataset.state).toBe("saving");
  expect(leave()).toBe(true);
  answer({ id: 5, value: null });
  await vi.waitFor(() => expect(element.textContent).toBe("All saved"));
  expect(leave()).toBe(false);
});
