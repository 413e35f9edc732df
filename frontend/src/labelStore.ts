/**
 * The labels of one reader on one slide: painted at once, sent in order, never lost silently, never overwritten.
 *
 * A decision becomes a `LabelWrite` with its own uuid. Writes go out one after the other, so that the history stands in
 * the order in which it was decided, each naming the label that the reader had on screen (`seen`); a write without an
 * answer is repeated with the same uuid, which the server recognises. A 409 means that the patch was labelled elsewhere: nothing of ours is sent on, both values are
 * shown, and the reader decides.
 */
import { ApiError, isTemporary, messageOf } from "./api";
import { newUuid } from "./identity";
import type { LabelCounts, LabelValue } from "./payload";

export type Route = "key" | "mouse" | "touch";
export interface LabelWrite {
  patch: number;
  value: LabelValue | null;
  uuid: string;
  seen: number | null;
  /** From patch drawn to decision; null where nothing was timed (undo, redo). */
  milliseconds: number | null;
  route: Route;
}
export type SendLabel = (write: LabelWrite) => Promise<{ id: number; value: LabelValue | null }>;

export interface Conflict {
  mine: LabelValue | null;
  theirs: LabelValue | null;
  theirsId: number | null;
}
export interface LabelledPatch {
  id: number;
  label: LabelValue | null;
  label_id: number | null;
}

type Saved = { id: number | null; value: LabelValue | null };
type Step = { patch: number; before: LabelValue | null; after: LabelValue | null };
type Queued = Omit<LabelWrite, "seen">;

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;

export class LabelStore {
  private readonly saved = new Map<number, Saved>();
  private readonly painted = new Map<number, LabelValue | null>();
  /** In the order of the decisions; the first one is under way while `sending`. */
  private outbox: Queued[] = [];
  private sending = false;
  private readonly conflicts = new Map<number, Conflict>();
  private readonly listeners = new Set<() => void>();
  private undoSteps: Step[] = [];
  private redoSteps: Step[] = [];
  private failures = 0;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private held = false;

  /** Why the last write was refused or is held back; null when all is well. */
  trouble: string | null = null;

  constructor(
    patches: readonly LabelledPatch[],
    private readonly send: SendLabel,
  ) {
    for (const patch of patches) {
      this.saved.set(patch.id, { id: patch.label_id, value: patch.label });
      this.painted.set(patch.id, patch.label);
    }
  }

  /** The value on screen: the reader's last decision, saved or not. */
  value(patch: number): LabelValue | null {
    return this.painted.get(patch) ?? null;
  }

  conflict(patch: number): Conflict | undefined {
    return this.conflicts.get(patch);
  }

  get conflictedPatches(): number[] {
    return [...this.conflicts.keys()];
  }

  /** Decisions that the server has not confirmed yet. */
  get unsaved(): number {
    return this.outbox.length;
  }

  get state(): "saved" | "saving" | "retrying" | "held" {
    if (this.unsaved === 0) return "saved";
    if (this.held) return "held";
    return this.failures > 0 ? "retrying" : "saving";
  }

  get canUndo(): boolean {
    return this.undoSteps.length > 0;
  }

  get canRedo(): boolean {
    return this.redoSteps.length > 0;
  }

  counts(): LabelCounts {
    const counts: LabelCounts = { tumor: 0, normal: 0, unsure: 0, exclude: 0, left: 0, total: this.painted.size };
    for (const value of this.painted.values()) counts[value ?? "left"] += 1;
    return counts;
  }

  onChange(listener: () => void): void {
    this.listeners.add(listener);
  }

  set(patch: number, value: LabelValue | null, how: { milliseconds: number | null; route: Route }): void {
    const before = this.value(patch);
    // A second press of the same key is no new decision.
    if (before === value && !this.conflicts.has(patch)) return;
    this.undoSteps.push({ patch, before, after: value });
    this.redoSteps = [];
    this.write(patch, value, how);
  }

  /** Take the last decision back. Returns its patch, or null when there is nothing to undo. */
  undo(route: Route): number | null {
    const step = this.undoSteps.pop();
    if (!step) return null;
    this.redoSteps.push(step);
    this.write(step.patch, step.before, { milliseconds: null, route });
    return step.patch;
  }

  redo(route: Route): number | null {
    const step = this.redoSteps.pop();
    if (!step) return null;
    this.undoSteps.push(step);
    this.write(step.patch, step.after, { milliseconds: null, route });
    return step.patch;
  }

  /** Answer a conflict: keep what stands on the server, or say again what this reader said. */
  resolve(patch: number, keep: "mine" | "theirs", route: Route): void {
    const conflict = this.conflicts.get(patch);
    if (!conflict) return;
    if (keep === "mine") {
      this.set(patch, conflict.mine, { milliseconds: null, route });
    } else {
      this.conflicts.delete(patch);
      this.notify();
    }
  }

  /** Try again now: the network is back, or the reader signed in again. */
  retryNow(): void {
    clearTimeout(this.retryTimer);
    this.retryTimer = undefined;
    if (this.held) {
      this.held = false;
      this.trouble = null;
    }
    this.pump();
    this.notify();
  }

  private write(patch: number, value: LabelValue | null, how: { milliseconds: number | null; route: Route }): void {
    this.conflicts.delete(patch);
    this.painted.set(patch, value);
    this.outbox.push({ patch, value, uuid: newUuid(), ...how });
    this.notify();
    this.pump();
  }

  private pump(): void {
    const next = this.outbox[0];
    if (!next || this.sending || this.held || this.retryTimer !== undefined) return;
    void this.deliver(next);
  }

  private async deliver(write: Queued): Promise<void> {
    const { patch } = write;
    this.sending = true;
    try {
      const answer = await this.send({ ...write, seen: this.saved.get(patch)?.id ?? null });
      this.saved.set(patch, { id: answer.id, value: answer.value });
      this.outbox.shift();
      this.failures = 0;
      this.trouble = null;
    } catch (error) {
      this.settleFailure(patch, error);
    } finally {
      this.sending = false;
    }
    this.notify();
    this.pump();
  }

  private settleFailure(patch: number, error: unknown): void {
    if (isTemporary(error)) {
      this.trouble = messageOf(error);
      this.retryLater();
    } else if (error instanceof ApiError && error.status === 409) {
      this.enterConflict(patch, error);
    } else if (error instanceof ApiError && (error.status === 401 || error.status === 403)) {
      // Signed out, or the role was taken away. The writes are kept: signing in again lets them through.
      this.held = true;
      this.trouble = error.message;
    } else {
      this.trouble = messageOf(error);
      this.forget(patch);
      this.painted.set(patch, this.saved.get(patch)?.value ?? null);
    }
  }

  private retryLater(): void {
    this.failures += 1;
    if (this.retryTimer !== undefined) return;
    const delay = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (this.failures - 1));
    this.retryTimer = setTimeout(() => {
      this.retryTimer = undefined;
      this.pump();
    }, delay);
  }

  private enterConflict(patch: number, error: ApiError): void {
    const current = (error.extra.current ?? null) as { id: number; value: LabelValue | null } | null;
    const theirs = current?.value ?? null;
    const mine = this.value(patch);
    this.forget(patch);
    this.saved.set(patch, { id: current?.id ?? null, value: theirs });
    this.painted.set(patch, theirs);
    // Both said the same: nothing to ask.
    if (theirs !== mine) this.conflicts.set(patch, { mine, theirs, theirsId: current?.id ?? null });
  }

  /** Drop a patch's waiting writes and its steps of undo, which no longer follow from what stands. */
  private forget(patch: number): void {
    this.outbox = this.outbox.filter((write) => write.patch !== patch);
    this.undoSteps = this.undoSteps.filter((step) => step.patch !== patch);
    this.redoSteps = this.redoSteps.filter((step) => step.patch !== patch);
  }

  private notify(): void {
    for (const listener of this.listeners) listener();
  }
}
