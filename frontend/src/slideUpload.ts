/**
 * Resumable upload of one slide file (tus 1.0). The file's name is neither sent nor kept: it may name a patient. Only its
 * ending goes along, and what the lead typed.
 */
import * as tus from "tus-js-client";
import { csrfToken } from "./api";
import { gettext } from "./text";

const CHUNK_BYTES = 16 * 1024 * 1024;
const RETRY_DELAYS_MS = [0, 1000, 3000, 5000, 10_000, 30_000];

export interface UploadRequest {
  file: File;
  project: string;
  case: string;
  stain: string;
  mpp: string;
}

export interface UploadListener {
  progress(sentBytes: number, totalBytes: number): void;
  done(): void;
  failed(message: string): void;
}

export const suffixOf = (name: string): string => name.match(/\.[^.]+$/)?.[0].toLowerCase() ?? "";

/** Why a file cannot be sent, before a byte of it is; empty when it can. */
export function refusal(file: Pick<File, "name" | "size">, limits: { max_bytes: number; suffixes: string[] }): string {
  const suffix = suffixOf(file.name);
  if (file.size === 0) return gettext("The file is empty. Choose the slide's file itself.");
  if (!limits.suffixes.includes(suffix))
    return `${gettext("Files with this ending are not taken from the browser:")} ${suffix || gettext("none")}. ${gettext("Expected one of")} ${limits.suffixes.join(", ")}.`;
  if (file.size > limits.max_bytes) return gettext("The file is larger than the server takes. Import it on the server.");
  return "";
}

/** Recognises the same file for the same case after a reload, without its name. */
export function fingerprint(request: UploadRequest): string {
  const { file, project, case: caseName, stain } = request;
  return ["counterstain", project, caseName, stain, file.size, file.lastModified].join("/");
}

/** Start, or take up where an earlier try of the same file ended. Returns how to cancel. */
export async function uploadSlide(endpoint: string, request: UploadRequest, listener: UploadListener): Promise<() => void> {
  const { file, project, case: caseName, stain, mpp } = request;
  const upload = new tus.Upload(file, {
    endpoint,
    metadata: { project, case: caseName, stain, suffix: suffixOf(file.name), ...(mpp ? { mpp } : {}) },
    chunkSize: CHUNK_BYTES,
    retryDelays: RETRY_DELAYS_MS,
    removeFingerprintOnSuccess: true,
    fingerprint: () => Promise.resolve(fingerprint(request)),
    onBeforeRequest: (outgoing) => outgoing.setHeader("X-CSRFToken", csrfToken()),
    onProgress: (sent, total) => listener.progress(sent, total),
    onSuccess: () => listener.done(),
    onError: (error) => listener.failed(uploadMessage(error)),
  });
  const [earlier] = await upload.findPreviousUploads();
  if (earlier) upload.resumeFromPreviousUpload(earlier);
  upload.start();
  return () => void upload.abort(true);
}

/** The server's own words where it answered, else what a person can do. */
export function uploadMessage(error: Error | tus.DetailedError): string {
  const response = "originalResponse" in error ? error.originalResponse : null;
  try {
    const { message } = JSON.parse(response?.getBody() ?? "") as { message?: string };
    if (message) return message;
  } catch {
    // No JSON: the server never answered, or something in between did.
  }
  return gettext("The upload stopped and could not go on. Choose the same file again: it continues where it ended.");
}

/** Bytes per second over the last seconds, for a speed that neither jumps nor lags. */
export class Speed {
  private readonly samples: { at: number; bytes: number }[] = [];

  add(bytes: number, at: number = performance.now()): void {
    this.samples.push({ at, bytes });
    while (this.samples.length > 2 && at - this.samples[0]!.at > 8000) this.samples.shift();
  }

  get bytesPerSecond(): number | null {
    const first = this.samples[0];
    const last = this.samples[this.samples.length - 1];
    if (!first || !last || last.at - first.at < 500) return null;
    return ((last.bytes - first.bytes) * 1000) / (last.at - first.at);
  }
}
