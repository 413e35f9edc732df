import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError, NetworkError } from "./api";
import { LabelStore } from "./labelStore";
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
  const told = server.entries.map((entry) => (entry.kind === "remark" ? [entry.remark, entry.text] : entry.act));
  expect(told).toEqual(["label", ["flag", ""], ["comment", "mitoses?"], ["unflag", ""]]);
});
