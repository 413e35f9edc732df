/** The imports of a project, followed while any of them is under way. */
import { list } from "./api";
import { make } from "./dom";
import { percent } from "./format";
import type { ImportPayload } from "./payload";
import { gettext } from "./text";

const POLL_MS = 1500;
const POLL_AFTER_FAILURE_MS = 6000;

export const isUnderWay = ({ state }: Pick<ImportPayload, "state">): boolean => state === "queued" || state === "running";

/** Show the imports and ask again until all have ended. `onDone` runs when one that was under way has brought a slide. */
export class ImportList {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private known: ImportPayload[] = [];

  constructor(
    private readonly host: HTMLElement,
    private readonly url: string,
    private readonly onDone: () => void,
  ) {}

  show(imports: ImportPayload[]): void {
    const before = new Map(this.known.map((one) => [one.id, one.state]));
    const arrived = imports.some((one) => one.state === "done" && before.has(one.id) && before.get(one.id) !== "done");
    this.known = imports;
    this.host.replaceChildren(...imports.map(importRow));
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
