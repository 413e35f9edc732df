import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Scoring, type Scores } from "./scoring";
import { fakeSlide } from "./testing/fakes";
import { fakeScore } from "./testing/scores";

const fetchMock = vi.fn<typeof fetch>();
const seen: Scores[] = [];
const answer = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
const slides = { real: fakeSlide({ id: 8 }), synthetic: fakeSlide({ id: 9, synthetic: true }) };
const scoring = (scores: Scores = { real: null, synthetic: null }): Scoring =>
  new Scoring(slides, "/api/v1/scores/", scores, (now) => seen.push(now));

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", fetchMock);
  fetchMock.mockReset();
  seen.length = 0;
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("both slides are counted together and followed until both are done", async () => {
  fetchMock
    .mockResolvedValueOnce(answer(fakeScore({ id: 2, state: "queued" }), 201))
    .mockResolvedValueOnce(answer({ results: [fakeScore({ id: 1, state: "running", progress: 0.5 })] }))
    .mockResolvedValueOnce(answer(fakeScore({ id: 1 })))
    .mockResolvedValueOnce(answer(fakeScore({ id: 2, state: "running" })))
    .mockResolvedValueOnce(answer(fakeScore({ id: 2 })));
  expect(await scoring().count()).toBe("");
  expect(JSON.parse(fetchMock.mock.calls[0]![1]!.body as string)).toEqual({ slide: 9, pair: true });
  await vi.advanceTimersByTimeAsync(1500);
  expect(seen.at(-1)!.real!.state).toBe("done");
  await vi.advanceTimersByTimeAsync(1500);
  expect(seen.at(-1)!.synthetic!.state).toBe("done");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(fetchMock).toHaveBeenCalledTimes(5);
});

test("a count that was under way when the page was opened is followed", async () => {
  fetchMock.mockResolvedValueOnce(answer(fakeScore()));
  scoring({ real: null, synthetic: fakeScore({ state: "running" }) }).begin();
  await vi.advanceTimersByTimeAsync(1500);
  expect(seen.map((scores) => scores.synthetic!.state)).toEqual(["running", "done"]);
});

test("a refusal is told in the server's words and changes nothing", async () => {
  fetchMock.mockResolvedValueOnce(answer({ message: "The slide has no mpp." }, 400));
  expect(await scoring().count()).toBe("The slide has no mpp.");
  expect(seen).toEqual([]);
});
