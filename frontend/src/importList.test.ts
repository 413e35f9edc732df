import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ImportList } from "./importList";
import type { ImportPayload } from "./payload";

const one = (changes: Partial<ImportPayload> = {}): ImportPayload => ({
  id: 1, case: "Case 01", stain: "HE", state: "running", progress: 0.4, message: "", slide: null, ...changes,
});
const fetchMock = vi.fn<typeof fetch>();
const host = document.createElement("ul");
const onDone = vi.fn();
let imports: ImportList;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", fetchMock);
  fetchMock.mockReset();
  onDone.mockReset();
  imports = new ImportList(host, "/api/v1/imports/?project=net", onDone);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});
const answer = (...rows: ImportPayload[]) => new Response(JSON.stringify({ results: rows }));

test("an import under way is followed until it has ended", async () => {
  fetchMock.mockResolvedValueOnce(answer(one({ progress: 0.9 }))).mockResolvedValueOnce(answer(one({ state: "done", slide: 8 })));
  imports.show([one()]);
  expect(host.querySelector("progress")!.value).toBe(0.4);
  await vi.advanceTimersByTimeAsync(1500);
  expect(host.querySelector("progress")!.value).toBe(0.9);
  expect(onDone).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1500);
  expect(host.querySelector("a")!.getAttribute("href")).toBe("/slides/8/");
  expect(onDone).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(fetchMock).toHaveBeenCalledTimes(2);
});

test("imports that had ended before the page was opened bring no news", () => {
  imports.show([one({ state: "done", slide: 8 }), one({ id: 2, state: "failed", message: "This is no slide." })]);
  expect(onDone).not.toHaveBeenCalled();
  expect(host.textContent).toContain("This is no slide.");
  expect(vi.getTimerCount()).toBe(0);
});

test("an import that came and ended between two looks is news too", async () => {
  imports.show([]);
  expect(host.textContent).toBe("None yet.");
  fetchMock.mockResolvedValueOnce(answer(one({ state: "done", slide: 8 })));
  await imports.refresh();
  expect(onDone).toHaveBeenCalledTimes(1);
});

test("a server that does not answer is asked again later", async () => {
  fetchMock.mockRejectedValueOnce(new TypeError("gone")).mockResolvedValueOnce(answer(one({ state: "failed" })));
  imports.show([one()]);
  await vi.advanceTimersByTimeAsync(1500);
  expect(host.querySelector("progress")).not.toBeNull();
  await vi.advanceTimersByTimeAsync(6000);
  expect(host.querySelector(".badge-error")).not.toBeNull();
});

test("text of the server never becomes markup", () => {
  imports.show([one({ state: "failed", message: "<img src=x onerror=alert(1)>" })]);
  expect(host.querySelector("img")).toBeNull();
});
