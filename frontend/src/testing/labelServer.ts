import { vi } from "vitest";
import type { Answer, Entry, LabelEntry, PatchWrite } from "../outbox";

export const how = { milliseconds: 800, route: "key" } as const;

/** A server whose answers the test gives one by one. */
export class ScriptedServer {
  readonly entries: Entry[] = [];
  private readonly waiting: { resolve: (answers: Answer[]) => void; reject: (error: unknown) => void }[] = [];
  private nextId = 100;

  readonly send = (entry: Entry): Promise<Answer[]> => {
    this.entries.push(entry);
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  };

  get labels(): LabelEntry[] {
    return this.entries.filter((entry): entry is LabelEntry => entry.kind === "label");
  }

  get writes(): PatchWrite[] {
    return this.labels.flatMap((entry) => entry.writes);
  }

  async accept(): Promise<number> {
    const entry = this.entries[this.entries.length - this.waiting.length]!;
    const writes = entry.kind === "label" ? entry.writes : [];
    this.waiting.shift()!.resolve(writes.map(({ patch, value }) => ({ patch, value, id: (this.nextId += 1) })));
    await settled();
    return this.nextId;
  }

  async refuse(error: unknown): Promise<void> {
    this.waiting.shift()!.reject(error);
    await settled();
  }
}

/** Storing and sending take a few turns of the event loop. */
export const settled = async (): Promise<void> => {
  await vi.advanceTimersByTimeAsync(0);
};

export const PATCHES = [
  { id: 1, label: null, label_id: null },
  { id: 2, label: "normal", label_id: 50 },
  { id: 3, label: null, label_id: null },
] as const;
export const SOURCE = { patches: PATCHES, reader: "ann", slide: 7, order: "position" };
