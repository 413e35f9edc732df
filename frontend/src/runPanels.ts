/** Put a run's state into its page. Each function may be called again with every poll. */
import { all, find, make, setText } from "./dom";
import { bytes, count, when } from "./format";
import { shortNumber } from "./metrics";
import type { RunPayload } from "./runPayload";
import { columnsOf, epochText, lasted, pillText, pillTone, reportFacts, timeLeft } from "./runText";
import { fill, gettext } from "./text";

export function showRun(run: RunPayload): void {
  showState(run);
  showProgress(run);
  showCheckpoints(run);
  showProduct(run);
  showMachine(run);
  showFamily(run);
  showFacts(find("#report-facts"), reportFacts(run.report));
  find("#run-report").hidden = reportFacts(run.report).length === 0;
  setText(find("#run-log"), run.log_tail || gettext("Nothing yet."));
}

function showState(run: RunPayload): void {
  const pill = find("#run-pill");
  setText(pill, pillText(run));
  pill.dataset.tone = pillTone(run);
  for (const form of all<HTMLFormElement>("form[data-verb]")) form.hidden = !run.can[form.dataset.verb as "cancel"];
  showNotice("#run-message", run.status === "succeeded" || run.status === "running" ? "" : run.message);
  showNotice("#run-note", run.silent ? gettext("Its worker has fallen silent. Another takes over at the next delivery; Resume sends it at once.") : run.note);
  find("#run-steps").replaceChildren(
    ...run.steps.map((step, index) =>
      make(
        "li",
        { class: `run-step run-step-${step.state}` },
        make("small", {}, `${index + 1} ${step.name}`),
        make("span", {}, stepDetail(run, step.state, step.detail) + (step.state === "done" ? " ✓" : "")),
      ),
    ),
  );
}

function stepDetail(run: RunPayload, state: string, detail: string): string {
  return state === "on" ? [epochText(run), timeLeft(run)].filter(Boolean).join(" · ") || detail : detail;
}

function showNotice(selector: string, text: string): void {
  const notice = find(selector);
  setText(notice, text);
  notice.hidden = !text;
}

function showProgress(run: RunPayload): void {
  const { step, total, warnings } = run.progress;
  const place = find("#run-progress");
  place.hidden = run.status !== "running";
  const bar = find<HTMLProgressElement>("progress", place);
  if (total) {
    bar.max = total;
    bar.value = step ?? 0;
  } else bar.removeAttribute("value");
  setText(find("#run-progress-text"), run.progress.message ?? "");
  setText(find("#run-left"), total ? fill(gettext("step {step} of {total}"), { step: count(step ?? 0), total: count(total) }) : "");
  find("#run-warnings").replaceChildren(
    ...[...new Set(warnings ?? [])].map((text) => make("li", { class: "notice notice-warn small" }, text)),
  );
}

function showCheckpoints(run: RunPayload): void {
  find("#run-checkpoints").hidden = run.checkpoints.length === 0;
  const best = run.checkpoints.find((checkpoint) => checkpoint.best);
  setText(find("#run-best"), best ? fill(gettext("best epoch {n}"), { n: best.epoch }) : "");
  const columns = columnsOf(run.checkpoints);
  const newestFirst = [...run.checkpoints].reverse();
  if (best) newestFirst.sort((a, b) => Number(b.best) - Number(a.best));
  find("#run-checkpoints table").replaceChildren(
    make(
      "thead",
      {},
      make(
        "tr",
        {},
        make("th", { scope: "col" }, gettext("Epoch")),
        ...columns.map((name) => make("th", { scope: "col", class: "number", title: name }, name.replaceAll("_", " "))),
      ),
    ),
    make(
      "tbody",
      {},
      ...newestFirst.map((checkpoint) =>
        make(
          "tr",
          { class: checkpoint.best && "best", title: `${bytes(checkpoint.size_bytes)}, sha256 ${checkpoint.sha256}` },
          make("th", { scope: "row" }, checkpoint.best ? `${checkpoint.epoch} ★ ${gettext("best")}` : String(checkpoint.epoch)),
          ...columns.map((name) => {
            const value = checkpoint.metrics[name];
            return make("td", { class: "number" }, typeof value === "number" ? shortNumber(value) : "–");
          }),
        ),
      ),
    ),
  );
}

function showProduct(run: RunPayload): void {
  find("#run-product").hidden = !run.product;
  if (!run.product) return;
  setText(find("#run-product-title"), run.product.title);
  find<HTMLAnchorElement>("#run-product-link").href = run.product.url;
  const none = make("li", { class: "muted" }, gettext("Not published: only leads see it."));
  const lines = run.product.history.map((entry) => {
    const published = fill(gettext("published by {who}, {when}"), { who: entry.published_by, when: when(entry.published_at) });
    const withdrawn =
      entry.withdrawn_by && entry.withdrawn_at
        ? fill(gettext("; withdrawn by {who}, {when}: {reason}"), { who: entry.withdrawn_by, when: when(entry.withdrawn_at), reason: entry.reason })
        : "";
    return make("li", {}, published + withdrawn);
  });
  find("#run-history").replaceChildren(...(lines.length ? lines : [none]));
}

function showFamily(run: RunPayload): void {
  find("#run-family").hidden = run.family.length < 2;
  find("#run-family ol").replaceChildren(
    ...run.family.map((other) =>
      make(
        "li",
        { class: other.id === run.id && "current" },
        other.id === run.id ? make("span", { "aria-current": "page" }, other.title) : make("a", { href: other.url }, other.title),
        make("span", { class: `run-status run-status-${other.status}` }, other.status_name),
      ),
    ),
  );
}

function showMachine(run: RunPayload): void {
  const facts: [string, string][] = [];
  const { device, precision, threads } = run.progress.machine ?? {};
  if (device) facts.push([gettext("Computes on"), [device, precision].filter(Boolean).join(", ")]);
  if (threads) facts.push([gettext("Threads"), String(threads)]);
  if (run.worker) facts.push([gettext("Worker"), run.worker]);
  if (run.attempt > 1) facts.push([gettext("Attempt"), String(run.attempt)]);
  if (run.seconds !== null) facts.push([run.attempt > 1 ? gettext("This attempt") : gettext("Time"), lasted(run.seconds)]);
  if (run.resume_state.saved_at)
    facts.push([
      gettext("Last full state"),
      fill(gettext("epoch {n}, {when}"), { n: run.resume_state.epoch ?? 0, when: when(run.resume_state.saved_at) }),
    ]);
  showFacts(find("#run-machine"), facts.length ? facts : [[gettext("Worker"), gettext("none yet")]]);
}

function showFacts(list: Element, facts: [string, string][]): void {
  list.replaceChildren(...facts.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
}
