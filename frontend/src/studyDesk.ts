/** One field after the other: real or synthetic, how sure, and how long it took. */
import { messageOf, post } from "./api";
import { all, find, setText } from "./dom";
import type { Shortcut } from "./shortcuts";
import { fill, gettext } from "./text";

export interface StudyPayload {
  study: number;
  total: number;
  /** Codes in the reader's own order. */
  left: string[];
  field_um: number;
  answers_url: string;
  /** With {code}. */
  picture_url: string;
}

export class StudyDesk {
  private readonly left: string[];
  private says: boolean | null = null;
  private shownAt = 0;
  private sending = false;
  private readonly picture = find<HTMLImageElement>("#study-picture");

  constructor(
    private readonly payload: StudyPayload,
    private readonly send: typeof post = post,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.left = [...payload.left];
    this.picture.addEventListener("load", () => (this.shownAt = this.now()));
    for (const button of all<HTMLButtonElement>("[data-says]")) button.addEventListener("click", () => this.choose(button.dataset.says === "synthetic"));
    for (const button of all<HTMLButtonElement>("[data-confidence]")) button.addEventListener("click", () => void this.answer(Number(button.dataset.confidence)));
    this.show();
  }

  shortcuts(): Shortcut[] {
    const group = gettext("Study");
    return [
      { keys: ["R"], what: gettext("real"), group, run: () => this.choose(false) },
      { keys: ["S"], what: gettext("synthetic"), group, run: () => this.choose(true) },
      ...[1, 2, 3, 4, 5].map((n) => ({ keys: [String(n)], what: fill(gettext("confidence {n}"), { n }), group, run: () => void this.answer(n) })),
    ];
  }

  choose(synthetic: boolean): void {
    if (!this.left.length) return;
    this.says = synthetic;
    for (const button of all("[data-says]")) button.setAttribute("aria-pressed", String((button.dataset.says === "synthetic") === synthetic));
    find("#study-confidence").hidden = false;
  }

  async answer(confidence: number): Promise<void> {
    const code = this.left[0];
    if (code === undefined || this.says === null || this.sending) return;
    this.sending = true;
    const milliseconds = this.shownAt ? Math.round(this.now() - this.shownAt) : null;
    try {
      await this.send(this.payload.answers_url, { code, says_synthetic: this.says, confidence, milliseconds });
      this.left.shift();
      setText(find("#study-error"), "");
      this.show();
    } catch (error) {
      setText(find("#study-error"), messageOf(error));
    }
    this.sending = false;
  }

  private show(): void {
    this.says = null;
    this.shownAt = 0;
    const [next, after] = this.left;
    find("#study-desk").hidden = next === undefined;
    find("#study-done").hidden = next !== undefined;
    find("#study-confidence").hidden = true;
    for (const button of all("[data-says]")) button.setAttribute("aria-pressed", "false");
    if (next === undefined) return;
    const { total, picture_url, field_um } = this.payload;
    setText(find("#study-progress"), fill(gettext("Field {n} of {total}, {um} µm wide"), { n: total - this.left.length + 1, total, um: field_um }));
    this.picture.src = picture_url.replace("{code}", next);
    // The next picture is there when it is asked for, so that waiting is not taken for thinking.
    if (after !== undefined) new Image().src = picture_url.replace("{code}", after);
  }
}
