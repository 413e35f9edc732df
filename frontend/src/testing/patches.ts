import type { LabellingPayload, LabelValue, PatchPayload } from "../payload";
import { fakeSlide } from "./fakes";

/** A patch of a grid of 100 px cells, offered and asked for. */
export function fakePatch(id: number, column = 0, row = 0, changes: Partial<PatchPayload> = {}): PatchPayload {
  return {
    id, column, row, x: column * 100, y: row * 100, size: 100, tissue_share: 1, offered: true, by_otsu: true, asked: true,
    flagged: false, label: null, label_id: null, ...changes,
  };
}

/** A 3 × 1 grid whose middle patch has too little tissue. */
export function fakeLabelling(labels: (LabelValue | null)[] = [null, null, null], changes: Partial<LabellingPayload> = {}): LabellingPayload {
  const patches = labels.map((label, column) => {
    const tissue = column !== 1;
    return fakePatch(column + 1, column, 0, {
      x: column * 2240, y: 0, size: 2240, tissue_share: tissue ? 1 : 0, offered: tissue, by_otsu: tissue, asked: tissue,
      label, label_id: label ? column + 50 : null,
    });
  });
  return {
    slide: fakeSlide(),
    grid: { columns: 3, rows: 1, size_l0: 2240, otsu_threshold: 200, target_mpp: 0.25, patch_px: 2240, resampled: false, note: "" },
    patches,
    order: "position",
    queue: patches.filter((patch) => patch.asked).map((patch) => patch.id),
    steps: { undo: [], redo: [] },
    blinded: false,
    checkpoints: [],
    reading: null,
    counts: { tumor: 0, normal: 0, unsure: 0, exclude: 0, left: 2, total: 2 },
    can_label: true,
    can_overrule: true,
    reader: "ann",
    label_url: "/api/v1/patches/{id}/label/",
    ...changes,
  };
}
