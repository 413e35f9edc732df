import { afterEach, beforeEach, expect, test, vi } from "vitest";
import template from "../../templates/review/review.html?raw";
import type { Draft, ReviewEntry } from "./payload";
import { fakeReview } from "./testing/reviews";
import { withoutDjango } from "./testing/template";
import { VerdictForm, type VerdictContext } from "./verdictForm";

const fetchMock = vi.fn<typeof fetch>();
const draft: Draft = { verdict: "minor_flaws", reasons: ["seams"], confidence: 4, pins: [{ x: 1, y: 2, kind: "lost", note: "" }], window: null, comment: "So far", revision: 3, updated_at: "2026-11-20T10:00:00Z" };
const entry: ReviewEntry = { ...draft, id: 5, verdict: "usable", reader: "cli", verdict_name: "usable", comment: "Good <b>nuclei</b>.", round: 1, created_at: "2026-11-20T10:00:00Z", reopened: null };
const onPins = vi.fn();
const answer = (data: unknown, status = 200) => Promise.resolve(new Response(JSON.stringify(data), { status }));
const sent = (call: number): Record<string, unknown> => JSON.parse(fetchMock.mock.calls[call]![1]!.body as string) as Record<string, unknown>;
const text = (selector: string): string => document.querySelector(selector)!.textContent!;
const hidden = (selector: string): boolean => Boolean(document.querySelector<HTMLElement>(selector)!.hidden);

function open(changes: Partial<VerdictContext> = {}): VerdictForm {
  const { reasons, pin_kinds: pinKinds } = fakeReview();
  return new VerdictForm(document.querySelector<HTMLFormElement>("#verdict-form")!, {
    slideId: 9, reviewsUrl: "/api/v1/reviews/", earlier: [], draft: null, standing: null, reasons, pinKinds, window: () => null, onPins, ...changes,
  });
}
const choose = (selector: string): void => {
  const input = document.querySelector<HTMLInputElement>(selector)!;
  input.checked = true;
  input.dispatchEvent(new Event("input", { bubbles: true }));
};

beforeEach(() => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  vi.stubGlobal("fetch", fetchMock);
  fetchMock.mockReset();
  onPins.mockReset();
  document.body.innerHTML = withoutDjango(template);
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test("a verdict is signed with all that was said, once, and stands first among the earlier ones", async () => {
  fetchMock.mockImplementation(() => answer(entry, 201));
  const form = open();
  expect(text("#earlier-verdicts")).toContain("None yet");
  document.querySelector<HTMLInputElement>("#verdict-usable")!.checked = true;
  document.querySelector<HTMLInputElement>("input[value=seams]")!.checked = true;
  document.querySelector<HTMLInputElement>("input[name=confidence][value='4']")!.checked = true;
  document.querySelector("textarea")!.value = "  Good <b>nuclei</b>. ";
  await form.sign();
  expect(sent(0)).toEqual({
    slide: 9, uuid: expect.any(String), verdict: "usable", reasons: ["seams"], confidence: 4, pins: [], window: null, comment: "Good <b>nuclei</b>.",
  });
  expect(text("#verdict-done")).toBe("Signed.");
  expect(text("#earlier-verdicts")).toContain("Good <b>nuclei</b>.");
  expect(document.querySelector("#earlier-verdicts b b")).toBeNull();
  expect([hidden("#verdict-fields"), hidden("#verdict-standing")]).toEqual([true, false]);
});

test("without a choice nothing is sent", async () => {
  await open().sign();
  expect(text("#verdict-error")).toBe("Choose a verdict first.");
  expect(fetchMock).not.toHaveBeenCalled();
});

test("a refusal keeps what was written, and a lost answer is asked for again under the same name", async () => {
  const form = open();
  document.querySelector<HTMLInputElement>("#verdict-usable")!.checked = true;
  document.querySelector("textarea")!.value = "long comment";
  fetchMock.mockRejectedValueOnce(new TypeError("cable"));
  await form.sign();
  fetchMock.mockImplementationOnce(() => answer({ message: "The slide was withdrawn." }, 409));
  await form.sign();
  expect(text("#verdict-error")).toBe("The slide was withdrawn.");
  expect(document.querySelector("textarea")!.value).toBe("long comment");
  expect(sent(1).uuid).toBe(sent(0).uuid);
  fetchMock.mockImplementationOnce(() => answer(entry, 201));
  await form.sign();
  expect(sent(2).uuid).not.toBe(sent(1).uuid);
});

test("what is written is saved as a draft, each revision after the other", async () => {
  open({ draft });
  expect(document.querySelector<HTMLInputElement>("#verdict-minor_flaws")!.checked).toBe(true);
  expect(document.querySelector<HTMLInputElement>("input[value=seams]")!.checked).toBe(true);
  fetchMock.mockImplementation(() => answer({ ...draft, revision: 4 }));
  choose("#verdict-usable");
  choose("input[value=lost_nuclei]");
  await vi.advanceTimersByTimeAsync(900);
  expect(fetchMock).toHaveBeenCalledTimes(1);
  expect(sent(0)).toMatchObject({ slide: 9, seen: 3, verdict: "usable", reasons: ["lost_nuclei", "seams"], confidence: 4, comment: "So far" });
  await vi.waitFor(() => expect(text("#draft-state")).toBe("Draft saved"));
  choose("#verdict-not_usable");
  await vi.advanceTimersByTimeAsync(900);
  expect(sent(1)).toMatchObject({ seen: 4, verdict: "not_usable" });
});

test("a draft that another window has changed says so", async () => {
  open({ draft });
  fetchMock.mockImplementation(() => answer({ message: "This draft was changed in another window." }, 409));
  choose("#verdict-usable");
  await vi.advanceTimersByTimeAsync(900);
  await vi.waitFor(() => expect(text("#draft-state")).toContain("changed in another window"));
});

test("pins are numbered, shown on the slide and can be taken away", async () => {
  fetchMock.mockImplementation(() => answer({ ...draft, revision: 4 }));
  const form = open({ draft });
  form.addPin(10.04, 20);
  expect(text("#pin-list")).toContain("2 · invented structure");
  expect(onPins).toHaveBeenLastCalledWith([draft.pins[0], { x: 10, y: 20, kind: "invented", note: "" }]);
  document.querySelector<HTMLButtonElement>("#pin-list button[aria-label='Remove pin 1']")!.click();
  expect(onPins).toHaveBeenLastCalledWith([{ x: 10, y: 20, kind: "invented", note: "" }]);
});

test("a signed verdict is reopened with a reason and becomes the draft", async () => {
  const form = open({ earlier: [{ ...entry }], standing: 5 });
  expect(hidden("#verdict-fields")).toBe(true);
  expect(form.canAddPins).toBe(false);
  await form.reopen("  ");
  expect(text("#reopen-error")).toContain("Say why");
  fetchMock.mockImplementation(() => answer({ ...entry, reopened: { by: "cli", reason: "Looked again.", created_at: entry.created_at } }, 201));
  await form.reopen("Looked again.");
  expect(sent(0)).toEqual({ reason: "Looked again." });
  expect([hidden("#verdict-fields"), hidden("#verdict-standing")]).toEqual([false, true]);
  expect(document.querySelector<HTMLInputElement>("#verdict-usable")!.checked).toBe(true);
  expect(text("#earlier-verdicts")).toContain("Looked again.");
});

test("a pin takes a note, and its name leads to its place", async () => {
  fetchMock.mockImplementation(() => answer({ ...draft, revision: 4 }));
  const onGoTo = vi.fn();
  open({ draft, onGoTo });
  document.querySelector<HTMLButtonElement>("#pin-list button")!.click();
  expect(onGoTo).toHaveBeenCalledWith({ x: 1, y: 2, kind: "lost", note: "" });
  const note = document.querySelector<HTMLInputElement>("#pin-list input")!;
  note.value = "A mitosis.";
  note.dispatchEvent(new Event("input", { bubbles: true }));
  await vi.advanceTimersByTimeAsync(1000);
  expect(sent(0).pins).toEqual([{ x: 1, y: 2, kind: "lost", note: "A mitosis." }]);
});

test("an earlier verdict tells its reasons, confidence and pins, and shows them on the slide", () => {
  open({ earlier: [{ ...entry, reader: "ada", pins: [{ x: 1, y: 2, kind: "lost", note: "<i>here</i>" }] }] });
  expect(text("#earlier-verdicts")).toContain("confidence 4 of 5");
  expect(text("#earlier-verdicts")).toContain("seams between tiles");
  expect(text("#earlier-verdicts li")).toBe("lost structure: <i>here</i>");
  document.querySelector<HTMLButtonElement>("#earlier-verdicts button")!.click();
  expect(onPins).toHaveBeenLastCalledWith([{ x: 1, y: 2, kind: "lost", note: "<i>here</i>" }]);
});
