import { expect, test } from "vitest";
import { colourOf } from "./modelView";

test("the colour scale goes from dark blue to yellow, ever lighter", () => {
  expect(colourOf(0)).toEqual([0, 34, 78]);
  expect(colourOf(1)).toEqual([254, 232, 56]);
  const light = [0, 0.2, 0.4, 0.6, 0.8, 1].map((share) => colourOf(share).reduce((sum, channel, place) => sum + channel * [0.3, 0.59, 0.11][place]!, 0));
  expect([...light].sort((one, other) => one - other)).toEqual(light);
});

test("a probability outside its range has the colour of the end", () => {
  expect(colourOf(-3)).toEqual(colourOf(0));
  expect(colourOf(7)).toEqual(colourOf(1));
});
