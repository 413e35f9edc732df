import { expect, test } from "vitest";
import { grouped, shortNumber } from "./metrics";

test("losses and validation figures are drawn apart", () => {
  const series = { loss: [1], cycle_loss: [1], validation_loss: [1], balanced_error: [0.2] };
  expect(grouped({ epochs: [1], series })).toEqual({
    losses: ["loss", "cycle_loss"],
    validation: ["validation_loss", "balanced_error"],
  });
});

test.each([
  [null, "–"],
  [0, "0"],
  [12, "12"],
  [0.083333, "0.08333"],
  [0.00001, "1.00e-5"],
  [123456.7, "1.23e+5"],
])("%s is written %s", (value, text) => {
  expect(shortNumber(value)).toBe(text);
});
