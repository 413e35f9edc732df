import { afterEach, beforeEach, expect, test, vi } from "vitest";
import template from "../../templates/annotation/label.html?raw";
import { LabelDesk } from "./labelDesk";
import type { LabellingPayload, LabelValue } from "./payload";
import { fakeSlide } from "./testing/fakes";
import { withoutDjango } from "./testing/template";

const fetchMock = vi.fn<typeof fetch>();
let nextId = 100;
let desk: LabelDesk;

/** A 3 × 1 grid whose middle patch has too little tissue. */
function labelling(labels: (LabelValue | null)[] = [null, null, null], can_label = true): LabellingPayload {
  return {
    slide: fakeSlide(),
    grid: { columns: 3, rows: 1, size_l0: 2240, otsu_threshold: 200, target_mpp: 0.25, patch_px: 2240, resampled: false, note: "" },
    patches: labels.map((label, column) => ({
      id: column + 1, column, row: 0, x: column * 2240, y: 0, size: 2240, tissue_share: column === 1 ? 0 : 1,
      offered: column !== 1, label, label_id: label ? column + 50 : null,
    })),
    counts: { tumor: 0, normal: 0, unsure: 0, exclude: 0, left: 2, total: 2 },
    can_label,
    reader: "ann",
    label_url: "/api/v1/patches/{id}/label/",
  };
}

const text = (selector: string): string => document.querySelector(selector)!.textContent!.trim();
const hidden = (selector: string): boolean => !!document.querySelector<HTMLElement>(selector)!.hidden;
const sent = () => fetchMock.mock.calls.map(([url, init]) => [url, (JSON.parse(init!.body as string) as { value: unknown }).value]);

beforeEach(() => {
  document.body.innerHTML = withoutDjango(template);
  history.replaceState(null, "", "#");
  vi.stubGlobal("fetch", fetchMock);
  fetchMock.mockReset().mockImplementation((_url, init) => {
    const { value } = JSON.parse(init!.body as string) as { value: LabelValue | null };
    return Promise.resolve(new Response(JSON.stringify({ id: (nextId += 1), value })));
  });
});
afterEach(() => {
  desk.stage.viewer.destroy();
  vi.unstubAllGlobals();
});

test("a key labels, is counted at once, and the next patch with tissue comes", () => {
  desk = new LabelDesk(labelling());
  expect(desk.current!.id).toBe(1);
  desk.label("tumor", "key");
  expect(desk.current!.id).toBe(3);
  expect(text("[data-count=tumor] dd")).toBe("1");
  expect(text("#progress-count")).toBe("1");
  expect(text("#progress-total")).toBe("2");
  expect(sent()).toEqual([["/api/v1/patches/1/label/", "tumor"]]);
});

test("undo goes back to the patch and withdraws its label, redo says it again", async () => {
  desk = new LabelDesk(labelling());
  desk.label("normal", "key");
  desk.undo("key");
  expect(desk.current!.id).toBe(1);
  expect(desk.store.value(1)).toBeNull();
  desk.redo("key");
  await vi.waitFor(() => expect(sent().map(([, value]) => value)).toEqual(["normal", null, "normal"]));
});

test("arrows and skip move without a label", () => {
  desk = new LabelDesk(labelling());
  desk.step(1);
  expect(desk.current!.id).toBe(3);
  desk.skip();
  expect(desk.current!.id).toBe(1);
  expect(fetchMock).not.toHaveBeenCalled();
});

test("the last label ends the slide, and undo opens it again", () => {
  desk = new LabelDesk(labelling(["tumor", null, null]));
  expect(desk.current!.id).toBe(3);
  desk.label("unsure", "mouse");
  expect(hidden("#finished")).toBe(false);
  desk.undo("mouse");
  expect(hidden("#finished")).toBe(true);
});

test("who may not label can look but nothing is written", () => {
  desk = new LabelDesk(labelling(undefined, false));
  desk.label("tumor", "key");
  desk.undo("key");
  expect(desk.store.value(1)).toBeNull();
  expect(fetchMock).not.toHaveBeenCalled();
  expect([...document.querySelectorAll<HTMLButtonElement>("[data-label-key]")].every((button) => button.disabled)).toBe(true);
});

test("a conflict is shown with both values until the reader settles it", async () => {
  fetchMock.mockImplementationOnce(() =>
    Promise.resolve(new Response(JSON.stringify({ message: "Changed.", extra: { current: { id: 70, value: "normal" } } }), { status: 409 })),
  );
  desk = new LabelDesk(labelling());
  desk.label("tumor", "key");
  await vi.waitFor(() => expect(hidden("#conflict")).toBe(false));
  expect(text("#conflict-text")).toContain("Normal");
  expect(text("#conflict-text")).toContain("Tumour");
  desk.resolve("theirs");
  expect(hidden("#conflict")).toBe(true);
  expect(desk.store.value(1)).toBe("normal");
});

test("in the grid a label key only leads back to the patch", () => {
  desk = new LabelDesk(labelling());
  desk.toggleGrid();
  expect(document.querySelector<HTMLElement>("#label-desk")!.dataset.mode).toBe("grid");
  desk.label("tumor", "key");
  expect(document.querySelector<HTMLElement>("#label-desk")!.dataset.mode).toBe("patch");
  expect(fetchMock).not.toHaveBeenCalled();
});

test("an address that names a patch opens it", () => {
  history.replaceState(null, "", "#patch=3");
  desk = new LabelDesk(labelling());
  expect(desk.current!.id).toBe(3);
});

test("a slide without patches shows an empty desk", () => {
  desk = new LabelDesk({ ...labelling(), patches: [] });
  expect(desk.current).toBeNull();
  expect(text("#progress-total")).toBe("0");
  expect(hidden("#finished")).toBe(true);
});
