import { expect, test, vi } from "vitest";
import { PartPanel, type ShownPart } from "./partPanel";
import type { ExtentCounts, PartSide, Tally, WindowCounts } from "./payload";
import { fakeReview } from "./testing/reviews";

const tally = (positive: number, cells: number, edits = 0): Tally => ({ positive, negative: cells - positive, cells, ratio: cells ? positive / cells : null, interval: cells ? [0.1, 0.3] : null, edits });
const side = (reader: Tally, machine = reader): PartSide => ({ score: 1, machine, reader, enough_cells: true, grade: "G2", grade_note: "" });
const corners = [[0, 0], [10, 0], [10, 10]] as const;
const window: WindowCounts = { x: 100, y: 80, side_um: 50, note: "", real: { ...side(tally(20, 100)), corners }, synthetic: { ...side(tally(25, 100)), corners } };
const region: ExtentCounts = { extent: "region", name: "Drawn region", outlines: [corners], area_mm2: 0.4321, note: "", real: { ...side(tally(20, 100)), outlines: [corners] }, synthetic: { ...side(tally(30, 101, 1), tally(29, 100)), outlines: [corners] } };

function open(answers: unknown[]): { panel: PartPanel; asked: string[]; shown: (ShownPart | null)[] } {
  const [asked, shown]: [string[], (ShownPart | null)[]] = [[], []];
  const fetchJson = vi.fn(async (url: string) => {
    asked.push(url);
    const next = answers.shift();
    if (next instanceof Error) throw next;
    return next;
  });
  const panel = new PartPanel(fakeReview(), () => ({ x: 7, y: 8 }), (part) => shown.push(part), fetchJson as never);
  return { panel, asked, shown };
}
const text = (panel: PartPanel): string => panel.element.textContent!;

test("a window is outlined on every slide and kept as the place of the verdict", async () => {
  const { panel, shown } = open([window]);
  await panel.moveTo({ x: 100, y: 80, side_um: 50 }, false);
  expect(panel.place).toEqual({ x: 100, y: 80, side_um: 50 });
  // 50 µm at 0.5 µm/px are 100 px.
  expect(shown[0]!.outlines.source).toEqual([[[50, 30], [150, 30], [150, 130], [50, 130]]]);
  expect(shown[0]!.outlines.real).toEqual([corners]);
  expect(text(panel)).toContain("Synthetic − real+5.0 points");
});

test("a region says its extent, shows the machine's number beside an edited one, and is counted again after an edit", async () => {
  const { panel, asked, shown } = open([window, region, region]);
  await panel.moveTo({ x: 100, y: 80, side_um: 50 }, false);
  await panel.take(corners);
  expect(text(panel)).toContain("Drawn region · 0.432\u202fmm²");
  expect(text(panel)).toContain("29.7\u202f% of 101 cells · 95 % 10.0–30.0machine 29.0\u202f%");
  expect(shown.at(-1)!.window).toBeNull();
  await panel.again();
  expect(asked.slice(1)).toEqual(Array(2).fill("/api/v1/extents/?slide=3&extent=region&corners=0,0+10,0+10,10"));
  expect(panel.place).toEqual({ x: 100, y: 80, side_um: 50 });
});

test("tumour alone says whose patches they are", async () => {
  const { panel, asked } = open([{ ...region, extent: "tumor", name: "Tumour patches, as the Ki-67 classifier sees them" }]);
  await panel.take(null);
  expect(asked).toEqual(["/api/v1/extents/?slide=3&extent=tumor"]);
  expect(text(panel)).toContain("Tumour patches alone");
  expect(text(panel)).toContain("as the Ki-67 classifier sees them");
  expect(panel.element.querySelector("#tumor-only")!.getAttribute("aria-pressed")).toBe("true");
});

test("what cannot be counted is said, and what was shown stays", async () => {
  const { panel } = open([window, new Error("No classifier has looked at these slides.")]);
  await panel.moveTo({ x: 100, y: 80, side_um: 50 }, false);
  await panel.take(null);
  expect(panel.element.querySelector("[role=alert]")!.textContent).toBe("No classifier has looked at these slides.");
  expect(text(panel)).toContain("Window · 50 µm");
});

test("without enough cells there is no hot spot, and the page says so", async () => {
  const { panel } = open([[]]);
  await panel.find();
  expect(text(panel)).toContain("No window of 500 µm holds 500 cells.");
  expect(panel.place).toBeNull();
});
