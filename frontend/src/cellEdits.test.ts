import { beforeEach, expect, test, vi } from "vitest";
import { ApiError, type post } from "./api";
import { CellEdits, type PickedCell } from "./cellEdits";
import type { EditRow } from "./payload";
import { fakeScore } from "./testing/scores";

const row = (changes: Partial<EditRow> = {}): EditRow => ({
  id: 1, action: "flip", cell: 4, x: 10, y: 20, present: true, positive: true, undoes: null, reader: "c", created_at: "", ...changes,
});
const cell: PickedCell = { index: 4, seen: null, x: 10, y: 20, positive: false };
const send = vi.fn();
const onChange = vi.fn();
let edits: CellEdits;

beforeEach(() => {
  send.mockReset();
  onChange.mockReset();
  edits = new CellEdits(5, onChange, send as unknown as typeof post);
});

test("edits that others made are shown", async () => {
  await edits.load((() => Promise.resolve([row(), row({ id: 2, cell: null, x: 50, y: 60 })])) as never);
  expect(edits.ofCell(4)?.positive).toBe(true);
  expect([...edits.added()]).toHaveLength(1);
  expect(edits.canUndo).toBe(false);
});

test("a change names the cell and what was seen of it", async () => {
  send.mockResolvedValue({ edit: row(), score: fakeScore() });
  await edits.change({ action: "flip", cell: { ...cell, seen: 8 } });
  expect(send).toHaveBeenCalledWith("/api/v1/scores/5/edits/", { uuid: expect.any(String), action: "flip", cell: 4, seen: 8 });
  expect(edits.ofCell(4)?.id).toBe(1);
  expect(onChange).toHaveBeenCalledTimes(1);
});

test("undo takes back the last own edit, then the one before", async () => {
  send.mockResolvedValueOnce({ edit: row(), score: fakeScore() });
  await edits.change({ action: "flip", cell });
  send.mockResolvedValueOnce({ edit: row({ id: 2, action: "add", cell: null, x: 5, y: 6 }), score: fakeScore() });
  await edits.change({ action: "add", x: 5, y: 6, positive: true });
  send.mockResolvedValue({ edit: row({ id: 3, action: "undo", cell: null, x: 5, y: 6, present: false }), score: fakeScore() });
  await edits.undo();
  expect(send).toHaveBeenLastCalledWith("/api/v1/scores/5/edits/", { uuid: expect.any(String), action: "undo", edit: 2 });
  expect([...edits.added()].map(({ present }) => present)).toEqual([false]);
  await edits.undo();
  expect(send).toHaveBeenLastCalledWith("/api/v1/scores/5/edits/", { uuid: expect.any(String), action: "undo", edit: 1 });
  expect(await edits.undo()).toBeNull();
});

test("when somebody else was first, the cell is shown as it is now", async () => {
  send.mockRejectedValue(new ApiError("second has changed this cell", 409, { edit: row({ id: 9, positive: false }) }));
  await expect(edits.change({ action: "flip", cell })).rejects.toThrow("second has changed this cell");
  expect(edits.ofCell(4)?.id).toBe(9);
  expect(edits.canUndo).toBe(false);
});

test("an undo that is refused can be tried again", async () => {
  send.mockResolvedValueOnce({ edit: row(), score: fakeScore() });
  await edits.change({ action: "flip", cell });
  send.mockRejectedValueOnce(new Error("away"));
  await expect(edits.undo()).rejects.toThrow("away");
  expect(edits.canUndo).toBe(true);
});
