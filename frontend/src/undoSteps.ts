/** What can be taken back and said again: steps of one patch or of many. The server rebuilds the same from its history. */
import type { LabelValue } from "./payload";

export interface Change {
  patch: number;
  before: LabelValue | null;
  after: LabelValue | null;
}
export interface Step {
  /** The uuid that names it; undo and redo are sent under it. */
  step: string;
  changes: Change[];
}
export interface UndoHistory {
  /** The next one last. */
  undo: Step[];
  redo: Step[];
}

export class UndoSteps {
  private done: Step[];
  private undone: Step[];

  constructor({ undo, redo }: UndoHistory = { undo: [], redo: [] }) {
    this.done = [...undo];
    this.undone = [...redo];
  }

  get canUndo(): boolean {
    return this.done.length > 0;
  }

  get canRedo(): boolean {
    return this.undone.length > 0;
  }

  add(step: Step): void {
    this.done.push(step);
    this.undone = [];
  }

  undo(): Step | null {
    const step = this.done.pop();
    if (step) this.undone.push(step);
    return step ?? null;
  }

  redo(): Step | null {
    const step = this.undone.pop();
    if (step) this.done.push(step);
    return step ?? null;
  }

  /** Apply what an earlier page decided and the server may or may not have heard of. */
  replay(act: "label" | "undo" | "redo" | "restore", step: Step): void {
    const named = (one: Step): boolean => one.step === step.step;
    if (act === "undo") this.move(this.done, this.undone, named);
    else if (act === "redo") this.move(this.undone, this.done, named);
    else if (!this.done.some(named) && !this.undone.some(named)) this.add(step);
  }

  /** A patch was labelled elsewhere: its steps no longer follow from what stands. */
  forget(patch: number): void {
    const without = (steps: Step[]): Step[] =>
      steps
        .map((step) => ({ ...step, changes: step.changes.filter((change) => change.patch !== patch) }))
        .filter((step) => step.changes.length > 0);
    this.done = without(this.done);
    this.undone = without(this.undone);
  }

  private move(from: Step[], to: Step[], named: (one: Step) => boolean): void {
    const place = from.findIndex(named);
    if (place !== -1) to.push(...from.splice(place, 1));
  }
}
