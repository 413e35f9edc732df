/** The page of a run. Its data: "run-data", "run-metrics"; polled while the run goes on. */
import "../styles/training.css";
import { get } from "../api";
import { Curves } from "../curves";
import { find } from "../dom";
import { grouped, type Metrics } from "../metrics";
import { readPayload } from "../payload";
import { PreviewStrip } from "../previewStrip";
import { showRun } from "../runPanels";
import { isOver, type RunPayload } from "../runPayload";

const POLL_MILLISECONDS = 2000;
const POLL_HIDDEN_MILLISECONDS = 15000;

let run = readPayload<RunPayload>("run-data");
let metrics = readPayload<Metrics>("run-metrics");
const api = `/api/v1/runs/${run.id}/`;
const losses = new Curves(find("#chart-losses"), 200);
const validation = new Curves(find("#chart-validation"), 200);
const previews = new PreviewStrip(find("#run-previews"));

function show(): void {
  showRun(run);
  previews.show(run.previews);
  find("#run-curves").hidden = metrics.epochs.length === 0;
  const names = grouped(metrics);
  const best = run.checkpoints.find((checkpoint) => checkpoint.best)?.epoch ?? null;
  losses.show(metrics, names.losses, best);
  validation.show(metrics, names.validation, best);
}

async function poll(): Promise<void> {
  try {
    run = await get<RunPayload>(api);
    if (run.epochs_measured !== metrics.epochs.length || isOver(run)) metrics = await get<Metrics>(`${api}metrics/`);
    show();
  } catch {
    // The server restarts, or the cable is out: the next poll tells.
  }
  schedule();
}

function schedule(): void {
  if (isOver(run)) return;
  window.setTimeout(() => void poll(), document.hidden ? POLL_HIDDEN_MILLISECONDS : POLL_MILLISECONDS);
}

show();
schedule();
document.body.dataset.ready = "1";
