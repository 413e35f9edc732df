import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError } from "./api";
import { LabelStore } from "./labelStore";
import type { LabelEntry } from "./outbox";
import { MemoryStorage } from "./outboxStorage";
import { how, ScriptedServer, settled, SOURCE } from "./testing/labelServer";

let server: ScriptedServer;
let store: LabelStore;

beforeEach(() => {
  vi.useFakeTimers();
  server = new ScriptedServer();
  store = new LabelStore(SOURCE, server.send);
});
afterEach(() => vi.useRealTimers());

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
  const steps = { undo: [{ kind: "label" as const, step: "first", changes: [{ patch: 2, before: "tumor" as const, after: "normal" as const }] }], redo: [] };
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
  const steps = { undo: [{ kind: "label" as const, step: entry!.writes[0]!.uuid, changes: [{ patch: 1, before: null, after: "tumor" as const }] }], redo: [] };
  const patches = [{ id: 1, label: "tumor", label_id: 101 }] as const;
  store = new LabelStore({ ...SOURCE, patches, steps }, server.send, storage);
  store.resume([entry!]);
  expect(store.undo("key")).toEqual([1]);
  expect(store.undo("key")).toBeNull();
});

test("patches that are brought in are one step among the others, undone and said again in their order", async () => {
  const told = vi.fn();
  store.onTissue = told;
  store.set(1, "tumor", how);
  store.overrule([4, 5], true);
  store.set(3, "normal", how);
  expect([store.undo("key"), store.undo("key"), store.undo("key"), store.redo("key"), store.redo("key")]).toEqual([[3], [4, 5], [1], [1], [4, 5]]);
  expect(told.mock.calls).toEqual([[[4, 5], true], [[4, 5], false], [[4, 5], true]]);
  for (let sent = 0; sent < 8; sent += 1) {
    await settled();
    await server.accept();
  }
  const sent = server.entries.flatMap((entry) => (entry.kind === "tissue" ? entry : []));
  expect(sent.map(({ act, offered }) => [act, offered])).toEqual([["overrule", true], ["undo", false], ["redo", true]]);
  expect(new Set(sent.map((entry) => entry.step)).size).toBe(1);
  expect(new Set(sent.map((entry) => entry.uuid)).size).toBe(3);
});

test("a patch on which somebody else had the last word shows theirs, leaves the step, and the others go out again", async () => {
  const told = vi.fn();
  store.onTissue = told;
  store.overrule([4, 5], true);
  await settled();
  await server.refuse(new ApiError("Elsewhere.", 409, { conflicts: [{ patch: 4, offered: false, by: "bob" }] }));
  expect(told.mock.lastCall).toEqual([[4], false]);
  await settled();
  expect(server.entries[1]).toMatchObject({ kind: "tissue", patches: [5], offered: true });
  await server.accept();
  expect(store.undo("key")).toEqual([5]);
});

test("a bringing in that is refused altogether is taken back and says why", async () => {
  const told = vi.fn();
  store.onTissue = told;
  store.overrule([4, 5], true);
  await settled();
  await server.refuse(new ApiError("No such slide.", 404));
  expect(told.mock.calls.slice(1)).toEqual([[[4], false], [[5], false]]);
  expect(store.canUndo).toBe(false);
  expect(store.outbox.trouble).toBe("No such slide.");
});

test("an undone bringing in that an earlier page left unsent can be said again", async () => {
  const storage = new MemoryStorage();
  const before = new LabelStore(SOURCE, () => new Promise(() => undefined), storage);
  before.overrule([4], true);
  before.undo("key");
  store = new LabelStore(SOURCE, server.send, storage);
  const told = vi.fn();
  store.onTissue = told;
  store.resume(await storage.load("ann"));
  expect(told.mock.calls).toEqual([[[4], true], [[4], false]]);
  expect(store.redo("key")).toEqual([4]);
});
