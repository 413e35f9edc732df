/** Whatever a reader does, while answers get lost and pages are closed, the server ends with what a simple model says. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError, NetworkError } from "./api";
import { LabelStore } from "./labelStore";
import type { Answer, Entry } from "./outbox";
import { MemoryStorage } from "./outboxStorage";
import { LABEL_VALUES, type LabelValue } from "./payload";

const PATCHES = [1, 2, 3];
/** Brought in and left out, never labelled here. */
const DROPPED = 9;
const how = { milliseconds: null, route: "key" } as const;

/** Repeatable: the same seed, the same evening. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

/** Writes once per uuid, refuses what was not seen, and loses every third answer or request. */
class FlakyServer {
  readonly rows: { uuid: string; patch: number; id: number; value: LabelValue | null }[] = [];
  readonly overrules: { uuid: string; offered: boolean }[] = [];
  constructor(private readonly roll: (sides: number) => number) {}

  standing(patch: number) {
    return this.rows.filter((row) => row.patch === patch).pop();
  }

  readonly send = (entry: Entry): Promise<Answer[]> => {
    const luck = this.roll(6);
    if (luck === 0) return Promise.reject(new NetworkError("lost on the way there"));
    if (entry.kind === "remark") return Promise.resolve([]);
    if (entry.kind === "tissue") {
      const { uuid, offered } = entry;
      if (!this.overrules.some((row) => row.uuid === uuid)) this.overrules.push({ uuid, offered });
      return luck === 1 ? Promise.reject(new NetworkError("lost on the way back")) : Promise.resolve([]);
    }
    const repeated = entry.writes.map((write) => this.rows.find((row) => row.uuid === write.uuid));
    if (!repeated.every(Boolean)) {
      const stale = entry.writes.filter((write) => (this.standing(write.patch)?.id ?? null) !== write.seen);
      if (stale.length) {
        const conflicts = stale.map(({ patch }) => ({ patch, current: this.standing(patch) ?? null }));
        return Promise.reject(new ApiError("Elsewhere.", 409, { conflicts }));
      }
      for (const { uuid, patch, value } of entry.writes) this.rows.push({ uuid, patch, value, id: this.rows.length + 1 });
    }
    if (luck === 1) return Promise.reject(new NetworkError("lost on the way back"));
    if (luck === 2) return Promise.reject(new ApiError("restarting", 503));
    return Promise.resolve(entry.writes.map((write) => this.rows.find((row) => row.uuid === write.uuid)!));
  };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test.each(Array.from({ length: 40 }, (_, seed) => seed))("evening %i", async (seed) => {
  const roll = dice(seed + 1);
  const server = new FlakyServer(roll);
  const storage = new MemoryStorage();
  const values = new Map<number, LabelValue | null>(PATCHES.map((patch) => [patch, null]));
  const [done, undone]: [Map<number, LabelValue | null>[], Map<number, LabelValue | null>[]] = [[], []];
  // Whether the dropped patch was brought in, beside the labels and in one order with them.
  const [doneOffered, undoneOffered]: [boolean[], boolean[]] = [[], []];
  let [offered, shown] = [false, false];
  const open = async (): Promise<LabelStore> => {
    const patches = PATCHES.map((id) => ({ id, label: server.standing(id)?.value ?? null, label_id: server.standing(id)?.id ?? null }));
    const store = new LabelStore({ patches, reader: "ann", slide: 7, order: "position" }, server.send, storage);
    store.onTissue = (_patches, now) => void (shown = now);
    store.resume(await storage.load("ann"));
    return store;
  };
  let store = await open();
  for (let act = 0; act < 25; act += 1) {
    const what = roll(10);
    if (what < 6) {
      const chosen = PATCHES.filter(() => roll(2));
      const value = LABEL_VALUES[roll(4)]!;
      if (store.setMany(chosen, value, how)) {
        done.push(new Map(values));
        doneOffered.push(offered);
        undone.length = undoneOffered.length = 0;
        for (const patch of chosen) values.set(patch, value);
      }
    } else if (what === 6) {
      store.overrule([DROPPED], !offered);
      done.push(new Map(values));
      doneOffered.push(offered);
      undone.length = undoneOffered.length = 0;
      offered = !offered;
    } else if (what < 9) {
      const [from, to] = what === 7 ? [done, undone] : [undone, done];
      const [fromOffered, toOffered] = what === 7 ? [doneOffered, undoneOffered] : [undoneOffered, doneOffered];
      const moved = what === 7 ? store.undo("key") : store.redo("key");
      const target = from.pop();
      expect(moved !== null).toBe(target !== undefined);
      if (target) {
        to.push(new Map(values));
        toOffered.push(offered);
        offered = fromOffered.pop()!;
        for (const [patch, value] of target) values.set(patch, value);
      }
    } else {
      await vi.advanceTimersByTimeAsync(roll(3000));
    }
    expect(PATCHES.map((patch) => store.value(patch))).toEqual([...values.values()]);
    expect(shown).toBe(offered);
  }
  // The tab is closed in the middle of it; the next page takes up what is left.
  if (roll(2)) {
    store = await open();
    expect(PATCHES.map((patch) => store.value(patch))).toEqual([...values.values()]);
  }
  await vi.advanceTimersByTimeAsync(40 * 60_000);
  expect(store.outbox.state).toBe("saved");
  expect(store.conflictedPatches).toEqual([]);
  expect(PATCHES.map((patch) => server.standing(patch)?.value ?? null)).toEqual([...values.values()]);
  expect(server.overrules.at(-1)?.offered ?? false).toBe(offered);
  expect(new Set(server.rows.map((row) => row.uuid)).size).toBe(server.rows.length);
});
