/** The form that adds slides from the browser, and a row for each file on its way. */
import { all, find, make, setText } from "./dom";
import { about, bytes, percent } from "./format";
import { refusal, Speed, uploadSlide } from "./slideUpload";
import { fill, gettext } from "./text";

export interface UploadLimits {
  max_bytes: number;
  suffixes: string[];
}

export function bindUploadForm(
  form: HTMLFormElement,
  options: { endpoint: string; project: string; limits: UploadLimits; onDone: () => void },
): void {
  const rows = find("#uploads");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const fields = new FormData(form);
    const chosen = find<HTMLInputElement>("input[type=file]", form);
    for (const file of chosen.files ?? []) {
      const row = new UploadRow(rows, file);
      const why = refusal(file, options.limits);
      if (why) {
        row.fail(why);
        continue;
      }
      const text = (name: string): string => String(fields.get(name) ?? "").trim();
      const request = {
        file,
        project: options.project,
        case: text("case"),
        stain: text("stain").toUpperCase(),
        mpp: text("mpp").replace(",", "."),
      };
      void uploadSlide(options.endpoint, request, {
        progress: (sent, total) => row.progress(sent, total),
        done: () => {
          row.finish();
          options.onDone();
        },
        failed: (message) => row.fail(message),
      }).then((cancel) => row.onCancel(cancel));
    }
    chosen.value = "";
  });
  window.addEventListener("beforeunload", (event) => {
    if (all(".upload[data-state=running]", rows).length > 0) event.preventDefault();
  });
}

class UploadRow {
  private readonly bar = make("progress", { max: 1, value: 0, "aria-label": gettext("Upload") });
  private readonly text = make("span", { class: "muted number", role: "status" }, gettext("starting"));
  private readonly cancelButton = make("button", { type: "button", class: "button button-small" }, gettext("Cancel"));
  private readonly row: HTMLElement;
  private readonly speed = new Speed();

  constructor(host: HTMLElement, file: File) {
    this.row = make(
      "li",
      { class: "import upload", "data-state": "running" },
      make("span", { class: "import-title" }, file.name),
      this.bar,
      this.text,
      this.cancelButton,
    );
    host.prepend(this.row);
  }

  onCancel(cancel: () => void): void {
    this.cancelButton.addEventListener("click", () => {
      cancel();
      this.row.remove();
    });
  }

  progress(sent: number, total: number): void {
    this.bar.value = sent / total;
    this.speed.add(sent);
    const { bytesPerSecond } = this.speed;
    const parts = [fill(gettext("{sent} of {total}"), { sent: bytes(sent), total: bytes(total) }), percent(sent / total, 0)];
    if (bytesPerSecond)
      parts.push(`${bytes(bytesPerSecond)}/s`, fill(gettext("{time} left"), { time: about((total - sent) / bytesPerSecond) }));
    setText(this.text, parts.join(" · "));
  }

  finish(): void {
    this.end("done");
    setText(this.text, gettext("uploaded, now being imported"));
    setTimeout(() => this.row.remove(), 8000);
  }

  fail(message: string): void {
    this.end("failed");
    this.text.className = "field-error";
    setText(this.text, message);
    const dismiss = make("button", { type: "button", class: "button-plain button-small" }, gettext("Dismiss"));
    dismiss.addEventListener("click", () => this.row.remove());
    this.row.append(dismiss);
  }

  private end(state: string): void {
    this.row.dataset.state = state;
    this.bar.hidden = true;
    this.cancelButton.remove();
  }
}
