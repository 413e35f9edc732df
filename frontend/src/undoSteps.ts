/** What can be taken back and said again, of one patch or of many. The server rebuilds the same from its history. */
import type { LabelValue } from "./payload";

export interface Change {
  patch: number;
  before: LabelValue | null;
  after: LabelValue | null;
}
interface Named {
  /** The uuid that names it; undo and redo are sent under it. */
  step: string;
}
export interface LabelStep extends Named {
  kind: "label";
  changes: Change[];
}
/** Patches that were brought in or left out, against the threshold's word or back to it. */
export interface TissueStep extends Named {
  kind: "tissue";
  patches: number[];
  offered: boolean;
}
export type Step = LabelStep | TissueStep;
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
  replay(act: "label" | "overrule" | "undo" | "redo" | "restore", step: Step): void {
    const named = (one: Step): boolean => one.step === step.step;
    if (act === "undo") this.move(this.done, this.undone, named);
    else if (act === "redo") this.move(this.undone, this.done, named);
    else if (!this.done.some(named) && !this.undone.some(named)) this.add(step);
  }

  /** A patch was labelled, or brought in or left out, elsewhere: its steps no longer follow from what stands. */
  forget(patch: number, kind: Step["kind"]): void {
    const without = (steps: Step[]): Step[] => steps.flatMap((step) => (step.kind === kind ? (lessOne(step, patch) ?? []) : step));
    this.done = without(this.done);
    this.undone = without(this.undone);
  }

  private move(from: Step[], to: Step[], named: (one: Step) => boolean): void {
    const place = from.findIndex(named);
    if (place !== -1) to.push(...from.splice(place, 1));
  }
}

/** Null: nothing is left of it. */
function lessOne(step: Step, patch: number): Step | null {
  if (step.kind === "label") {
    const changes = step.changes.filter((change) => change.patch !== patch);
    return changes.length ? { ...step, changes } : null;
  }
  const patches = step.patches.filter((one) => one !== patch);
  return patches.length ? { ...step, patches } : null;
}
