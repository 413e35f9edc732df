import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ReviewEntry } from "./payload";
import { bindVerdict } from "./verdictForm";

const fetchMock = vi.fn<typeof fetch>();
const entry: ReviewEntry = {
  reader: "cli", verdict: "usable", verdict_name: "usable", comment: "Good <b>nuclei</b>.", created_at: "2026-11-20T10:00:00Z",
};
let form: HTMLFormElement;

beforeEach(() => {
  vi.stubGlobal("fetch", fetchMock);
  fetchMock.mockReset();
  document.body.innerHTML = `<form id="f"><input type="radio" name="verdict" value="usable" id="verdict-usable">
    <textarea></textarea><p id="verdict-error"></p><p id="verdict-done"></p><button id="sign">Sign</button></form>
    <div id="earlier-verdicts"></div>`;
  form = document.querySelector("form")!;
});
afterEach(() => vi.unstubAllGlobals());
const submit = (): boolean => form.dispatchEvent(new Event("submit", { cancelable: true }));
const text = (selector: string): string => document.querySelector(selector)!.textContent!;

test("a verdict is signed with its comment and stands first among the earlier ones", async () => {
  fetchMock.mockResolvedValue(new Response(JSON.stringify(entry), { status: 201 }));
  bindVerdict(form, 9, "/api/v1/reviews/", []);
  expect(text("#earlier-verdicts")).toContain("None yet");
  form.querySelector<HTMLInputElement>("#verdict-usable")!.checked = true;
  form.querySelector("textarea")!.value = "  Good <b>nuclei</b>. ";
  submit();
  await vi.waitFor(() => expect(text("#verdict-done")).toBe("Signed."));
  expect(JSON.parse(fetchMock.mock.calls[0]![1]!.body as string)).toEqual({ slide: 9, verdict: "usable", comment: "Good <b>nuclei</b>." });
  expect(text("#earlier-verdicts")).toContain("Good <b>nuclei</b>.");
  expect(document.querySelector("#earlier-verdicts b b")).toBeNull();
  expect(form.querySelector("textarea")!.value).toBe("");
});

test("without a choice nothing is sent", () => {
  bindVerdict(form, 9, "/api/v1/reviews/", []);
  submit();
  expect(text("#verdict-error")).toBe("Choose a verdict first.");
  expect(fetchMock).not.toHaveBeenCalled();
});

test("a refusal keeps what was written", async () => {
  fetchMock.mockResolvedValue(new Response(JSON.stringify({ message: "The slide was withdrawn." }), { status: 409 }));
  bindVerdict(form, 9, "/api/v1/reviews/", [entry]);
  form.querySelector<HTMLInputElement>("#verdict-usable")!.checked = true;
  form.querySelector("textarea")!.value = "long comment";
  submit();
  await vi.waitFor(() => expect(text("#verdict-error")).toBe("The slide was withdrawn."));
  expect(form.querySelector("textarea")!.value).toBe("long comment");
  expect(form.querySelector<HTMLButtonElement>("#sign")!.disabled).toBe(false);
});
