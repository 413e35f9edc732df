/** What the server writes into the pages and answers over the API. Names are the server's. */
import type { Affine } from "./geometry";
import type { UndoHistory } from "./undoSteps";

export interface ServedLevel {
  width: number;
  height: number;
  tile_width: number;
  tile_height: number;
  /** Level-0 pixels per pixel of this level. */
  downsample: number;
}

export interface SlidePayload {
  id: number;
  title: string;
  case: string;
  stain: string;
  stain_name: string;
  synthetic: boolean;
  drawn: boolean;
  width: number;
  height: number;
  /** Micrometres per level-0 pixel; null while nobody has supplied it. */
  mpp: number | null;
  mpp_source: "file" | "hand" | "";
  mpp_note: string;
  version: string;
  colour: "native" | "srgb";
  /** Which colours are on screen, in words. */
  colour_note: string;
  /** With {level}, {col} and {row}; level 0 is the finest. */
  tile_url: string;
  levels: ServedLevel[];
  thumbnail_url: string;
  open_url: string;
  token_seconds: number;
  resampled_note: string;
}

export const LABEL_VALUES = ["tumor", "normal", "unsure", "exclude"] as const;
export type LabelValue = (typeof LABEL_VALUES)[number];

export interface PatchPayload {
  id: number;
  column: number;
  row: number;
  x: number;
  y: number;
  size: number;
  tissue_share: number;
  offered: boolean;
  /** What the threshold says; a person may have overruled it. */
  by_otsu: boolean;
  /** This reader is to label it. */
  asked: boolean;
  /** For discussion. */
  flagged: boolean;
  label: LabelValue | null;
  label_id: number | null;
}

export interface LabelCounts {
  tumor: number;
  normal: number;
  unsure: number;
  exclude: number;
  left: number;
  total: number;
}

export interface LabellingPayload {
  slide: SlidePayload;
  grid: {
    columns: number;
    rows: number;
    size_l0: number;
    otsu_threshold: number;
    target_mpp: number;
    patch_px: number;
    resampled: boolean;
    note: string;
  };
  patches: PatchPayload[];
  /** "position", "random:SEED" or "uncertain:CHECKPOINT". */
  order: string;
  /** Patches to label, in that order. */
  queue: number[];
  steps: UndoHistory;
  /** Readers work apart: neither others' labels nor a model's are shown. */
  blinded: boolean;
  /** Those that have scored the slide, the newest last; the name is empty for those of long ago. */
  checkpoints: { sha256: string; name: string }[];
  reading: { id: number; part: "all" | "shared" | "adjudicator"; done: boolean; reviewed: boolean } | null;
  counts: LabelCounts;
  can_label: boolean;
  can_overrule: boolean;
  reader: string;
  /** With {id}. */
  label_url: string;
}

/** A row of a patch's history. */
export interface LabelRow {
  id: number;
  patch: number;
  reader: string;
  value: LabelValue | null;
  milliseconds: number | null;
  route: string;
  act: "label" | "undo" | "redo" | "restore";
  created_at: string;
}

/** Somebody brought a patch in that the threshold dropped, or left one out. */
export interface OverruleRow {
  by: string;
  offered: boolean;
  act: "overrule" | "undo" | "redo";
  created_at: string;
}

export interface Remark {
  id: number;
  author: string;
  kind: "flag" | "unflag" | "comment";
  text: string;
  created_at: string;
}

/** What a classifier says of a slide's patches. */
export interface ModelViewPayload {
  checkpoint: string;
  checkpoints: string[];
  /** Instances along the side of a patch. */
  instances_across: number;
  patches: { patch: number; probability: number; best_x: number; best_y: number; instances: string }[];
}

export interface ScorePayload {
  id: number;
  slide: number;
  state: "queued" | "running" | "done" | "failed";
  progress: number;
  message: string;
  positive: number | null;
  negative: number | null;
  cells: number | null;
  /** Positive / all cells, 0 to 1; null when there is no cell. */
  ratio: number | null;
  interval: [number, number] | null;
  /** Block bootstrap over a whole slide: wider where the tissue is patchy. */
  slide_interval: [number, number] | null;
  /** After the readers' edits; null while nobody has edited. */
  reader: Tally | null;
  enough_cells: boolean;
  least_cells: number;
  grade: string | null;
  grade_note: string;
  sensitivity: { dab_threshold: number; ratio: number | null }[];
  parameters: Record<string, unknown>;
  calibrated_on: number | string | null;
}

export interface Tally {
  positive: number;
  negative: number;
  cells: number;
  ratio: number | null;
  interval: [number, number] | null;
  edits: number;
}

/** One change of one cell, as the server keeps it. */
export interface EditRow {
  id: number;
  action: "add" | "remove" | "flip" | "undo";
  /** Row number of the counted cell; null: a reader added it. */
  cell: number | null;
  x: number;
  y: number;
  present: boolean;
  positive: boolean;
  undoes: number | null;
  reader: string;
  created_at: string;
}

/** A square of tissue: its middle on the source slide, its side in micrometres. */
export interface WindowPlace {
  x: number;
  y: number;
  side_um: number;
}

/** A closed line, in level-0 pixels. */
export type Corners = readonly (readonly [number, number])[];

/** What was counted in a part of one slide. */
export interface PartSide {
  score: number;
  machine: Tally;
  reader: Tally;
  enough_cells: boolean;
  grade: string | null;
  grade_note: string;
}

export type WindowSide = PartSide & { corners: Corners };
export type ExtentSide = PartSide & { outlines: Corners[] };

export interface WindowCounts extends WindowPlace {
  real: WindowSide | null;
  synthetic: WindowSide | null;
  note: string;
}

/** A drawn region or the tumour patches alone; `outlines` on the source slide. */
export interface ExtentCounts {
  extent: "region" | "tumor";
  name: string;
  outlines: Corners[];
  area_mm2: number;
  real: ExtentSide | null;
  synthetic: ExtentSide | null;
  note: string;
}

export interface Alignment {
  matrix: Affine;
  correlation: number | null;
  error_um: number | null;
  method: string;
  version: number;
  points: [number, number, number, number][];
  by: string | null;
}

export type Verdict = "usable" | "minor_flaws" | "not_usable";

export type PinKind = "invented" | "lost" | "seam" | "note";
export interface Pin {
  x: number;
  y: number;
  kind: PinKind;
  note: string;
}

export interface Judgement {
  verdict: Verdict | "";
  reasons: string[];
  confidence: number | null;
  pins: Pin[];
  window: WindowPlace | null;
  comment: string;
}

export interface Draft extends Judgement {
  revision: number;
  updated_at: string;
}

export interface ReviewEntry extends Judgement {
  id: number;
  reader: string;
  verdict: Verdict;
  verdict_name: string;
  round: number;
  created_at: string;
  reopened: { by: string; reason: string; created_at: string } | null;
}

export interface Choice {
  value: string;
  name: string;
}

export interface ReviewPayload {
  source: SlidePayload;
  real: SlidePayload | null;
  synthetic: SlidePayload;
  /** Level-0 pixels of the source slide to those of the real one. */
  alignment: Alignment | null;
  /** Why the views are not in register; empty when they are. */
  alignment_note: string;
  scores: { real: ScorePayload | null; synthetic: ScorePayload | null };
  reviews: ReviewEntry[];
  draft: Draft | null;
  /** Id of the verdict that this reader has signed and not reopened. */
  standing: number | null;
  reasons: Choice[];
  pin_kinds: Choice[];
  can: { score: boolean; edit: boolean; sign: boolean };
  lineage: {
    run: number | string | null;
    epoch: number | null;
    dataset: string | null;
    independent_validation: boolean | null;
    generator_sha256: string;
  };
  ki67: boolean;
  grading: "none" | "gep_net";
  least_cells: number;
  hot_spot_um: number;
  urls: { scores: string; reviews: string };
}

export interface ImportPayload {
  id: number;
  case: string;
  stain: string;
  state: "queued" | "running" | "done" | "failed";
  progress: number;
  message: string;
  slide: number | null;
  created_at?: string;
}

/** Read the JSON that a template left in the page with `json_script`. */
export function readPayload<T>(id: string): T {
  const element = document.getElementById(id);
  if (!element?.textContent) throw new Error(`The page holds no data under "${id}". Reload it; if that stays, tell us.`);
  return JSON.parse(element.textContent) as T;
}
