import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { keepTileAccess } from "./tileAccess";

const slide = { open_url: "/api/v1/slides/7/open/", token_seconds: 3600 };
const fetchMock = vi.fn<typeof fetch>();
let access: ReturnType<typeof keepTileAccess>;
const redraw = vi.fn();

beforeEach(() => {
  vi.useFakeTimers();
  fetchMock.mockReset().mockImplementation(() => Promise.resolve(new Response("{}")));
  vi.stubGlobal("fetch", fetchMock);
  redraw.mockReset();
  access = keepTileAccess(slide, redraw);
});
afterEach(() => {
  access.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("access is renewed before it ends", async () => {
  await vi.advanceTimersByTimeAsync(2_879_000);
  expect(fetchMock).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(fetchMock).toHaveBeenCalledTimes(1);
  expect(fetchMock.mock.calls[0]![0]).toBe("/api/v1/slides/7/open/");
});

test("a refused tile renews access and draws again, but a hundred refused tiles do so once", async () => {
  for (let tile = 0; tile < 100; tile += 1) access.tileFailed();
  await vi.advanceTimersByTimeAsync(0);
  expect(fetchMock).toHaveBeenCalledTimes(1);
  expect(redraw).toHaveBeenCalledTimes(1);
});

test("a tile that stays broken is asked about less and less often", async () => {
  access.tileFailed();
  for (let second = 0; second < 150; second += 1) {
    await vi.advanceTimersByTimeAsync(1000);
    access.tileFailed();
  }
  expect(fetchMock).toHaveBeenCalledTimes(4);
});

test("where access cannot be renewed nothing is drawn again", async () => {
  fetchMock.mockImplementation(() => Promise.resolve(new Response("{}", { status: 404 })));
  access.tileFailed();
  await vi.advanceTimersByTimeAsync(0);
  expect(redraw).not.toHaveBeenCalled();
});

test("nothing goes on after the viewer is closed", async () => {
  access.stop();
  await vi.advanceTimersByTimeAsync(7_200_000);
  expect(fetchMock).not.toHaveBeenCalled();
});
