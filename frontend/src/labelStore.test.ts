import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError, NetworkError } from "./api";
import { LabelStore, type LabelWrite } from "./labelStore";
import type { LabelValue } from "./payload";

type Answer = { id: number; value: LabelValue | null };
const how = { milliseconds: 800, route: "key" } as const;

/** A server whose answers the test gives one by one. */
class ScriptedServer {
  readonly writes: LabelWrite[] = [];
  private readonly waiting: { resolve: (answer: Answer) => void; reject: (error: unknown) => void }[] = [];
  private nextId = 100;

  readonly send = (write: LabelWrite): Promise<Answer> => {
    this.writes.push(write);
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  };

  async accept(): Promise<number> {
    const id = (this.nextId += 1);
    const write = this.writes[this.writes.length - this.waiting.length]!;
    this.waiting.shift()!.resolve({ id, value: write.value });
    await vi.advanceTimersByTimeAsync(0);
    return id;
  }

  async refuse(error: unknown): Promise<void> {
    this.waiting.shift()!.reject(error);
    await vi.advanceTimersByTimeAsync(0);
  }
}

let server: ScriptedServer;
let store: LabelStore;

beforeEach(() => {
  vi.useFakeTimers();
  server = new ScriptedServer();
  store = new LabelStore(
    [
      { id: 1, label: null, label_id: null },
      { id: 2, label: "normal", label_id: 50 },
      { id: 3, label: null, label_id: null },
    ],
    server.send,
  );
});
afterEach(() => vi.useRealTimers());

test("a label is painted before the server has answered, and says that it is not saved", async () => {
  store.set(1, "tumor", how);
  expect(store.value(1)).toBe("tumor");
  expect(store.unsaved).toBe(1);
  expect(store.state).toBe("saving");
  await server.accept();
  expect(store.unsaved).toBe(0);
  expect(store.state).toBe("saved");
});

test("a write names the label that was on screen, the time and the route", () => {
  store.set(2, "tumor", { milliseconds: 1234, route: "mouse" });
  expect(server.writes).toHaveLength(1);
  expect(server.writes[0]).toMatchObject({ patch: 2, value: "tumor", seen: 50, milliseconds: 1234, route: "mouse" });
  expect(server.writes[0]!.uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("writes go out in the order of the decisions, one after the other, each on top of the one before", async () => {
  store.set(1, "tumor", how);
  store.set(3, "unsure", how);
  store.set(1, "normal", how);
  expect(server.writes.map((write) => [write.patch, write.value])).toEqual([[1, "tumor"]]);
  const first = await server.accept();
  expect(server.writes[1]).toMatchObject({ patch: 3, value: "unsure" });
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
  await server.refuse(new NetworkError("gone"));
  expect(store.state).toBe("retrying");
  expect(store.value(1)).toBe("tumor");
  expect(server.writes).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(500);
  expect(server.writes).toHaveLength(2);
  await server.refuse(new ApiError("restarting", 503));
  await vi.advanceTimersByTimeAsync(999);
  expect(server.writes).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(1);
  expect(server.writes).toHaveLength(3);
  expect(new Set(server.writes.map((write) => write.uuid)).size).toBe(1);
  await server.accept();
  expect(store.state).toBe("saved");
  expect(store.trouble).toBeNull();
});

test("labels given while the network is away wait in order and all arrive", async () => {
  store.set(1, "tumor", how);
  await server.refuse(new NetworkError("gone"));
  store.set(3, "normal", how);
  store.set(1, "unsure", how);
  expect(store.unsaved).toBe(3);
  store.retryNow();
  await server.accept();
  await server.accept();
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
  await server.refuse(new ApiError("Changed elsewhere.", 409, { current: { id: 77, value: "exclude" } }));
  expect(store.conflict(2)).toEqual({ mine: "unsure", theirs: "exclude", theirsId: 77 });
  expect(store.value(2)).toBe("exclude");
  expect(store.unsaved).toBe(0);
  expect(server.writes).toHaveLength(1);
  expect(store.canUndo).toBe(false);
});

test("a conflict is settled by the reader: theirs writes nothing, mine is said on top of theirs", async () => {
  store.set(2, "tumor", how);
  await server.refuse(new ApiError("Changed elsewhere.", 409, { current: { id: 77, value: "exclude" } }));
  store.resolve(2, "mine", "mouse");
  expect(store.conflict(2)).toBeUndefined();
  expect(server.writes[1]).toMatchObject({ value: "tumor", seen: 77 });
  await server.refuse(new ApiError("Changed elsewhere.", 409, { current: { id: 78, value: "normal" } }));
  store.resolve(2, "theirs", "mouse");
  expect(store.value(2)).toBe("normal");
  expect(server.writes).toHaveLength(2);
});

test("two tabs that say the same have nothing to settle", async () => {
  store.set(2, "tumor", how);
  await server.refuse(new ApiError("Changed elsewhere.", 409, { current: { id: 77, value: "tumor" } }));
  expect(store.conflictedPatches).toEqual([]);
  expect(store.value(2)).toBe("tumor");
  store.set(2, "normal", how);
  expect(server.writes[1]).toMatchObject({ seen: 77 });
});

test("a withdrawn label elsewhere is a conflict with nothing on the other side", async () => {
  store.set(2, "tumor", how);
  await server.refuse(new ApiError("Changed elsewhere.", 409, { current: null }));
  expect(store.conflict(2)).toEqual({ mine: "tumor", theirs: null, theirsId: null });
});

test("a refused value goes back to what is saved and says why", async () => {
  store.set(2, "tumor", how);
  await server.refuse(new ApiError("No such patch.", 404));
  expect(store.value(2)).toBe("normal");
  expect(store.trouble).toBe("No such patch.");
  expect(store.unsaved).toBe(0);
});

test("being signed out keeps every write until the reader is back", async () => {
  store.set(1, "tumor", how);
  await server.refuse(new ApiError("You are signed out.", 403));
  store.set(3, "normal", how);
  expect(store.state).toBe("held");
  expect(store.unsaved).toBe(2);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(server.writes).toHaveLength(1);
  store.retryNow();
  await server.accept();
  await server.accept();
  expect(store.state).toBe("saved");
});

test("undo withdraws a first label and redo says it again", async () => {
  store.set(1, "tumor", how);
  expect(store.undo("key")).toBe(1);
  expect(store.value(1)).toBeNull();
  expect(store.redo("key")).toBe(1);
  expect(store.value(1)).toBe("tumor");
  await server.accept();
  await server.accept();
  await server.accept();
  expect(server.writes.map((write) => write.value)).toEqual(["tumor", null, "tumor"]);
});

test("undo goes back through patches, and a new label ends redo", () => {
  store.set(1, "tumor", how);
  store.set(2, "exclude", how);
  expect(store.undo("key")).toBe(2);
  expect(store.value(2)).toBe("normal");
  store.set(3, "normal", how);
  expect(store.canRedo).toBe(false);
  expect(store.undo("key")).toBe(3);
  expect(store.undo("key")).toBe(1);
  expect(store.undo("key")).toBeNull();
});

test("counts follow what is painted", () => {
  store.set(1, "tumor", how);
  store.set(2, "unsure", how);
  expect(store.counts()).toEqual({ tumor: 1, normal: 0, unsure: 1, exclude: 0, left: 1, total: 3 });
});

test("listeners hear of the paint and of the answer", async () => {
  const heard = vi.fn();
  store.onChange(heard);
  store.set(1, "tumor", how);
  expect(heard).toHaveBeenCalledTimes(1);
  await server.accept();
  expect(heard).toHaveBeenCalledTimes(2);
});
