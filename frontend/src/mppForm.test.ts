import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { bindMppForms } from "./mppForm";

const fetchMock = vi.fn<typeof fetch>();
beforeEach(() => {
  vi.stubGlobal("fetch", fetchMock);
  fetchMock.mockReset();
  document.body.innerHTML = `<form data-supply-mpp="7"><input name="mpp"><button>Supply</button><p class="field-error"></p></form>`;
  bindMppForms();
});
afterEach(() => vi.unstubAllGlobals());

function supply(value: string): void {
  document.querySelector("input")!.value = value;
  document.querySelector("form")!.dispatchEvent(new Event("submit", { cancelable: true }));
}

test("a resolution is sent as a number, with a comma as well as with a point", async () => {
  fetchMock.mockImplementation(() => Promise.resolve(new Response(JSON.stringify({ message: "refused" }), { status: 400 })));
  supply("0,25");
  await vi.waitFor(() => expect(fetchMock).toHaveBeenCalledTimes(1));
  expect(fetchMock.mock.calls[0]![0]).toBe("/api/v1/slides/7/mpp/");
  expect(fetchMock.mock.calls[0]![1]!.body).toBe('{"mpp":0.25}');
});

test("a refusal is shown by the field and can be corrected", async () => {
  fetchMock.mockImplementation(() => Promise.resolve(new Response(JSON.stringify({ message: "Expected 0.05 to 20." }), { status: 400 })));
  supply("-3");
  await vi.waitFor(() => expect(document.querySelector(".field-error")!.textContent).toBe("Expected 0.05 to 20."));
  expect(document.querySelector("button")!.disabled).toBe(false);
});
