/**
 * The position in the address, so that it can be shared: #x=12000&y=8000&z=0.5&r=90 (level-0 pixels; screen pixels per
 * level-0 pixel; degrees, left out when 0).
 */
import { level0, type Level0Point } from "./geometry";
import type { SlideViewer } from "./slideViewer";

const AFTER_TURN_MS = 600;

export type Position = { centre: Level0Point; zoom: number; rotation: number };

export function readHash(hash: string): Position | null {
  const fields = new URLSearchParams(hash.replace(/^#/, ""));
  const [x, y, zoom] = ["x", "y", "z"].map((name) => (fields.has(name) ? Number(fields.get(name)) : NaN));
  const usable = Number.isFinite(x) && Number.isFinite(y) && Number.isFinite(zoom) && zoom! > 0;
  const rotation = Number(fields.get("r") ?? 0);
  return usable ? { centre: level0(x!, y!), zoom: zoom!, rotation: Number.isFinite(rotation) ? rotation : 0 } : null;
}

export function writeHash({ centre, zoom, rotation }: Position): string {
  const turned = Math.round((((rotation % 360) + 360) % 360) * 10) / 10;
  const position = `#x=${Math.round(centre.x)}&y=${Math.round(centre.y)}&z=${Number(zoom.toPrecision(4))}`;
  return turned ? `${position}&r=${turned}` : position;
}

/** Put the address of the view into the clipboard; where the browser refuses that, it is at least in the address bar. */
export async function copyLink(viewer: SlideViewer): Promise<{ address: string; copied: boolean }> {
  history.replaceState(history.state, "", writeHash(viewer.view));
  const address = location.href;
  try {
    await navigator.clipboard.writeText(address);
    return { address, copied: true };
  } catch {
    // No clipboard without TLS, or the person refused it.
    return { address, copied: false };
  }
}

/** Follow the viewer in the address, and the address in the viewer. */
export function shareView(viewer: SlideViewer): void {
  const follow = (immediately: boolean): void => {
    const position = readHash(location.hash);
    if (position) viewer.setView(position, immediately);
  };
  viewer.onOpen(() => {
    follow(true);
    const note = (): void => history.replaceState(history.state, "", writeHash(viewer.view));
    viewer.onRest(note);
    // Without animation a turn is no rest; in the midst of one the old position must not overwrite the new address.
    let noting: ReturnType<typeof setTimeout> | undefined;
    viewer.osd.addHandler("rotate", () => {
      clearTimeout(noting);
      noting = setTimeout(note, AFTER_TURN_MS);
    });
  });
  window.addEventListener("hashchange", () => follow(false));
}
