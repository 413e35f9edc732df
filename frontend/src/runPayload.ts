/** A run as the server tells it: the page's first state and every poll after it. */
export interface Checkpoint {
  epoch: number;
  sha256: string;
  size_bytes: number;
  metrics: Record<string, number | string | boolean | null>;
  best: boolean;
}

export interface Step {
  name: string;
  detail: string;
  state: "done" | "on" | "waiting" | "failed";
}

export interface Progress {
  step?: number;
  total?: number;
  epoch?: number;
  epochs?: number;
  message?: string;
  seconds_left?: number | null;
  machine?: Record<string, string | number | null>;
  warnings?: string[];
}

export interface Product {
  slide: number;
  title: string;
  url: string;
  published: boolean;
  history: {
    published_by: string;
    published_at: string;
    withdrawn_by: string | null;
    withdrawn_at: string | null;
    reason: string;
  }[];
}

export interface RunPayload {
  id: number;
  status: "queued" | "running" | "succeeded" | "failed" | "cancelled" | "skipped";
  status_name: string;
  cancelling: boolean;
  silent: boolean;
  attempt: number;
  worker: string;
  heartbeat_seconds_ago: number | null;
  seconds: number | null;
  progress: Progress;
  message: string;
  note: string;
  log_tail: string;
  report: Record<string, unknown>;
  resume_state: { epoch?: number; saved_at?: string };
  checkpoints: Checkpoint[];
  previews: { epoch: number; url: string }[];
  steps: Step[];
  epochs_measured: number;
  product: Product | null;
  family: { id: number; title: string; status: string; status_name: string; url: string }[];
  can: { cancel: boolean; resume: boolean; publish: boolean; withdraw: boolean };
}

export const isOver = (run: RunPayload): boolean => !["queued", "running"].includes(run.status);
