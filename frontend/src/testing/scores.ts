import type { ScorePayload } from "../payload";

export function fakeScore(changes: Partial<ScorePayload> = {}): ScorePayload {
  return {
    id: 1, slide: 7, state: "done", progress: 1, message: "", positive: 279, negative: 1005, cells: 1284, ratio: 279 / 1284,
    interval: [0.195, 0.2405], slide_interval: null, reader: null, enough_cells: true, least_cells: 500, grade: "G3", grade_note: "The 95 % interval (19.5–24.1 %) spans the 20 % cut-off.",
    sensitivity: [{ dab_threshold: 0.2, ratio: 0.239 }, { dab_threshold: 0.25, ratio: 0.217 }, { dab_threshold: 0.3, ratio: 0.188 }],
    parameters: {}, calibrated_on: 8, ...changes,
  };
}
