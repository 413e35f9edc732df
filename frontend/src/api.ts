/** The one place that talks to the server: CSRF, errors, addresses. */
import { gettext } from "./text";

/** The server answered and refused. `message` is written for the reader; `extra` says more, field by field. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  constructor(
    message: string,
    readonly status: number,
    readonly extra: Record<string, unknown> = {},
  ) {
    super(message);
  }
}

/** No answer came: cable out, server restarting. Worth another try. */
export class NetworkError extends Error {
  override readonly name = "NetworkError";
}

/** Worth another try unchanged: no answer, server overloaded or restarting. */
export function isTemporary(error: unknown): boolean {
  return error instanceof NetworkError || (error instanceof ApiError && (error.status >= 500 || error.status === 429));
}

export function csrfToken(): string {
  const cookie = document.cookie.match(/(?:^|;\s*)csrftoken=([^;]+)/);
  if (cookie) return decodeURIComponent(cookie[1]!);
  return document.querySelector<HTMLMetaElement>("meta[name=csrf-token]")?.content ?? "";
}

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export async function request<T>(method: Method, url: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRFToken"] = csrfToken();
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers,
      credentials: "same-origin",
      redirect: "manual",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch {
    throw new NetworkError(gettext("The server does not answer. Check the connection; your work is kept here."));
  }
  if (response.type === "opaqueredirect") {
    throw new ApiError(gettext("You are signed out. Sign in in another tab, then try again."), 401);
  }
  const text = await response.text();
  const data: unknown = parse(text);
  if (!response.ok) throw errorFrom(response.status, data);
  return data as T;
}

function parse(text: string): unknown {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

function errorFrom(status: number, data: unknown): ApiError {
  const { message, extra } = (data ?? {}) as { message?: string; extra?: Record<string, unknown> };
  return new ApiError(message || standardMessage(status), status, extra ?? {});
}

function standardMessage(status: number): string {
  if (status === 401) return gettext("You are signed out. Sign in in another tab, then try again.");
  if (status === 403) return gettext("You may not do this in this project. Ask a project lead for the role.");
  if (status === 404) return gettext("This is not here any more, or not yours to see. Reload the page.");
  if (status === 413) return gettext("This is larger than the server takes.");
  if (status >= 500) return gettext("The server failed. Try again in a moment; if it stays, tell the site's administrator.");
  return gettext("The server refused this.");
}

/** Bytes of a binary answer. */
export async function getBytes(url: string): Promise<ArrayBuffer> {
  let response: Response;
  try {
    response = await fetch(url, { credentials: "same-origin", redirect: "manual" });
  } catch {
    throw new NetworkError(gettext("The server does not answer. Check the connection; your work is kept here."));
  }
  if (!response.ok) throw errorFrom(response.status, null);
  return response.arrayBuffer();
}

export const get = <T>(url: string): Promise<T> => request<T>("GET", url);
export const post = <T>(url: string, body: unknown = {}): Promise<T> => request<T>("POST", url, body);
export const put = <T>(url: string, body: unknown): Promise<T> => request<T>("PUT", url, body);

/** A list answer, paged or not. */
export async function list<T>(url: string): Promise<T[]> {
  const answer = await get<T[] | { results: T[] }>(url);
  return Array.isArray(answer) ? answer : answer.results;
}

const API = "/api/v1";
export const urls = {
  imports: (project: string) => `${API}/imports/?project=${encodeURIComponent(project)}`,
  uploads: `${API}/uploads/`,
  supplyMpp: (slide: number) => `${API}/slides/${slide}/mpp/`,
  score: (score: number) => `${API}/scores/${score}/`,
  cellTile: (score: number, { level, column, row }: { level: number; column: number; row: number }) =>
    `${API}/scores/${score}/tiles/${level}/${column}_${row}/`,
  edits: (score: number) => `${API}/scores/${score}/edits/`,
  summary: (score: number, query: Record<string, string>) => `${API}/scores/${score}/summary/?${new URLSearchParams(query)}`,
  window: (slide: number, at: { x: number; y: number; side_um: number }) =>
    `${API}/windows/?slide=${slide}&x=${at.x}&y=${at.y}&side_um=${at.side_um}`,
  /** A region with its corners on the source slide; null: the tumour patches. */
  extent: (slide: number, corners: readonly (readonly [number, number])[] | null) =>
    `${API}/extents/?slide=${slide}&extent=${corners ? `region&corners=${corners.map((corner) => corner.join(",")).join("+")}` : "tumor"}`,
  hotSpots: (slide: number) => `${API}/hot-spots/?slide=${slide}`,
  alignments: `${API}/alignments/`,
  drafts: `${API}/drafts/`,
  reopen: (review: number) => `${API}/reviews/${review}/reopen/`,
};

/** What to tell the reader about any failure. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
