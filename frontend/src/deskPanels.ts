/** What stands round the stage: counts, place, buttons, conflicts. Reads the store, writes the page. */
import { all, find, setText } from "./dom";
import { about, count } from "./format";
import { LABEL_LOOKS, labelName } from "./labels";
import type { LabelStore } from "./labelStore";
import { LABEL_VALUES, type LabelCounts, type LabellingPayload, type PatchPayload } from "./payload";
import { fill, gettext } from "./text";

export function showCounts(counts: LabelCounts, secondsLeft: number | null): void {
  const given = counts.total - counts.left;
  setText(find("#progress-count"), count(given));
  setText(find("#progress-total"), count(counts.total));
  find<HTMLProgressElement>("#progress-bar").value = counts.total ? given / counts.total : 0;
  setText(find("#time-left"), secondsLeft === null ? "" : fill(gettext("{time} left"), { time: about(secondsLeft) }));
  for (const value of LABEL_VALUES) {
    const row = find(`[data-count=${value}]`);
    setText(find("dd", row), count(counts[value]));
    find<HTMLElement>("i", row).style.width = `${counts.total ? (100 * counts[value]) / counts.total : 0}%`;
  }
}

export function placeOf(patch: PatchPayload, number: number, mpp: number | null): string {
  const place = fill(gettext("Patch {n} · column {column}, row {row}"), { n: number, column: patch.column + 1, row: patch.row + 1 });
  if (mpp === null) return place;
  const mm = (pixels: number): string => ((pixels * mpp) / 1000).toFixed(1);
  return `${place} · ${mm(patch.x)}, ${mm(patch.y)} mm`;
}

export function showButtons(store: LabelStore, patch: PatchPayload | null, { can_label, can_overrule }: LabellingPayload): void {
  const value = patch ? store.value(patch.id) : null;
  for (const button of all<HTMLButtonElement>("[data-label-key]")) {
    const looks = LABEL_VALUES.find((one) => LABEL_LOOKS[one].letter === button.dataset.labelKey);
    button.setAttribute("aria-pressed", String(looks !== undefined && looks === value));
    button.disabled = !can_label || patch === null;
  }
  for (const undo of ["#undo", "#grid-undo"]) find<HTMLButtonElement>(undo).disabled = !can_overrule || !store.canUndo;
  find<HTMLButtonElement>("#redo").disabled = !can_overrule || !store.canRedo;
  find<HTMLButtonElement>("#flag").setAttribute("aria-pressed", String(patch !== null && store.flagged(patch.id)));
  setText(find("#current-label"), value ? LABEL_LOOKS[value].name : "");
  find("#current-label").dataset.label = value ?? "";
  find("#flagged").hidden = patch === null || !store.flagged(patch.id);
}

export function showConflict(store: LabelStore, labelling: LabellingPayload): void {
  const patchId = store.conflictedPatches[0];
  const box = find("#conflict");
  box.hidden = patchId === undefined;
  const conflict = patchId === undefined ? undefined : store.conflict(patchId);
  if (!conflict || patchId === undefined) return;
  const patch = labelling.patches.find((one) => one.id === patchId);
  const text = fill(
    gettext("Column {column}, row {row} was labelled in another window: {theirs}. Here you said {mine}. Nothing was overwritten."),
    {
      column: (patch?.column ?? 0) + 1,
      row: (patch?.row ?? 0) + 1,
      theirs: labelName(conflict.theirs),
      mine: labelName(conflict.mine),
    },
  );
  const more = store.conflictedPatches.length - 1;
  setText(find("#conflict-text"), more ? `${text} ${fill(gettext("{n} more wait."), { n: more })}` : text);
}
