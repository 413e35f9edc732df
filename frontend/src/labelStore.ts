/**
 * The labels of one reader on one slide: painted at once, sent in order, never lost silently, never overwritten.
 *
 * A decision becomes an entry of the outbox; each write in it names the label that the reader had on screen (`seen`). A
 * 409 means that a patch was labelled elsewhere: nothing of ours is sent on for it, both values are shown, and the reader
 * decides.
 */
import { ApiError } from "./api";
import { Flags } from "./flags";
import { newUuid } from "./identity";
import { type Conflict, conflictsOf, type Standing } from "./labelConflict";
import {
  type Act,
  type Answer,
  type Entry,
  type LabelEntry,
  Outbox,
  type OutboxStorage,
  type PatchWrite,
  type RemarkEntry,
  type Route,
  type Seen,
  type Send,
  type TissueEntry,
} from "./outbox";
import { MemoryStorage } from "./outboxStorage";
import type { LabelCounts, LabelValue } from "./payload";
import { type Step, type UndoHistory, UndoSteps } from "./undoSteps";

export type { Route };

export interface LabelledPatch {
  id: number;
  label: LabelValue | null;
  label_id: number | null;
  flagged?: boolean;
}
export interface LabelSource {
  patches: readonly LabelledPatch[];
  reader: string;
  slide: number;
  order: string;
  steps?: UndoHistory;
}
export interface How {
  milliseconds: number | null;
  route: Route;
}

type Saved = { id: number | null; value: LabelValue | null };

export class LabelStore {
  readonly outbox: Outbox;
  private readonly saved = new Map<number, Saved>();
  private readonly painted = new Map<number, LabelValue | null>();
  private readonly flags: Flags;
  private readonly conflicts = new Map<number, Conflict>();
  private readonly listeners = new Set<(patches: readonly number[] | null) => void>();
  private readonly steps: UndoSteps;
  /** Hears of patches that are asked about from now on, or no longer. */
  onTissue: (patches: readonly number[], offered: boolean) => void = () => undefined;
  /** Hears of each label that the server confirmed, so that other tabs can be told. */
  onSaved: (answer: Answer) => void = () => undefined;

  constructor(
    private readonly source: LabelSource,
    send: Send,
    storage: OutboxStorage = new MemoryStorage(),
  ) {
    for (const patch of source.patches) {
      this.saved.set(patch.id, { id: patch.label_id, value: patch.label });
      this.painted.set(patch.id, patch.label);
    }
    this.flags = new Flags(source.patches);
    this.steps = new UndoSteps(source.steps);
    this.outbox = new Outbox(send, storage, {
      answered: (entry, answers) => this.answered(entry, answers),
      refused: (entry, error) => this.refused(entry, error),
    });
    this.outbox.onChange(() => this.notify([]));
  }

  /** Paint and send what an earlier page of this reader left unsent; entries of other slides are sent, not painted. */
  resume(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.slide !== this.source.slide) continue;
      if (entry.kind === "remark") this.flags.paint(entry);
      else if (entry.kind === "tissue") this.replayTissue(entry);
      else this.replay(entry);
    }
    this.notify(null);
    this.outbox.resume(entries);
  }

  /** The value on screen: the reader's last decision, saved or not. */
  value(patch: number): LabelValue | null {
    return this.painted.get(patch) ?? null;
  }

  flagged(patch: number): boolean {
    return this.flags.has(patch);
  }

  conflict(patch: number): Conflict | undefined {
    return this.conflicts.get(patch);
  }

  get conflictedPatches(): number[] {
    return [...this.conflicts.keys()];
  }

  /** Decisions that the server has not confirmed yet. */
  get unsaved(): number {
    return this.outbox.entries.length;
  }

  get canUndo(): boolean {
    return this.steps.canUndo;
  }

  get canRedo(): boolean {
    return this.steps.canRedo;
  }

  /** Of the patches asked for, or of all. */
  counts(of: Iterable<number> = this.painted.keys()): LabelCounts {
    const counts: LabelCounts = { tumor: 0, normal: 0, unsure: 0, exclude: 0, left: 0, total: 0 };
    for (const patch of of) {
      counts[this.value(patch) ?? "left"] += 1;
      counts.total += 1;
    }
    return counts;
  }

  /** Told which patches look different now; null: any may, none: only what is saved. */
  onChange(listener: (patches: readonly number[] | null) => void): void {
    this.listeners.add(listener);
  }

  set(patch: number, value: LabelValue | null, how: How, act: "label" | "restore" = "label"): void {
    // A second press of the same key is no new decision.
    if (this.value(patch) === value && !this.conflicts.has(patch)) return;
    this.decide([patch], value, how, act);
  }

  /** One decision on many patches, undone by one undo. Those that have the value already, and conflicts, are left. */
  setMany(patches: readonly number[], value: LabelValue | null, how: How): number {
    const differing = patches.filter((patch) => this.value(patch) !== value && !this.conflicts.has(patch));
    if (differing.length) this.decide(differing, value, how, "label");
    return differing.length;
  }

  /** Take the last decision back. Returns its patches, or null when there is nothing to undo. */
  undo(route: Route): number[] | null {
    return this.go("undo", this.steps.undo(), route);
  }

  redo(route: Route): number[] | null {
    return this.go("redo", this.steps.redo(), route);
  }

  /** Bring patches in that are left out, or the other way round: a step like any other. */
  overrule(patches: number[], offered: boolean): void {
    const step = newUuid();
    this.steps.add({ kind: "tissue", step, patches, offered });
    this.enterTissue("overrule", step, patches, offered);
  }

  flag(patch: number): boolean {
    const flagged = !this.flagged(patch);
    this.remark(patch, flagged ? "flag" : "unflag", "");
    return flagged;
  }

  comment(patch: number, text: string): void {
    if (text.trim()) this.remark(patch, "comment", text.trim());
  }

  /** Answer a conflict: keep what stands on the server, or say again what this reader said. */
  resolve(patch: number, keep: "mine" | "theirs", route: Route): void {
    const conflict = this.conflicts.get(patch);
    if (!conflict) return;
    if (keep === "mine") {
      this.set(patch, conflict.mine, { milliseconds: null, route });
    } else {
      this.conflicts.delete(patch);
      this.notify([patch]);
    }
  }

  /** Another tab of this reader labelled a patch that nothing here waits on. */
  heard({ patch, id, value }: Answer): void {
    const saved = this.saved.get(patch);
    if (!saved || (saved.id ?? 0) >= id || this.isWaiting(patch)) return;
    this.saved.set(patch, { id, value });
    this.painted.set(patch, value);
    this.steps.forget(patch, "label");
    this.notify([patch]);
  }

  private decide(patches: readonly number[], value: LabelValue | null, how: How, act: "label" | "restore"): void {
    const writes = patches.map((patch) => this.writeOf(patch, value));
    const step = writes.length > 1 ? newUuid() : null;
    const changes = patches.map((patch) => ({ patch, before: this.value(patch), after: value }));
    this.steps.add({ kind: "label", step: step ?? writes[0]!.uuid, changes });
    this.enter(writes, act, step, how);
  }

  private go(act: "undo" | "redo", step: Step | null, route: Route): number[] | null {
    if (!step) return null;
    if (step.kind === "tissue") {
      this.enterTissue(act, step.step, step.patches, act === "undo" ? !step.offered : step.offered);
      return step.patches;
    }
    const writes = step.changes.map(({ patch, before, after }) => this.writeOf(patch, act === "undo" ? before : after));
    this.enter(writes, act, step.step, { milliseconds: null, route });
    return writes.map((write) => write.patch);
  }

  private enter(writes: PatchWrite[], act: Act, step: string | null, how: How): void {
    for (const { patch, value } of writes) {
      this.conflicts.delete(patch);
      this.painted.set(patch, value);
    }
    const { reader, slide, order } = this.source;
    this.notify(writes.map((write) => write.patch));
    const decided_at = new Date().toISOString();
    this.outbox.push({ kind: "label", uuid: newUuid(), reader, slide, order, act, step, decided_at, ...how, writes });
  }

  private enterTissue(act: TissueEntry["act"], step: string, patches: number[], offered: boolean): void {
    const { reader, slide } = this.source;
    this.onTissue(patches, offered);
    this.outbox.push({ kind: "tissue", uuid: newUuid(), reader, slide, act, step, patches, offered });
  }

  private writeOf(patch: number, value: LabelValue | null): PatchWrite {
    const waiting = this.outbox.entries.flatMap((entry) => (entry.kind === "label" ? entry.writes : [])).filter((write) => write.patch === patch);
    const last = waiting[waiting.length - 1];
    const seen: Seen = last ? { after: last.uuid } : (this.saved.get(patch)?.id ?? null);
    return { patch, value, uuid: newUuid(), seen };
  }

  private remark(patch: number, remark: RemarkEntry["remark"], text: string): void {
    const { reader, slide } = this.source;
    const entry: RemarkEntry = { kind: "remark", uuid: newUuid(), reader, slide, patch, remark, text };
    this.flags.paint(entry);
    this.notify([patch]);
    this.outbox.push(entry);
  }

  private replay(entry: LabelEntry): void {
    const changes = entry.writes.map(({ patch, value }) => ({ patch, before: this.value(patch), after: value }));
    this.steps.replay(entry.act, { kind: "label", step: entry.step ?? entry.writes[0]!.uuid, changes });
    for (const { patch, value } of entry.writes) this.painted.set(patch, value);
  }

  private replayTissue({ act, step, patches, offered }: TissueEntry): void {
    this.steps.replay(act, { kind: "tissue", step, patches, offered: act === "undo" ? !offered : offered });
    this.onTissue(patches, offered);
  }

  private answered(entry: Entry, answers: Answer[]): void {
    if (entry.kind !== "label") return;
    for (const answer of answers) {
      this.onSaved(answer);
      if (this.saved.has(answer.patch)) this.saved.set(answer.patch, { id: answer.id, value: answer.value });
    }
  }

  private refused(entry: Entry, error: ApiError): Entry | "give up" | "leave" {
    // A label of another slide is shown, and decided on, where that slide is.
    if (entry.slide !== this.source.slide) return error.status === 409 ? "leave" : "give up";
    if (entry.kind === "remark") return "give up";
    if (entry.kind === "tissue") return this.tissueRefused(entry, error);
    const conflicts = error.status === 409 ? conflictsOf(entry, error) : null;
    if (conflicts === null) {
      for (const { patch } of entry.writes) this.giveUp(patch, entry);
      this.notify(entry.writes.map((write) => write.patch));
      return "give up";
    }
    for (const [patch, standing] of conflicts) this.enterConflict(patch, standing, entry);
    this.notify([...conflicts.keys()]);
    const writes = entry.writes.filter((write) => !conflicts.has(write.patch));
    return writes.length ? { ...entry, writes } : "give up";
  }

  /** Somebody else had the last word on some patches, or nothing of it may be: show what stands. */
  private tissueRefused(entry: TissueEntry, error: ApiError): Entry | "give up" {
    const { conflicts } = error.extra as { conflicts?: { patch: number; offered: boolean }[] };
    const standing = new Map(conflicts?.map(({ patch, offered }) => [patch, offered]) ?? entry.patches.map((patch) => [patch, !entry.offered]));
    for (const [patch, offered] of standing) {
      this.steps.forget(patch, "tissue");
      this.onTissue([patch], offered);
    }
    const patches = entry.patches.filter((patch) => !standing.has(patch));
    return patches.length ? { ...entry, patches } : "give up";
  }

  private giveUp(patch: number, under: Entry): void {
    this.forget(patch, under);
    this.painted.set(patch, this.saved.get(patch)?.value ?? null);
  }

  private enterConflict(patch: number, standing: Standing, under: Entry): void {
    const theirs = standing?.value ?? null;
    const mine = this.value(patch);
    this.forget(patch, under);
    this.saved.set(patch, { id: standing?.id ?? null, value: theirs });
    this.painted.set(patch, theirs);
    // Both said the same: nothing to ask.
    if (theirs !== mine) this.conflicts.set(patch, { mine, theirs, theirsId: standing?.id ?? null });
  }

  /** Drop a patch's waiting writes and its steps of undo. */
  private forget(patch: number, under: Entry): void {
    this.outbox.drop((entry) => {
      if (entry.kind !== "label" || entry.uuid === under.uuid) return entry;
      const writes = entry.writes.filter((write) => write.patch !== patch);
      if (writes.length === entry.writes.length) return entry;
      return writes.length ? { ...entry, writes } : null;
    });
    this.steps.forget(patch, "label");
  }

  private isWaiting(patch: number): boolean {
    return this.conflicts.has(patch) || this.outbox.entries.some((entry) => entry.kind === "label" && entry.writes.some((write) => write.patch === patch));
  }

  private notify(patches: readonly number[] | null): void {
    for (const listener of this.listeners) listener(patches);
  }
}
