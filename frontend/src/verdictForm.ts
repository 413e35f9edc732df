/** The verdict: saved as a draft while it is written, signed once, taken up again with a reason. */
import { ApiError, isTemporary, messageOf, post, put, urls } from "./api";
import { all, find, make, setText } from "./dom";
import { when } from "./format";
import type { Choice, Draft, Judgement, Pin, PinKind, ReviewEntry, Verdict, WindowPlace } from "./payload";
import { fill, gettext } from "./text";
import { showHistory } from "./verdictHistory";

const SAVE_AFTER_MS = 800;
const CONFIDENCES = [1, 2, 3, 4, 5];
const LONGEST_NOTE = 500;

export interface VerdictContext {
  slideId: number;
  reviewsUrl: string;
  earlier: ReviewEntry[];
  draft: Draft | null;
  standing: number | null;
  reasons: Choice[];
  pinKinds: Choice[];
  /** The window on the desk, kept with the verdict. */
  window: () => WindowPlace | null;
  onPins: (pins: readonly Pin[]) => void;
  /** Somebody wants to see the place of a pin. */
  onGoTo?: (pin: Pin) => void;
  onSigned?: () => void;
}

export class VerdictForm {
  private pins: Pin[] = [];
  private revision: number | null;
  private signature = crypto.randomUUID();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private saving: Promise<void> = Promise.resolve();
  private unsaved = false;
  private readonly earlier: ReviewEntry[];
  private standing: ReviewEntry | null;

  constructor(
    private readonly form: HTMLFormElement,
    private readonly context: VerdictContext,
  ) {
    this.earlier = [...context.earlier];
    this.standing = this.earlier.find(({ id }) => id === context.standing) ?? null;
    this.revision = context.draft?.revision ?? null;
    if (this.canSign) this.build();
    if (context.draft) this.fillIn(context.draft);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.sign();
    });
    form.addEventListener("input", () => this.later());
    // What was typed and neither saved nor signed must not be lost with a stray click.
    window.addEventListener("beforeunload", (event) => {
      if (this.unsaved) event.preventDefault();
    });
    this.show();
  }

  get canAddPins(): boolean {
    return this.canSign && this.standing === null;
  }

  addPin(x: number, y: number): void {
    const kind = (find<HTMLSelectElement>("#pin-kind", this.form).value || "note") as PinKind;
    this.pins = [...this.pins, { x: Math.round(x * 10) / 10, y: Math.round(y * 10) / 10, kind, note: "" }];
    this.showPins();
    this.later();
  }

  /** Something outside of the form has changed that is kept with the verdict. */
  later(): void {
    if (!this.canSign || this.standing) return;
    this.unsaved = true;
    setText(find("#draft-state"), gettext("Saving …"));
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.save(), SAVE_AFTER_MS);
  }

  /** One save after the other, so that revisions follow each other. */
  save(): Promise<void> {
    clearTimeout(this.timer);
    this.saving = this.saving.then(() => this.saveNow());
    return this.saving;
  }

  async sign(): Promise<void> {
    const error = find("#verdict-error", this.form);
    const judgement = this.judgement();
    if (!judgement.verdict) return setText(error, gettext("Choose a verdict first."));
    const button = find<HTMLButtonElement>("#sign", this.form);
    button.disabled = true;
    setText(error, "");
    clearTimeout(this.timer);
    await this.saving;
    try {
      const signed = await post<ReviewEntry>(this.context.reviewsUrl, { slide: this.context.slideId, uuid: this.signature, ...judgement });
      this.earlier.unshift(signed);
      this.standing = signed;
      this.unsaved = false;
      this.revision = null;
      this.form.reset();
      this.pins = [];
      setText(find("#draft-state"), "");
      setText(find("#verdict-done", this.form), gettext("Signed."));
      this.context.onSigned?.();
    } catch (refusal) {
      // The same signature again when nobody knows whether it arrived; a new one after a refusal.
      if (!isTemporary(refusal)) this.signature = crypto.randomUUID();
      setText(error, messageOf(refusal));
    }
    button.disabled = false;
    this.show();
  }

  async reopen(reason: string): Promise<void> {
    const { standing } = this;
    if (!standing) return;
    const error = find("#reopen-error");
    if (!reason.trim()) return setText(error, gettext("Say why; the reason stays on record."));
    try {
      const reopened = await post<ReviewEntry>(urls.reopen(standing.id), { reason: reason.trim() });
      this.earlier[this.earlier.findIndex(({ id }) => id === reopened.id)] = reopened;
      this.standing = null;
      this.revision = 1;
      this.signature = crypto.randomUUID();
      this.fillIn({ ...reopened, revision: 1, updated_at: reopened.created_at });
      setText(find("#verdict-done", this.form), "");
      this.show();
    } catch (refusal) {
      setText(error, messageOf(refusal));
    }
  }

  private get canSign(): boolean {
    return this.form.querySelector("#sign") !== null;
  }

  private async saveNow(): Promise<void> {
    if (!this.unsaved || this.standing) return;
    this.unsaved = false;
    try {
      const draft = await put<Draft>(urls.drafts, { slide: this.context.slideId, seen: this.revision, ...this.judgement() });
      this.revision = draft.revision;
      setText(find("#draft-state"), this.unsaved ? gettext("Saving …") : gettext("Draft saved"));
    } catch (error) {
      this.unsaved = true;
      setText(find("#draft-state"), fill(gettext("Draft not saved: {why}"), { why: messageOf(error) }));
      if (!(error instanceof ApiError)) this.timer = setTimeout(() => void this.save(), 5 * SAVE_AFTER_MS);
    }
  }

  private judgement(): Judgement {
    const checked = this.form.querySelector<HTMLInputElement>("input[name=verdict]:checked")?.value as Verdict | undefined;
    const confidence = this.form.querySelector<HTMLInputElement>("input[name=confidence]:checked")?.value;
    return {
      verdict: checked ?? "",
      reasons: all<HTMLInputElement>("input[name=reason]:checked", this.form).map(({ value }) => value),
      confidence: confidence ? Number(confidence) : null,
      pins: this.pins,
      window: this.context.window(),
      comment: this.form.querySelector<HTMLTextAreaElement>("textarea[name=comment]")?.value.trim() ?? "",
    };
  }

  private build(): void {
    const { reasons, pinKinds } = this.context;
    find("#verdict-reasons", this.form).append(
      ...reasons.map(({ value, name }) => make("label", {}, make("input", { type: "checkbox", name: "reason", value }), name)),
    );
    find("#verdict-confidence", this.form).append(
      ...CONFIDENCES.map((value) => make("label", {}, make("input", { type: "radio", name: "confidence", value }), String(value))),
    );
    find("#pin-kind", this.form).append(...pinKinds.map(({ value, name }) => make("option", { value }, name)));
  }

  private fillIn(draft: Draft): void {
    if (!this.canSign) return;
    for (const input of all<HTMLInputElement>("input[name=verdict], input[name=confidence], input[name=reason]", this.form))
      input.checked = [draft.verdict, String(draft.confidence), ...draft.reasons].includes(input.value);
    find<HTMLTextAreaElement>("textarea[name=comment]", this.form).value = draft.comment;
    this.pins = draft.pins.map((pin) => ({ ...pin }));
  }

  private show(): void {
    showHistory(find("#earlier-verdicts"), this.earlier, this.context);
    if (!this.canSign) return;
    find("#verdict-fields", this.form).hidden = this.standing !== null;
    const done = find("#verdict-standing", this.form);
    done.hidden = this.standing === null;
    if (this.standing) done.replaceChildren(...this.standingBox(this.standing));
    this.showPins();
  }

  private standingBox(standing: ReviewEntry): HTMLElement[] {
    const reason = make("textarea", { id: "reopen-reason", rows: 2, maxlength: 2000 });
    const button = make("button", { type: "button", class: "button", id: "reopen" }, gettext("Reopen"));
    button.addEventListener("click", () => void this.reopen(reason.value));
    const signed = fill(gettext("You signed “{verdict}” on {date}."), { verdict: standing.verdict_name, date: when(standing.created_at) });
    return [
      make("p", {}, signed),
      make(
        "details",
        { class: "verdict-more" },
        make("summary", {}, gettext("Take it up again")),
        make("label", { for: "reopen-reason" }, gettext("Why? The reason stays on record.")),
        reason,
        make("p", { class: "field-error", id: "reopen-error", role: "alert" }),
        button,
      ),
    ];
  }

  private showPins(): void {
    const names = new Map(this.context.pinKinds.map(({ value, name }) => [value, name]));
    const rows = this.pins.map((pin, index) => {
      const remove = make("button", { type: "button", class: "button-plain button-small", "aria-label": fill(gettext("Remove pin {n}"), { n: index + 1 }) }, "×");
      remove.addEventListener("click", () => {
        this.pins = this.pins.filter((other) => other !== pin);
        this.showPins();
        this.later();
      });
      const goTo = make("button", { type: "button", class: "button-plain button-small" }, `${index + 1} · ${names.get(pin.kind) ?? pin.kind}`);
      goTo.addEventListener("click", () => this.context.onGoTo?.(pin));
      const note = make("input", { type: "text", class: "pin-note", maxlength: LONGEST_NOTE, value: pin.note, placeholder: gettext("note"), "aria-label": fill(gettext("Note on pin {n}"), { n: index + 1 }) });
      note.addEventListener("input", () => (pin.note = note.value));
      return make("li", {}, goTo, remove, note);
    });
    find("#pin-list", this.form).replaceChildren(...rows);
    this.context.onPins(this.standing ? this.standing.pins : this.pins);
  }
}
