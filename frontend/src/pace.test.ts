import { expect, test } from "vitest";
import { Pace } from "./pace";

test("there is no estimate before three decisions", () => {
  const pace = new Pace();
  pace.add(2000);
  pace.add(2000);
  expect(pace.secondsFor(100)).toBeNull();
});

test("the median forgets a pause", () => {
  const pace = new Pace();
  for (const milliseconds of [2000, 4000, 900_000]) pace.add(milliseconds);
  expect(pace.secondsFor(10)).toBe(40);
  pace.add(2000);
  expect(pace.secondsFor(10)).toBe(30);
});

test("only the last thirty decisions count", () => {
  const pace = new Pace();
  for (let decision = 0; decision < 30; decision += 1) pace.add(60_000);
  for (let decision = 0; decision < 30; decision += 1) pace.add(1000);
  expect(pace.secondsFor(60)).toBe(60);
});
