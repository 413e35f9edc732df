import { expect, test } from "vitest";
import { type LabelStep, type TissueStep, UndoSteps } from "./undoSteps";

const step = (name: string, patch = 1): LabelStep => ({ kind: "label", step: name, changes: [{ patch, before: null, after: "tumor" }] });

test("a new step ends what could be said again", () => {
  const steps = new UndoSteps({ undo: [step("a"), step("b")], redo: [] });
  expect(steps.undo()!.step).toBe("b");
  expect(steps.canRedo).toBe(true);
  steps.add(step("c"));
  expect(steps.canRedo).toBe(false);
  expect(steps.undo()!.step).toBe("c");
  expect(steps.undo()!.step).toBe("a");
  expect(steps.undo()).toBeNull();
});

test("what an earlier page decided is applied once, whether the server had heard of it or not", () => {
  const heard = new UndoSteps({ undo: [step("a")], redo: [step("b")] });
  heard.replay("label", step("a"));
  heard.replay("undo", step("b"));
  expect([heard.undo()!.step, heard.undo()]).toEqual(["a", null]);
  const unheard = new UndoSteps({ undo: [step("a")], redo: [] });
  unheard.replay("undo", step("a"));
  unheard.replay("redo", step("a"));
  unheard.replay("label", step("b"));
  expect([unheard.undo()!.step, unheard.undo()!.step]).toEqual(["b", "a"]);
});

test("a patch that was labelled elsewhere leaves the steps, and empty steps go", () => {
  const both: LabelStep = { kind: "label", step: "both", changes: [...step("x", 1).changes, ...step("x", 2).changes] };
  const steps = new UndoSteps({ undo: [both, step("one", 1)], redo: [] });
  steps.forget(1, "label");
  expect(steps.undo()).toEqual({ kind: "label", step: "both", changes: [{ patch: 2, before: null, after: "tumor" }] });
  expect(steps.canUndo).toBe(false);
});

test("a patch that somebody else left out leaves the steps about the threshold, and keeps its labels'", () => {
  const tissue: TissueStep = { kind: "tissue", step: "in", patches: [1, 2], offered: true };
  const steps = new UndoSteps({ undo: [step("a", 1), tissue], redo: [] });
  steps.forget(1, "tissue");
  expect(steps.undo()).toEqual({ ...tissue, patches: [2] });
  expect(steps.undo()).toEqual(step("a", 1));
});
