/** The position in the address, so that it can be shared: #x=12000&y=8000&z=0.5 (level-0 pixels; screen px per pixel). */
import { level0, type Level0Point } from "./geometry";
import type { SlideViewer } from "./slideViewer";

export type Position = { centre: Level0Point; zoom: number };

export function readHash(hash: string): Position | null {
  const fields = new URLSearchParams(hash.replace(/^#/, ""));
  const [x, y, zoom] = ["x", "y", "z"].map((name) => (fields.has(name) ? Number(fields.get(name)) : NaN));
  const usable = Number.isFinite(x) && Number.isFinite(y) && Number.isFinite(zoom) && zoom! > 0;
  return usable ? { centre: level0(x!, y!), zoom: zoom! } : null;
}

export function writeHash({ centre, zoom }: Position): string {
  return `#x=${Math.round(centre.x)}&y=${Math.round(centre.y)}&z=${Number(zoom.toPrecision(4))}`;
}

/** Follow the viewer in the address, and the address in the viewer. */
export function shareView(viewer: SlideViewer): void {
  const follow = (immediately: boolean): void => {
    const position = readHash(location.hash);
    if (position) viewer.setView(position, immediately);
  };
  viewer.onOpen(() => {
    follow(true);
    viewer.onRest(() => history.replaceState(history.state, "", writeHash(viewer.view)));
  });
  window.addEventListener("hashchange", () => follow(false));
}
