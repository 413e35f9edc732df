/** A patch that was labelled elsewhere, and how the server tells of it. */
import type { ApiError } from "./api";
import type { LabelEntry } from "./outbox";
import type { LabelValue } from "./payload";

export interface Conflict {
  mine: LabelValue | null;
  theirs: LabelValue | null;
  theirsId: number | null;
}
/** What stands on the server; null: nothing. */
export type Standing = { id: number; value: LabelValue | null } | null;

/** Which patches were labelled elsewhere, with what stands; null when the refusal names none. */
export function conflictsOf(entry: LabelEntry, error: ApiError): Map<number, Standing> | null {
  const { conflicts, current } = error.extra as { conflicts?: { patch: number; current: Standing }[]; current?: Standing };
  if (conflicts) return new Map(conflicts.map((one) => [one.patch, one.current]));
  if (current !== undefined && entry.writes.length === 1) return new Map([[entry.writes[0]!.patch, current]]);
  return null;
}
