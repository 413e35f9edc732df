import { afterEach, beforeEach, expect, test, vi } from "vitest";
import template from "../../templates/annotation/label.html?raw";
import { LabelDesk } from "./labelDesk";
import type { LabellingPayload, LabelValue } from "./payload";
import { fakeLabelling } from "./testing/patches";
import { withoutDjango } from "./testing/template";

const fetchMock = vi.fn<typeof fetch>();
let nextId = 100;
let desk: LabelDesk;

const labelling = (labels?: (LabelValue | null)[], can_label = true): LabellingPayload => fakeLabelling(labels, { can_label, can_overrule: can_label });

const text = (selector: string): string => document.querySelector(selector)!.textContent!.trim();
const hidden = (selector: string): boolean => !!document.querySelector<HTMLElement>(selector)!.hidden;
const sent = () => fetchMock.mock.calls.map(([url, init]) => [url, (JSON.parse(init!.body as string) as { value: unknown }).value]);

beforeEach(() => {
  document.body.innerHTML = withoutDjango(template);
  history.replaceState(null, "", "#");
  vi.stubGlobal("fetch", fetchMock);
  fetchMock.mockReset().mockImplementation((_url, init) => {
    const { value, writes } = JSON.parse(init!.body as string) as { value: LabelValue | null; writes?: { patch: number; value: LabelValue }[] };
    const labels = writes?.map((write) => ({ ...write, id: (nextId += 1) }));
    return Promise.resolve(new Response(JSON.stringify({ id: (nextId += 1), patch: 1, value, labels })));
  });
});
afterEach(async () => {
  // A desk that is still sending would write into the next test's page.
  await vi.waitFor(() => expect(desk.store.unsaved).toBe(0));
  desk.stage.viewer.destroy();
  vi.unstubAllGlobals();
});

test("a key labels, is counted at once, and the next patch with tissue comes", async () => {
  desk = new LabelDesk(labelling());
  expect(desk.current!.id).toBe(1);
  desk.label("tumor", "key");
  expect(desk.current!.id).toBe(3);
  expect(text("[data-count=tumor] dd")).toBe("1");
  expect(text("#progress-count")).toBe("1");
  expect(text("#progress-total")).toBe("2");
  await vi.waitFor(() => expect(sent()).toEqual([["/api/v1/patches/1/label/", "tumor"]]));
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

test("in the grid a key labels all that is selected, and one undo takes it back", async () => {
  desk = new LabelDesk(labelling());
  desk.toggleGrid();
  desk.selectAll();
  expect(text("#selected-count")).toBe("2 selected");
  desk.label("normal", "key");
  expect([1, 2, 3].map((patch) => desk.store.value(patch))).toEqual(["normal", null, "normal"]);
  expect(hidden("#grid-selected")).toBe(true);
  await vi.waitFor(() => expect(fetchMock).toHaveBeenCalled());
  expect(fetchMock.mock.calls[0]![0]).toBe("/api/v1/slides/7/labels/");
  desk.undo("key");
  expect([1, 3].map((patch) => desk.store.value(patch))).toEqual([null, null]);
});

test("a state that is filtered away is not selected", () => {
  desk = new LabelDesk(labelling(["tumor", null, null]));
  desk.toggleGrid();
  document.querySelector<HTMLButtonElement>("[data-filter=tumor]")!.click();
  desk.selectAll();
  expect(text("#selected-count")).toBe("1 selected");
  desk.leave();
  expect(hidden("#grid-selected")).toBe(true);
  expect(document.querySelector<HTMLElement>("#label-desk")!.dataset.mode).toBe("grid");
});

test("a patch that the threshold dropped is brought in, comes in the order of the others, and goes by one undo", async () => {
  desk = new LabelDesk(labelling());
  desk.toggleGrid();
  desk.stage.selection.choose([{ id: 2 } as never]);
  desk.overrule();
  expect(text("#progress-total")).toBe("3");
  await vi.waitFor(() => expect(fetchMock).toHaveBeenCalled());
  const [url, init] = fetchMock.mock.calls[0]!;
  expect(url).toBe("/api/v1/slides/7/tissue/");
  expect(JSON.parse(init!.body as string)).toMatchObject({ patches: [2], offered: true, act: "overrule" });
  desk.toggleGrid();
  desk.step(1);
  expect(desk.current!.id).toBe(2);
  desk.undo("key");
  expect(text("#progress-total")).toBe("2");
  expect(desk.current!.id).toBe(3);
});

test("a patch that is left out is not asked about, and the next one comes on stage", async () => {
  desk = new LabelDesk(labelling());
  desk.toggleGrid();
  desk.stage.selection.choose([{ id: 1 } as never]);
  desk.overrule();
  desk.toggleGrid();
  expect(text("#progress-total")).toBe("1");
  expect(desk.current!.id).toBe(3);
  expect(desk.stage.shown!.id).toBe(3);
});

test("a flag is painted at once and taken back by the same key", () => {
  desk = new LabelDesk(labelling());
  desk.flag();
  expect(hidden("#flagged")).toBe(false);
  desk.flag();
  expect(hidden("#flagged")).toBe(true);
});

test("patches come in the order that the server gives", () => {
  desk = new LabelDesk(fakeLabelling(undefined, { order: "random:4", queue: [3, 1] }));
  expect(desk.current!.id).toBe(3);
  desk.label("tumor", "key");
  expect(desk.current!.id).toBe(1);
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
