import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError, NetworkError } from "./api";
import { LabelStore } from "./labelStore";
import type { Answer, Entry, LabelEntry, PatchWrite } from "./outbox";
import { MemoryStorage } from "./outboxStorage";

const how = { milliseconds: 800, route: "key" } as const;

/** A server whose answers the test gives one by one. */
class ScriptedServer {
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
const settled = async (): Promise<void> => {
  await vi.advanceTimersByTimeAsync(0);
};

const PATCHES = [
  { id: 1, label: null, label_id: null },
  { id: 2, label: "normal", label_id: 50 },
  { id: 3, label: null, label_id: null },
] as const;
const SOURCE = { patches: PATCHES, reader: "ann", slide: 7, order: "position" };

let server: ScriptedServer;
let store: LabelStore;

beforeEach(() => {
  vi.useFakeTimers();
  server = new ScriptedServer();
  store = new LabelStore(SOURCE, server.send);
});
afterEach(() => vi.useRealTimers());

test("a label is painted before the server has answered, and says that it is not saved", async () => {
  store.set(1, "tumor", how);
  expect(store.value(1)).toBe("tumor");
  expect(store.unsaved).toBe(1);
  expect(store.outbox.state).toBe("saving");
  await settled();
  await server.accept();
  expect(store.unsaved).toBe(0);
  expect(store.outbox.state).toBe("saved");
});

test("a write names the label that was on screen, the time, the route and the order", async () => {
  store.set(2, "tumor", { milliseconds: 1234, route: "mouse" });
  await settled();
  expect(server.writes).toHaveLength(1);
  expect(server.writes[0]).toMatchObject({ patch: 2, value: "tumor", seen: 50 });
  expect(server.labels[0]).toMatchObject({ milliseconds: 1234, route: "mouse", order: "position", act: "label", step: null, slide: 7 });
  expect(server.writes[0]!.uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("writes go out in the order of the decisions, one after the other, each on top of the one before", async () => {
  store.set(1, "tumor", how);
  store.set(3, "unsure", how);
  store.set(1, "normal", how);
  await settled();
  expect(server.writes.map((write) => [write.patch, write.value])).toEqual([[1, "tumor"]]);
  const first = await server.accept();
  expect(server.writes[1]).toMatchObject({ patch: 3, value: "unsure" });
  await settled();
  await server.accept();
  expect(server.writes[2]).toMatchObject({ patch: 1, value: "normal", seen: first });
});

test("the same key twice is one decision", async () => {
  store.set(1, "tumor", how);
  store.set(1, "tumor", how);
  expect(store.unsaved).toBe(1);
});

test("a lost network repeats the same write under the same uuid, later and later", async () => {
  store.set(1, "tumor", how);
  await settled();
  await server.refuse(new NetworkError("gone"));
  expect(store.outbox.state).toBe("retrying");
  expect(store.value(1)).toBe("tumor");
  expect(server.writes).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(500);
  expect(server.writes).toHaveLength(2);
  await settled();
  await server.refuse(new ApiError("restarting", 503));
  await vi.advanceTimersByTimeAsync(999);
  expect(server.writes).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(1);
  expect(server.writes).toHaveLength(3);
  expect(new Set(server.writes.map((write) => write.uuid)).size).toBe(1);
  await settled();
  await server.accept();
  expect(store.outbox.state).toBe("saved");
  expect(store.outbox.trouble).toBeNull();
});

test("labels given while the network is away wait in order and all arrive", async () => {
  store.set(1, "tumor", how);
  await settled();
  await server.refuse(new NetworkError("gone"));
  store.set(3, "normal", how);
  store.set(1, "unsure", how);
  expect(store.unsaved).toBe(3);
  store.outbox.retryNow();
  await settled();
  await server.accept();
  await settled();
  await server.accept();
  await settled();
  await server.accept();
  expect(server.writes.slice(1).map((write) => [write.patch, write.value])).toEqual([
    [1, "tumor"],
    [3, "normal"],
    [1, "unsure"],
  ]);
  expect(store.unsaved).toBe(0);
});

test("a conflict shows both values, sends nothing on, and paints what stands", async () => {
  store.set(2, "tumor", how);
  store.set(2, "unsure", how);
  await settled();
  await server.refuse(new ApiError("Changed elsewhere.", 409, { current: { id: 77, value: "exclude" } }));
  expect(store.conflict(2)).toEqual({ mine: "unsure", theirs: "exclude", theirsId: 77 });
  expect(store.value(2)).toBe("exclude");
  expect(store.unsaved).toBe(0);
  expect(server.writes).toHaveLength(1);
  expect(store.canUndo).toBe(false);
});

test("a conflict is settled by the reader: theirs writes nothing, mine is said on top of theirs", async () => {
  store.set(2, "tumor", how);
  await settled();
  await server.refuse(new ApiError("Changed elsewhere.", 409, { current: { id: 77, value: "exclude" } }));
  store.resolve(2, "mine", "mouse");
  expect(store.conflict(2)).toBeUndefined();
  await settled();
  expect(server.writes[1]).toMatchObject({ value: "tumor", seen: 77 });
  await settled();
  await server.refuse(new ApiError("Changed elsewhere.", 409, { current: { id: 78, value: "normal" } }));
  store.resolve(2, "theirs", "mouse");
  expect(store.value(2)).toBe("normal");
  expect(server.writes).toHaveLength(2);
});

test("two tabs that say the same have nothing to settle", async () => {
  store.set(2, "tumor", how);
  await settled();
  await server.refuse(new ApiError("Changed elsewhere.", 409, { current: { id: 77, value: "tumor" } }));
  expect(store.conflictedPatches).toEqual([]);
  expect(store.value(2)).toBe("tumor");
  store.set(2, "normal", how);
  await settled();
  expect(server.writes[1]).toMatchObject({ seen: 77 });
});

test("a withdrawn label elsewhere is a conflict with nothing on the other side", async () => {
  store.set(2, "tumor", how);
  await settled();
  await server.refuse(new ApiError("Changed elsewhere.", 409, { current: null }));
  expect(store.conflict(2)).toEqual({ mine: "tumor", theirs: null, theirsId: null });
});

test("a refused value goes back to what is saved and says why", async () => {
  store.set(2, "tumor", how);
  await settled();
  await server.refuse(new ApiError("No such patch.", 404));
  expect(store.value(2)).toBe("normal");
  expect(store.outbox.trouble).toBe("No such patch.");
  expect(store.unsaved).toBe(0);
});

test("being signed out keeps every write until the reader is back", async () => {
  store.set(1, "tumor", how);
  await settled();
  await server.refuse(new ApiError("You are signed out.", 403));
  store.set(3, "normal", how);
  expect(store.outbox.state).toBe("held");
  expect(store.unsaved).toBe(2);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(server.writes).toHaveLength(1);
  store.outbox.retryNow();
  await settled();
  await server.accept();
  await settled();
  await server.accept();
  expect(store.outbox.state).toBe("saved");
});

test("undo withdraws a first label and redo says it again", async () => {
  store.set(1, "tumor", how);
  expect(store.undo("key")).toEqual([1]);
  expect(store.value(1)).toBeNull();
  expect(store.redo("key")).toEqual([1]);
  expect(store.value(1)).toBe("tumor");
  await settled();
  await server.accept();
  await settled();
  await server.accept();
  await settled();
  await server.accept();
  expect(server.writes.map((write) => write.value)).toEqual(["tumor", null, "tumor"]);
});

test("undo goes back through patches, and a new label ends redo", () => {
  store.set(1, "tumor", how);
  store.set(2, "exclude", how);
  expect(store.undo("key")).toEqual([2]);
  expect(store.value(2)).toBe("normal");
  store.set(3, "normal", how);
  expect(store.canRedo).toBe(false);
  expect(store.undo("key")).toEqual([3]);
  expect(store.undo("key")).toEqual([1]);
  expect(store.undo("key")).toBeNull();
});

test("counts follow what is painted", () => {
  store.set(1, "tumor", how);
  store.set(2, "unsure", how);
  expect(store.counts()).toEqual({ tumor: 1, normal: 0, unsure: 1, exclude: 0, left: 1, total: 3 });
});

test("listeners hear which patch was painted, and of the answer", async () => {
  const heard = vi.fn();
  store.onChange(heard);
  store.set(1, "tumor", how);
  expect(heard.mock.calls[0]).toEqual([[1]]);
  await settled();
  const before = heard.mock.calls.length;
  await server.accept();
  expect(heard.mock.calls.length).toBeGreaterThan(before);
});

test("many patches are one entry, and one undo takes all of them back to what each was", async () => {
  expect(store.setMany([1, 2, 3], "tumor", how)).toBe(3);
  await settled();
  await server.accept();
  expect(store.undo("key")).toEqual([1, 2, 3]);
  await settled();
  expect([1, 2, 3].map((patch) => store.value(patch))).toEqual([null, "normal", null]);
  const [step, undo] = server.labels;
  expect(step!.writes).toHaveLength(3);
  expect(undo).toMatchObject({ act: "undo", step: step!.step });
  expect(undo!.writes.map((write) => write.value)).toEqual([null, "normal", null]);
});

test("patches that have the value already are left out of a step", () => {
  expect(store.setMany([1, 2], "normal", how)).toBe(1);
  expect(store.setMany([1, 2], "normal", how)).toBe(0);
});

test("patches of a step that were labelled elsewhere are asked about, the others go out again", async () => {
  store.setMany([1, 2, 3], "tumor", how);
  await settled();
  await server.refuse(new ApiError("Elsewhere.", 409, { conflicts: [{ patch: 2, current: { id: 77, value: "exclude" } }] }));
  await settled();
  expect(store.conflict(2)).toEqual({ mine: "tumor", theirs: "exclude", theirsId: 77 });
  expect(server.labels[1]!.writes.map((write) => write.patch)).toEqual([1, 3]);
  expect(server.labels[1]!.writes[0]!.uuid).toBe(server.labels[0]!.writes[0]!.uuid);
  await server.accept();
  expect(store.undo("key")).toEqual([1, 3]);
});

test("undo goes back beyond the page, by the history that the server kept", async () => {
  const steps = { undo: [{ step: "first", changes: [{ patch: 2, before: "tumor" as const, after: "normal" as const }] }], redo: [] };
  store = new LabelStore({ ...SOURCE, steps }, server.send);
  expect(store.undo("key")).toEqual([2]);
  await settled();
  expect(server.labels[0]).toMatchObject({ act: "undo", step: "first", writes: [{ patch: 2, value: "tumor", seen: 50 }] });
});

test("what an earlier page left unsent is painted, sent under its old uuids, and can be undone", async () => {
  const storage = new MemoryStorage();
  const before = new LabelStore(SOURCE, () => new Promise(() => undefined), storage);
  before.set(1, "tumor", how);
  before.set(1, "normal", how);
  before.flag(3);
  store = new LabelStore(SOURCE, server.send, storage);
  store.resume(await storage.load("ann"));
  expect(store.value(1)).toBe("normal");
  expect(store.flagged(3)).toBe(true);
  expect(store.unsaved).toBe(3);
  const first = await server.accept();
  expect(server.labels[1]!.writes[0]).toMatchObject({ value: "normal", seen: first });
  await server.accept();
  await server.accept();
  expect(store.outbox.state).toBe("saved");
  expect(await storage.load("ann")).toEqual([]);
  expect(store.undo("key")).toEqual([1]);
  expect(store.value(1)).toBe("tumor");
});

test("a label that had arrived before the tab was closed is one step of undo, not two", async () => {
  const storage = new MemoryStorage();
  const before = new LabelStore(SOURCE, () => new Promise(() => undefined), storage);
  before.set(1, "tumor", how);
  const [entry] = (await storage.load("ann")) as LabelEntry[];
  const steps = { undo: [{ step: entry!.writes[0]!.uuid, changes: [{ patch: 1, before: null, after: "tumor" as const }] }], redo: [] };
  const patches = [{ id: 1, label: "tumor", label_id: 101 }] as const;
  store = new LabelStore({ ...SOURCE, patches, steps }, server.send, storage);
  store.resume([entry!]);
  expect(store.undo("key")).toEqual([1]);
  expect(store.undo("key")).toBeNull();
});

test("what another reader left on this computer is not sent in one's own name", async () => {
  const storage = new MemoryStorage();
  new LabelStore({ ...SOURCE, reader: "bob" }, () => new Promise(() => undefined), storage).set(1, "tumor", how);
  expect(await storage.load("ann")).toEqual([]);
});

test("a conflict on another slide stays in the storage for that slide's own page", async () => {
  const storage = new MemoryStorage();
  new LabelStore({ ...SOURCE, slide: 8 }, () => new Promise(() => undefined), storage).set(1, "tumor", how);
  store = new LabelStore(SOURCE, server.send, storage);
  store.resume(await storage.load("ann"));
  expect(store.value(1)).toBeNull();
  await server.refuse(new ApiError("Elsewhere.", 409, { current: { id: 9, value: "normal" } }));
  expect(store.conflictedPatches).toEqual([]);
  expect(await storage.load("ann")).toHaveLength(1);
});

test("another tab's label is shown unless something of ours is on its way", async () => {
  store.heard({ patch: 1, id: 60, value: "tumor" });
  expect(store.value(1)).toBe("tumor");
  store.set(3, "normal", how);
  store.heard({ patch: 3, id: 61, value: "exclude" });
  expect(store.value(3)).toBe("normal");
  store.set(1, "unsure", how);
  await settled();
  await server.accept();
  expect(server.labels[1]!.writes[0]!.seen).toBe(60);
});

test("a flag and a comment go out in order with the labels", async () => {
  store.set(1, "unsure", how);
  expect(store.flag(1)).toBe(true);
  store.comment(1, "  mitoses? ");
  expect(store.flag(1)).toBe(false);
  for (let sent = 0; sent < 4; sent += 1) {
    await settled();
    await server.accept();
  }
  const told = server.entries.map((entry) => (entry.kind === "label" ? entry.act : [entry.remark, entry.text]));
  expect(told).toEqual(["label", ["flag", ""], ["comment", "mitoses?"], ["unflag", ""]]);
});
