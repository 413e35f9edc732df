import { expect, test } from "vitest";
import { about, area, bytes, count, length, magnification, percent, points } from "./format";
import { fill, gettext } from "./text";

test("shares are shown as per cent with a real minus sign", () => {
  expect(percent(0.21678)).toBe("21.7\u202f%");
  expect(percent(-0.004)).toBe("−0.4\u202f%");
  expect(percent(0.5, 0)).toBe("50\u202f%");
});

test("a difference carries its sign, and no sign when it rounds to nothing", () => {
  expect(points(0.011)).toBe("+1.1 points");
  expect(points(-0.011)).toBe("−1.1 points");
  expect(points(-0.0001)).toBe("0.0 points");
  expect(points(0.0001)).toBe("0.0 points");
});

test("lengths change to millimetres at a thousand micrometres", () => {
  expect(length(250)).toBe("250\u202fµm");
  expect(length(2000)).toBe("2\u202fmm");
});

test("sizes, counts, times and magnifications are rounded for reading", () => {
  expect(bytes(999)).toBe("999\u202fB");
  expect(bytes(1_234_567)).toBe("1.23\u202fMB");
  expect(count(75841)).toBe("75,841");
  expect(about(20)).toBe("less than a minute");
  expect(about(1900)).toBe("about 32 min");
  expect(about(9000)).toBe("about 2.5 h");
  expect(magnification(19.96)).toBe("20×");
  expect(magnification(1.26)).toBe("1.3×");
});

test("a phrase without translation is shown as it is, its places filled", () => {
  expect(fill(gettext("{n} of {total} patches, {other}"), { n: 3, total: 9 })).toBe("3 of 9 patches, {other}");
});

test("areas are in square millimetres, tiny ones in square micrometres", () => {
  expect(area(0.43219)).toBe("0.432\u202fmm²");
  expect(area(0.0025)).toBe("2500\u202fµm²");
});
