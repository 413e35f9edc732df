/**
 * What a reader decided and the server has not confirmed yet: kept in the browser's database, sent one after the other.
 *
 * An entry is stored before it is sent and removed after it was answered, so that a closed tab, a lost network or a
 * restarted server costs nothing; its uuids make a second sending harmless. Where the browser keeps no database, entries
 * live as long as the page, and the page says so.
 */
import { ApiError, isTemporary, messageOf } from "./api";
import type { LabelValue } from "./payload";

export type Route = "key" | "mouse" | "touch";
export type Act = "label" | "undo" | "redo" | "restore";
/** The id of the label on screen; null without one; or the uuid of the write before it, whose id is not known yet. */
export type Seen = number | null | { after: string };

export interface PatchWrite {
  patch: number;
  value: LabelValue | null;
  uuid: string;
  seen: Seen;
}
interface Common {
  uuid: string;
  reader: string;
  slide: number;
}
export interface LabelEntry extends Common {
  kind: "label";
  act: Act;
  /** Names what is undone together; null for a label alone. */
  step: string | null;
  route: Route;
  /** From patch drawn to decision; null where nothing was timed. */
  milliseconds: number | null;
  order: string;
  decided_at: string;
  writes: PatchWrite[];
}
export interface RemarkEntry extends Common {
  kind: "remark";
  patch: number;
  remark: "flag" | "unflag" | "comment";
  text: string;
}
export interface TissueEntry extends Common {
  kind: "tissue";
  act: "overrule" | "undo" | "redo";
  step: string;
  patches: number[];
  offered: boolean;
}
export type Entry = LabelEntry | RemarkEntry | TissueEntry;
export interface Answer {
  patch: number;
  id: number;
  value: LabelValue | null;
}
export type Send = (entry: Entry) => Promise<Answer[]>;

export interface OutboxStorage {
  /** False where entries do not outlive the page. */
  readonly durable: boolean;
  load(reader: string): Promise<Entry[]>;
  add(entry: Entry): Promise<void>;
  replace(entry: Entry): Promise<void>;
  remove(uuid: string): Promise<void>;
}

export interface OutboxOwner {
  answered(entry: Entry, answers: Answer[]): void;
  /** What to do with an entry that the server refused: send another instead, give it up, or leave it for its own page. */
  refused(entry: Entry, error: ApiError): Entry | "give up" | "leave";
}

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;

export class Outbox {
  private queue: Entry[] = [];
  private sending = false;
  private failures = 0;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private held = false;
  private storageFailed = false;
  private readonly listeners = new Set<() => void>();

  /** Why the last entry was refused or is held back; null when all is well. */
  trouble: string | null = null;

  constructor(
    private readonly send: Send,
    private readonly storage: OutboxStorage,
    private readonly owner: OutboxOwner,
  ) {}

  get entries(): readonly Entry[] {
    return this.queue;
  }

  get durable(): boolean {
    return this.storage.durable && !this.storageFailed;
  }

  get state(): "saved" | "saving" | "retrying" | "held" {
    if (this.queue.length === 0) return "saved";
    if (this.held) return "held";
    return this.failures > 0 ? "retrying" : "saving";
  }

  onChange(listener: () => void): void {
    this.listeners.add(listener);
  }

  /** Take up what an earlier page left behind; it is in the storage already. */
  resume(entries: readonly Entry[]): void {
    this.queue.unshift(...entries);
    this.changed();
  }

  push(entry: Entry): void {
    this.queue.push(entry);
    this.tell();
    // Stored first, sent then. A full disk must not keep a label from the server.
    void this.storage
      .add(entry)
      .catch(() => (this.storageFailed = true))
      .then(() => this.pump());
  }

  /** Take the entries out that a test rejects; what is under way stays. */
  drop(keep: (entry: Entry) => Entry | null): void {
    this.queue = this.queue.flatMap((entry, place) => {
      if (this.sending && place === 0) return [entry];
      const kept = keep(entry);
      if (kept === null) void this.storage.remove(entry.uuid);
      else if (kept !== entry) void this.storage.replace(kept);
      return kept === null ? [] : [kept];
    });
  }

  /** Try again now: the network is back, or the reader signed in again. */
  retryNow(): void {
    clearTimeout(this.retryTimer);
    this.retryTimer = undefined;
    if (this.held) {
      this.held = false;
      this.trouble = null;
    }
    this.changed();
  }

  private changed(): void {
    this.tell();
    this.pump();
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }

  private pump(): void {
    const next = this.queue[0];
    if (!next || this.sending || this.held || this.retryTimer !== undefined) return;
    void this.deliver(next);
  }

  private async deliver(entry: Entry): Promise<void> {
    this.sending = true;
    try {
      const answers = await this.send(entry);
      this.sending = false;
      this.failures = 0;
      this.trouble = null;
      this.finish(entry);
      this.resolveSeen(entry, answers);
      this.owner.answered(entry, answers);
    } catch (error) {
      this.sending = false;
      this.fail(entry, error);
    }
    this.changed();
  }

  private fail(entry: Entry, error: unknown): void {
    if (isTemporary(error)) {
      this.trouble = messageOf(error);
      this.retryLater();
    } else if (error instanceof ApiError && (error.status === 401 || error.status === 403)) {
      // Signed out, or the role was taken away. The entries are kept: signing in again lets them through.
      this.held = true;
      this.trouble = error.message;
    } else if (error instanceof ApiError) {
      this.trouble = error.status === 409 ? null : error.message;
      const instead = this.owner.refused(entry, error);
      if (instead === "give up") this.finish(entry);
      else if (instead === "leave") this.queue = this.queue.filter((one) => one.uuid !== entry.uuid);
      else this.replaceFirst(instead);
    } else {
      throw error;
    }
  }

  private finish(entry: Entry): void {
    this.queue = this.queue.filter((one) => one.uuid !== entry.uuid);
    void this.storage.remove(entry.uuid);
  }

  private replaceFirst(entry: Entry): void {
    this.queue[0] = entry;
    void this.storage.replace(entry);
  }

  /** The ids of what was just written are what the following writes have seen. */
  private resolveSeen(entry: Entry, answers: Answer[]): void {
    if (entry.kind !== "label") return;
    const ids = new Map(entry.writes.map((write) => [write.uuid, answers.find((one) => one.patch === write.patch)?.id ?? null]));
    this.queue = this.queue.map((waiting) => {
      if (waiting.kind !== "label") return waiting;
      const follows = (seen: Seen): seen is { after: string } => seen !== null && typeof seen === "object" && ids.has(seen.after);
      if (!waiting.writes.some((write) => follows(write.seen))) return waiting;
      const writes = waiting.writes.map((write) => (follows(write.seen) ? { ...write, seen: ids.get(write.seen.after)! } : write));
      const resolved = { ...waiting, writes };
      void this.storage.replace(resolved);
      return resolved;
    });
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
}
