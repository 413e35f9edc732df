import { expect, test } from "vitest";
import { axisEnd, differenceRow, gradeText, lineageBox, ratioBox, ratioDetails, sensitivityTable } from "./scorePanel";
import { fakeSlide } from "./testing/fakes";
import { fakeScore } from "./testing/scores";

const real = fakeScore();
const synthetic = fakeScore({ id: 2, ratio: 0.2062, cells: 1251, interval: [0.184, 0.229], grade: "G3", grade_note: "" });

test("a ratio comes with its number of cells and its interval", () => {
  expect(ratioDetails(real)).toBe("of 1,284 cells · 95 % 19.5–24.1");
  const box = ratioBox({ real, synthetic }, { ki67: true, hasReal: true });
  expect(box.querySelector("h3")!.textContent).toBe("Ki-67 index, whole slide");
  expect([...box.querySelectorAll(".ratio")].map((ratio) => ratio.textContent)).toEqual(["21.7\u202f%", "20.6\u202f%"]);
  expect(box.querySelectorAll("u")).toHaveLength(4);
});

test("the difference is in points and only between counts of the same calibration", () => {
  expect(differenceRow({ real, synthetic }).textContent).toContain("−1.1 points");
  const other = fakeScore({ calibrated_on: 99 });
  expect(differenceRow({ real, synthetic: other }).textContent).toContain("different calibrations");
  expect(differenceRow({ real, synthetic: null }).textContent).toContain("–");
});

test("another stain has neither Ki-67 words nor cut-offs", () => {
  const box = ratioBox({ real: null, synthetic }, { ki67: false, hasReal: false });
  expect(box.textContent).not.toContain("Ki-67");
  expect(box.textContent).not.toContain("Real");
  expect(box.querySelectorAll("u")).toHaveLength(0);
});

test("without cells there is no ratio, not zero", () => {
  const empty = fakeScore({ ratio: null, cells: 0, interval: null });
  expect(ratioBox({ real: null, synthetic: empty }, { ki67: true, hasReal: false }).textContent).toContain("no ratio");
});

test("a failed count shows its reason and a running one its progress", () => {
  const box = ratioBox(
    { real: fakeScore({ state: "failed", ratio: null, message: "The file is gone." }), synthetic: fakeScore({ state: "running", progress: 0.25, ratio: null }) },
    { ki67: true, hasReal: true },
  );
  expect(box.textContent).toContain("The file is gone.");
  expect(box.textContent).toContain("counting, 25\u202f%");
});

test("what the counter warns of stands by its number", () => {
  const doubtful = fakeScore({ message: "Look at the cells before trusting the ratio." });
  const box = ratioBox({ real: null, synthetic: doubtful }, { ki67: true, hasReal: false });
  expect(box.querySelector("details")!.textContent).toContain("Look at the cells");
});

test("the axis ends at a round number above the widest interval", () => {
  expect(axisEnd([real, synthetic])).toBe(0.5);
  expect(axisEnd([fakeScore({ interval: [0.01, 0.04] })])).toBe(0.1);
  expect(axisEnd([fakeScore({ interval: [0.5, 0.6] })])).toBe(1);
  expect(axisEnd([null, null])).toBe(0.1);
});

test("grades are named for whom they hold", () => {
  expect(gradeText("G3", "G3")).toBe("G3, real and synthetic");
  expect(gradeText("G3", "G2")).toBe("G3 real, G2 synthetic");
  expect(gradeText(null, "G2")).toBe("G2 synthetic");
});

test("the ratio at other thresholds stands side by side", () => {
  const rows = [...sensitivityTable({ real, synthetic }, true)!.querySelectorAll("tbody tr")];
  expect(rows.map((row) => row.textContent)).toEqual(["0.2, the fixed one23.9\u202f%23.9\u202f%", "0.2521.7\u202f%21.7\u202f%", "0.318.8\u202f%18.8\u202f%"]);
  expect(sensitivityTable({ real: null, synthetic: null }, true)).toBeNull();
});

test("a model without independent validation says so", () => {
  const lineage = { run: 12, epoch: 87, dataset: "set 5", independent_validation: false, generator_sha256: "ab".repeat(32) };
  const box = lineageBox({ lineage, synthetic: fakeSlide({ mpp: 0.5 }) });
  expect(box.textContent).toContain("12, epoch 87");
  expect(box.textContent).toContain("No independent validation");
});
