import { expect, test } from "vitest";
import type { RunPayload } from "./runPayload";
import { columnsOf, epochText, lasted, pillText, pillTone, reportFacts, timeLeft } from "./runText";

const run = {
  status: "running",
  status_name: "running",
  worker: "gpu@one",
  heartbeat_seconds_ago: 2.2,
  silent: false,
  cancelling: false,
  progress: { epoch: 64, epochs: 100, message: "training", seconds_left: 4320 },
} as RunPayload;

test("the pill says where a run is and that it lives", () => {
  expect(pillText(run)).toBe("Running on gpu@one · heartbeat 2 s ago");
  expect(pillTone(run)).toBe("ok");
});

test("a silent run is no running run", () => {
  expect(pillText({ ...run, silent: true })).toBe("No sign of its worker");
  expect(pillTone({ ...run, silent: true })).toBe("warn");
});

test("a run that is over says how it ended", () => {
  expect(pillText({ ...run, status: "failed", status_name: "failed" })).toBe("Failed");
  expect(pillTone({ ...run, status: "failed" })).toBe("error");
});

test("progress names epoch and time left", () => {
  expect(epochText(run)).toBe("epoch 64 of 100");
  expect(timeLeft(run)).toBe("about 72 min left");
  expect(timeLeft({ ...run, status: "succeeded" })).toBe("");
});

test.each([
  [4.4, "4 s"],
  [185, "3 min 5 s"],
  [4320, "1 h 12 min"],
])("%s seconds are %s", (seconds, text) => {
  expect(lasted(seconds)).toBe(text);
});

test("a report is shown one level deep", () => {
  expect(reportFacts({ tiles: 9, seam: { ratio: 1.0312345 }, long: [1, 2], note: "drawn" })).toEqual([
    ["tiles", "9"],
    ["seam · ratio", "1.031"],
    ["note", "drawn"],
  ]);
});

test("figures of validation come before losses, three at most", () => {
  const metrics = { loss_g: 1, loss_d: 1, stain_distance: 0.1, class_consistency: 0.9, inverted: false };
  expect(columnsOf([{ epoch: 1, sha256: "", size_bytes: 1, best: true, metrics }])).toEqual([
    "stain_distance",
    "class_consistency",
    "loss_g",
  ]);
});
