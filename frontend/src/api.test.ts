import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError, get, isTemporary, list, NetworkError, put } from "./api";

const answer = (status: number, body: unknown) => new Response(JSON.stringify(body), { status });
const fetchMock = vi.fn<typeof fetch>();

beforeEach(() => {
  vi.stubGlobal("fetch", fetchMock);
  fetchMock.mockReset();
  document.cookie = "csrftoken=abc123";
});
afterEach(() => vi.unstubAllGlobals());

test("a write carries the CSRF token and JSON", async () => {
  fetchMock.mockResolvedValue(answer(200, { id: 1 }));
  expect(await put("/api/v1/patches/7/label/", { value: "tumor" })).toEqual({ id: 1 });
  const [url, init] = fetchMock.mock.calls[0]!;
  expect(url).toBe("/api/v1/patches/7/label/");
  expect(init).toMatchObject({ method: "PUT", body: '{"value":"tumor"}' });
  expect(init!.headers).toMatchObject({ "X-CSRFToken": "abc123", "Content-Type": "application/json" });
});

test("a refusal keeps the server's message and what it adds", async () => {
  fetchMock.mockResolvedValue(answer(409, { message: "Changed elsewhere.", extra: { current: { id: 4 } } }));
  const error = await get("/x").catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ message: "Changed elsewhere.", status: 409, extra: { current: { id: 4 } } });
  expect(isTemporary(error)).toBe(false);
});

test("an answer that is not JSON still gives a readable message", async () => {
  fetchMock.mockResolvedValue(new Response("<h1>502</h1>", { status: 502 }));
  const error = await get("/x").catch((caught: unknown) => caught);
  expect((error as ApiError).message).toContain("The server failed");
  expect(isTemporary(error)).toBe(true);
});

test("no answer at all is a network error, worth another try", async () => {
  fetchMock.mockRejectedValue(new TypeError("Failed to fetch"));
  const error = await get("/x").catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(NetworkError);
  expect(isTemporary(error)).toBe(true);
});

test("a list is read paged or bare", async () => {
  fetchMock.mockResolvedValueOnce(answer(200, { count: 1, results: [1] })).mockResolvedValueOnce(answer(200, [2]));
  expect(await list("/a")).toEqual([1]);
  expect(await list("/b")).toEqual([2]);
});
