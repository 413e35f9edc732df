import { beforeEach, expect, test, vi } from "vitest";
import template from "../../templates/review/study.html?raw";
import type { post } from "./api";
import { StudyDesk } from "./studyDesk";
import { withoutDjango } from "./testing/template";

const send = vi.fn();
let clock = 1000;
const payload = { study: 3, total: 4, left: ["aa", "bb"], field_um: 224, answers_url: "/api/v1/studies/3/answers/", picture_url: "/studies/fields/{code}.jpg" };
const open = (left = payload.left): StudyDesk => new StudyDesk({ ...payload, left }, send as unknown as typeof post, () => clock);
const picture = (): HTMLImageElement => document.querySelector("#study-picture")!;

beforeEach(() => {
  send.mockReset().mockResolvedValue({});
  clock = 1000;
  document.body.innerHTML = withoutDjango(template);
});

test("a field is answered with confidence and the time since it was shown", async () => {
  const desk = open();
  expect(document.querySelector("#study-progress")!.textContent).toBe("Field 3 of 4, 224 µm wide");
  expect(picture().getAttribute("src")).toBe("/studies/fields/aa.jpg");
  picture().dispatchEvent(new Event("load"));
  clock += 2500;
  desk.choose(true);
  await desk.answer(4);
  expect(send).toHaveBeenCalledWith("/api/v1/studies/3/answers/", { code: "aa", says_synthetic: true, confidence: 4, milliseconds: 2500 });
  expect(picture().getAttribute("src")).toBe("/studies/fields/bb.jpg");
});

test("a confidence without a choice sends nothing", async () => {
  await open().answer(3);
  expect(send).not.toHaveBeenCalled();
});

test("a refusal keeps the field on the screen", async () => {
  send.mockRejectedValue(new Error("The study takes no answers any more."));
  const desk = open();
  desk.choose(false);
  await desk.answer(2);
  expect(document.querySelector("#study-error")!.textContent).toContain("no answers any more");
  expect(picture().getAttribute("src")).toBe("/studies/fields/aa.jpg");
});

test("after the last field the page says so", async () => {
  const desk = open(["bb"]);
  desk.choose(false);
  await desk.answer(5);
  expect(document.querySelector<HTMLElement>("#study-done")!.hidden).toBe(false);
  expect(document.querySelector<HTMLElement>("#study-desk")!.hidden).toBe(true);
});
