import type { Alignment, ReviewPayload } from "../payload";
import { fakeSlide } from "./fakes";

export const fakeAlignment = (changes: Partial<Alignment> = {}): Alignment => ({
  matrix: [1, 0, 100, 0, 1, -50], correlation: 0.9, error_um: null, method: "automatic affine", version: 1, points: [], by: null, ...changes,
});

/** A published synthetic slide at 0.25 µm/px beside its source and a real slide at 0.5, nothing counted yet. */
export function fakeReview(changes: Partial<ReviewPayload> = {}): ReviewPayload {
  return {
    source: fakeSlide({ id: 1, mpp: 0.5 }),
    real: fakeSlide({ id: 2, mpp: 0.5, stain_name: "Ki-67" }),
    synthetic: fakeSlide({ id: 3, mpp: 0.25, stain_name: "Ki-67", synthetic: true }),
    alignment: fakeAlignment(),
    alignment_note: "",
    scores: { real: null, synthetic: null },
    reviews: [],
    draft: null,
    standing: null,
    reasons: [{ value: "lost_nuclei", name: "lost nuclei" }, { value: "seams", name: "seams between tiles" }],
    pin_kinds: [{ value: "invented", name: "invented structure" }, { value: "lost", name: "lost structure" }],
    can: { score: true, edit: true, sign: true },
    lineage: { run: 1, epoch: 2, dataset: null, independent_validation: true, generator_sha256: "ab".repeat(32) },
    ki67: true,
    grading: "gep_net",
    least_cells: 500,
    hot_spot_um: 500,
    urls: { scores: "/api/v1/scores/", reviews: "/api/v1/reviews/" },
    ...changes,
  };
}
