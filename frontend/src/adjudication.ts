/** One patch after the other on which readers disagree: who said what, and the word that settles it. */
import { messageOf, put } from "./api";
import { find, make, setText } from "./dom";
import { newUuid } from "./identity";
import { LABEL_LOOKS, labelName } from "./labels";
import { drawPatch } from "./patchImages";
import type { LabelValue, PatchPayload, SlidePayload } from "./payload";
import { fill, gettext } from "./text";

export interface DisputedPatch {
  patch: number;
  column: number;
  row: number;
  x: number;
  y: number;
  size: number;
  labels: { id: number; reader: string; value: LabelValue }[];
  decision: { id: number; value: LabelValue; by: string; comment: string; outdated: boolean } | null;
}
export interface AdjudicationPayload {
  slide: SlidePayload;
  patches: DisputedPatch[];
}

export class Adjudication {
  private place = 0;
  private sending = false;

  constructor(private readonly data: AdjudicationPayload) {
    this.show();
  }

  get current(): DisputedPatch {
    return this.data.patches[this.place]!;
  }

  step(by: 1 | -1): void {
    this.place = Math.min(Math.max(this.place + by, 0), this.data.patches.length - 1);
    this.show();
  }

  async decide(value: LabelValue): Promise<void> {
    if (this.sending) return;
    const patch = this.current;
    const box = find("#page-error");
    const comment = find<HTMLTextAreaElement>("#adjudication-comment").value;
    this.sending = true;
    try {
      const written = await put<{ id: number; adjudicator: string }>(`/api/v1/patches/${patch.patch}/adjudication/`, {
        value,
        comment,
        uuid: newUuid(),
        label_ids: patch.labels.map((label) => label.id),
        seen: patch.decision?.id ?? null,
      });
      patch.decision = { id: written.id, value, by: written.adjudicator, comment, outdated: false };
      box.hidden = true;
      this.step(1);
    } catch (error) {
      setText(box, messageOf(error));
      box.hidden = false;
    } finally {
      this.sending = false;
    }
  }

  private show(): void {
    const { current } = this;
    const open = this.data.patches.filter((one) => one.decision === null || one.decision.outdated).length;
    setText(
      find("#adjudication-place"),
      fill(gettext("{n} of {total} · column {column}, row {row} · {open} open"), {
        n: this.place + 1,
        total: this.data.patches.length,
        column: current.column + 1,
        row: current.row + 1,
        open,
      }),
    );
    find("#adjudication-labels").replaceChildren(
      ...current.labels.map(({ reader, value }) =>
        make("li", {}, make("b", { class: `letter letter-${value}` }, LABEL_LOOKS[value].letter), make("span", {}, `${reader}: ${labelName(value)}`)),
      ),
    );
    setText(find("#adjudication-decision"), decisionText(current.decision));
    find<HTMLTextAreaElement>("#adjudication-comment").value = current.decision?.comment ?? "";
    const canvas = find<HTMLCanvasElement>("#adjudicated");
    canvas.getContext("2d")?.clearRect(0, 0, canvas.width, canvas.height);
    void drawPatch(canvas, this.data.slide, { ...current, id: current.patch } as unknown as PatchPayload);
  }
}

function decisionText(decision: DisputedPatch["decision"]): string {
  if (!decision) return gettext("Not settled yet.");
  const told = fill(gettext("Settled by {by}: {value}."), { by: decision.by, value: labelName(decision.value) });
  return decision.outdated ? `${told} ${gettext("A reader has changed a label since: look again.")}` : told;
}
