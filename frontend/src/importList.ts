/** The imports of a project, followed while any of them is under way. */
import { list } from "./api";
import { make } from "./dom";
import { percent } from "./format";
import type { ImportPayload } from "./payload";
import { gettext } from "./text";

const POLL_MS = 1500;
const POLL_AFTER_FAILURE_MS = 6000;

export const isUnderWay = ({ state }: Pick<ImportPayload, "state">): boolean => state === "queued" || state === "running";

/** Show the imports and ask again until all have ended. `onDone` runs when one has brought a slide since the last look. */
export class ImportList {
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** Imports that had ended when the page last looked; null before the first look. */
  private ended: Set<number> | null = null;

  constructor(
    private readonly host: HTMLElement,
    private readonly url: string,
    private readonly onDone: () => void,
  ) {}

  show(imports: ImportPayload[]): void {
    const { ended } = this;
    const arrived = ended !== null && imports.some((one) => one.state === "done" && !ended.has(one.id));
    this.ended = new Set(imports.filter((one) => !isUnderWay(one)).map((one) => one.id));
    const none = make("li", { class: "muted small" }, gettext("None yet."));
    this.host.replaceChildren(...(imports.length ? imports.map(importRow) : [none]));
    if (arrived) this.onDone();
    if (imports.some(isUnderWay)) this.again(POLL_MS);
  }

  async refresh(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    try {
      this.show(await list<ImportPayload>(this.url));
    } catch {
      this.again(POLL_AFTER_FAILURE_MS);
    }
  }

  private again(afterMs: number): void {
    if (this.timer === undefined) this.timer = setTimeout(() => void this.refresh(), afterMs);
  }
}

export function importRow(one: ImportPayload): HTMLElement {
  const title = make("span", { class: "import-title" }, `${one.case} · ${one.stain}`);
  return make("li", { class: `import import-${one.state}` }, title, ...importState(one));
}

function importState(one: ImportPayload): HTMLElement[] {
  switch (one.state) {
    case "queued":
      return [make("span", { class: "muted" }, gettext("waiting for a worker"))];
    case "running":
      return [
        make("progress", { max: 1, value: one.progress, "aria-label": gettext("Import") }),
        make("span", { class: "number" }, percent(one.progress, 0)),
        make("span", { class: "muted" }, one.message),
      ];
    case "done":
      return [
        make("span", { class: "badge badge-ok" }, gettext("imported")),
        ...(one.slide ? [make("a", { href: `/slides/${one.slide}/` }, gettext("open"))] : []),
        make("span", { class: "muted" }, one.message),
      ];
    case "failed":
      return [make("span", { class: "badge badge-error" }, gettext("failed")), make("p", { class: "import-why" }, one.message)];
  }
}
