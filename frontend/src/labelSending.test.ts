import { afterEach, expect, test, vi } from "vitest";
import { sendingTo } from "./labelSending";
import type { LabelEntry } from "./outbox";

const entry = (writes: LabelEntry["writes"], changes: Partial<LabelEntry> = {}): LabelEntry => ({
  kind: "label", uuid: "entry", reader: "ann", slide: 7, act: "label", step: null, route: "key", milliseconds: 640,
  order: "position", decided_at: "2026-11-23T10:00:00.000Z", writes, ...changes,
});
const write = (patch: number) => ({ patch, value: "tumor" as const, uuid: `u${patch}`, seen: null });
const asked = vi.fn<typeof fetch>();
const sent = () => asked.mock.calls.map(([url, init]) => [init!.method, url, JSON.parse(init!.body as string) as unknown]);
afterEach(() => {
  vi.unstubAllGlobals();
  asked.mockReset();
});

test("a label alone goes to its patch with all that is known of it", async () => {
  vi.stubGlobal("fetch", asked.mockResolvedValue(new Response(JSON.stringify({ id: 5, patch: 3, value: "tumor" }))));
  expect(await sendingTo("/patches/{id}/label/")(entry([write(3)]))).toEqual([{ id: 5, patch: 3, value: "tumor" }]);
  expect(sent()).toEqual([
    ["PUT", "/patches/3/label/", {
      value: "tumor", uuid: "u3", seen: null, act: "label", step: null, route: "key", milliseconds: 640, order: "position",
      decided_at: "2026-11-23T10:00:00.000Z",
    }],
  ]);
});

test("a step goes to the slide in one request", async () => {
  vi.stubGlobal("fetch", asked.mockResolvedValue(new Response(JSON.stringify({ labels: [] }))));
  await sendingTo("")(entry([write(3), { ...write(4), seen: { after: "lost" } }], { step: "s" }));
  const [[method, url, body]] = sent() as [[string, string, { step: string; writes: unknown[] }]];
  expect([method, url, body.step]).toEqual(["PUT", "/api/v1/slides/7/labels/", "s"]);
  expect(body.writes).toEqual([write(3), write(4)]);
});

test("a remark goes to its patch", async () => {
  vi.stubGlobal("fetch", asked.mockResolvedValue(new Response("{}")));
  await sendingTo("")({ kind: "remark", uuid: "r", reader: "ann", slide: 7, patch: 3, remark: "comment", text: "odd" });
  expect(sent()).toEqual([["POST", "/api/v1/patches/3/remarks/", { uuid: "r", kind: "comment", text: "odd" }]]);
});
