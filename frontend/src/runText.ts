/** Sentences about a run. */
import { about } from "./format";
import { shortNumber } from "./metrics";
import type { RunPayload } from "./runPayload";
import { fill, gettext } from "./text";

/** The pill in the header: state, worker, heartbeat. */
export function pillText(run: RunPayload): string {
  if (run.silent) return gettext("No sign of its worker");
  if (run.cancelling) return gettext("Stopping");
  if (run.status !== "running") return capital(run.status_name);
  const where = fill(gettext("Running on {worker}"), { worker: run.worker || gettext("a worker") });
  if (run.heartbeat_seconds_ago === null) return where;
  const seconds = Math.round(run.heartbeat_seconds_ago);
  return `${where} · ${fill(gettext("heartbeat {n} s ago"), { n: seconds })}`;
}

export function pillTone(run: RunPayload): "ok" | "warn" | "error" | "" {
  if (run.silent || run.cancelling) return "warn";
  if (run.status === "failed") return "error";
  if (run.status === "skipped" || run.status === "cancelled") return "warn";
  return run.status === "queued" ? "" : "ok";
}

/** Where a run is: epoch 64 of 100. */
export function epochText(run: RunPayload): string {
  const { epoch, epochs } = run.progress;
  return epoch !== undefined && epochs ? fill(gettext("epoch {epoch} of {epochs}"), { epoch, epochs }) : "";
}

export function timeLeft(run: RunPayload): string {
  const seconds = run.progress.seconds_left;
  return run.status === "running" && seconds ? fill(gettext("{time} left"), { time: about(seconds) }) : "";
}

/** A span that has passed: 1 h 12 min, 3 min 5 s, 4 s. */
export function lasted(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  if (hours) return fill(gettext("{h} h {m} min"), { h: hours, m: minutes });
  if (minutes) return fill(gettext("{m} min {s} s"), { m: minutes, s: rest });
  return fill(gettext("{s} s"), { s: rest });
}

/** Names and values of a report, one level deep; what is nested deeper is left to the API. */
export function reportFacts(report: Record<string, unknown>): [string, string][] {
  const facts: [string, string][] = [];
  for (const [name, value] of Object.entries(report)) {
    if (isPlain(value)) facts.push([name, plain(value)]);
    else if (value && typeof value === "object" && !Array.isArray(value))
      for (const [inner, deep] of Object.entries(value)) if (isPlain(deep)) facts.push([`${name} · ${inner}`, plain(deep)]);
  }
  return facts;
}

/** The metrics worth a column: those most checkpoints have, at most three. */
export function columnsOf(checkpoints: RunPayload["checkpoints"]): string[] {
  const seen = new Map<string, number>();
  for (const { metrics } of checkpoints)
    for (const [name, value] of Object.entries(metrics))
      if (typeof value === "number" && name !== "epoch") seen.set(name, (seen.get(name) ?? 0) + 1);
  const judged = /validation|error|distance|auc|accuracy|ratio|inverted|consistency/i;
  return [...seen.keys()].sort((a, b) => Number(judged.test(b)) - Number(judged.test(a))).slice(0, 3);
}

const isPlain = (value: unknown): boolean => ["string", "number", "boolean"].includes(typeof value);
const plain = (value: unknown): string => (typeof value === "number" ? shortNumber(value) : String(value));
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
