/**
 * Keep the right to fetch tiles. The server checks membership once and sets a cookie that lasts `token_seconds`; it is
 * renewed before it ends, after the computer slept, and when a tile is refused.
 */
import { post } from "./api";

const RENEW_AT_SHARE = 0.8;
const FIRST_PAUSE_MS = 20_000;

export function keepTileAccess(
  slide: { open_url: string; token_seconds: number },
  redraw: () => void,
  now: () => number = Date.now,
): { tileFailed: () => void; renew: () => Promise<boolean>; stop: () => void } {
  const renewAfterMs = slide.token_seconds * 1000 * RENEW_AT_SHARE;
  let renewedAt = now();
  let triedAt = -Infinity;
  let pauseMs = FIRST_PAUSE_MS;

  const renew = async (): Promise<boolean> => {
    triedAt = now();
    try {
      await post(slide.open_url);
      renewedAt = now();
      return true;
    } catch {
      // The next tick, tile or return to the page tries again; the viewer shows what it has.
      return false;
    }
  };

  const tileFailed = (): void => {
    if (now() - triedAt < pauseMs) return;
    // A tile that is broken, not refused, fails again: ask less and less often.
    if (triedAt !== -Infinity) pauseMs *= 2;
    void renew().then((renewed) => renewed && redraw());
  };

  const onReturn = (): void => {
    if (document.visibilityState === "visible" && now() - renewedAt >= renewAfterMs) void renew();
  };

  const timer = setInterval(() => void renew(), renewAfterMs);
  document.addEventListener("visibilitychange", onReturn);
  const stop = (): void => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", onReturn);
  };
  return { tileFailed, renew, stop };
}
