/** What stands round a slide: title, badges, scale bar, magnification, buttons, and the mark of a synthetic slide. */
import { find, make, setText } from "./dom";
import { length, magnification } from "./format";
import { icon, type IconName } from "./icons";
import { scaleBar } from "./scale";
import type { Shortcut } from "./shortcuts";
import { type SlideViewer, SYNTHETIC } from "./slideViewer";
import { gettext } from "./text";
import type { SlidePayload } from "./payload";

const LONGEST_BAR_PX = 140;
const MAGNIFICATIONS = [5, 10, 20, 40];

/** Title and badges at the top left; a synthetic slide also gets its frame and band. */
export function labelViewer(host: HTMLElement, slide: SlidePayload, title = `${slide.case} · ${slide.stain_name}`): void {
  const badges = make("div", { class: "viewer-title" }, make("span", { class: "viewer-name" }, title), ...badgesOf(slide));
  host.append(badges);
  if (slide.synthetic) host.append(syntheticFrame());
}

export function badgesOf(slide: SlidePayload): HTMLElement[] {
  const badges: HTMLElement[] = [];
  if (slide.synthetic) badges.push(make("span", { class: "badge badge-synthetic" }, SYNTHETIC));
  if (slide.drawn) badges.push(make("span", { class: "badge badge-drawn" }, gettext("DRAWN TISSUE")));
  if (slide.mpp_source === "hand")
    badges.push(make("span", { class: "badge", title: slide.mpp_note }, gettext("scale supplied by hand")));
  if (slide.colour === "srgb") badges.push(make("span", { class: "badge", title: slide.colour_note }, "sRGB"));
  return badges;
}

/** A border all round and a band that repeats the word. Screen readers get the badge instead. */
export function syntheticFrame(): HTMLElement {
  const band = (place: string): HTMLElement =>
    make("div", { class: `synthetic-band ${place}` }, Array.from({ length: 24 }, () => SYNTHETIC).join("  ·  "));
  return make("div", { class: "synthetic-frame", "aria-hidden": "true" }, band("bottom"));
}

/** Scale bar with magnification; says so when the slide's resolution is unknown. */
export function addScaleBar(host: HTMLElement, viewer: SlideViewer): void {
  const bar = make("i");
  const text = make("span");
  host.append(make("div", { class: "scale-bar" }, bar, text));
  const { mpp } = viewer.slide;
  if (mpp === null) {
    setText(text, gettext("scale unknown: mpp not supplied"));
    return;
  }
  const draw = (): void => {
    const { lengthUm, widthPx } = scaleBar(mpp / viewer.view.zoom, LONGEST_BAR_PX);
    bar.style.width = `${widthPx}px`;
    setText(text, `${length(lengthUm)} · ${magnification(viewer.magnification ?? 0)}`);
  };
  viewer.onMove(draw);
  // The view may have been set before anybody listened.
  viewer.onOpen(draw);
}

/** What moves a viewer: a table of keys, of which `addToolbar` makes buttons too. */
export function viewShortcuts(viewer: SlideViewer, fullScreen: HTMLElement): Shortcut[] {
  const group = gettext("View");
  const move = gettext("Move");
  const pan = (right: number, down: number) => () => viewer.panBy(right, down);
  return [
    { keys: ["+", "="], what: gettext("zoom in"), group, run: () => viewer.zoomBy(1.5), repeats: true },
    { keys: ["-"], what: gettext("zoom out"), group, run: () => viewer.zoomBy(1 / 1.5), repeats: true },
    { keys: ["0", "H"], what: gettext("whole slide"), group, run: () => viewer.home() },
    ...(viewer.slide.mpp === null ? [] : magnificationShortcuts(viewer, group)),
    { keys: ["F"], what: gettext("full screen"), group, run: () => toggleFullScreen(fullScreen) },
    { keys: ["←"], what: gettext("left"), group: move, run: pan(-0.15, 0), repeats: true },
    { keys: ["→"], what: gettext("right"), group: move, run: pan(0.15, 0), repeats: true },
    { keys: ["↑"], what: gettext("up"), group: move, run: pan(0, -0.15), repeats: true },
    { keys: ["↓"], what: gettext("down"), group: move, run: pan(0, 0.15), repeats: true },
  ];
}

/** A button for each shortcut that changes the view; moving is done by dragging. */
export function addToolbar(host: HTMLElement, shortcuts: readonly Shortcut[]): void {
  const icons: Record<string, IconName> = {
    "+": "plus",
    "-": "minus",
    "0": "whole",
    F: "fullScreen",
    R: "turnRight",
    M: "ruler",
    C: "link",
  };
  const shown = shortcuts.filter(({ keys, group }) => group === gettext("View") || keys[0]! in icons);
  const bar = make("div", { class: "viewer-toolbar", role: "toolbar", "aria-label": gettext("View") });
  for (const shortcut of shown) {
    const key = shortcut.keys[0]!;
    const button = make(
      "button",
      { type: "button", title: `${shortcut.what} (${key})`, "aria-label": shortcut.what, "data-key": key },
      icons[key] ? icon(icons[key]) : shortcut.what,
    );
    button.addEventListener("click", (event) => {
      if (event.detail) button.blur();
      shortcut.run(new KeyboardEvent("keydown"));
    });
    bar.append(button);
  }
  host.append(bar);
}

function magnificationShortcuts(viewer: SlideViewer, group: string): Shortcut[] {
  return MAGNIFICATIONS.map((times, index) => ({
    keys: [String(index + 1)],
    what: magnification(times),
    group,
    run: () => viewer.magnify(times),
  }));
}

function toggleFullScreen(element: HTMLElement): void {
  if (document.fullscreenElement) void document.exitFullscreen();
  else void element.requestFullscreen?.();
}

/** A line of text above everything in a viewer, for what a person must know before looking. */
export function addNotice(host: HTMLElement, text: string): void {
  if (text) host.append(make("p", { class: "viewer-notice", role: "note" }, text));
}

/** The host that a page's template gave for a viewer: a positioned box with the canvas inside. */
export const canvasOf = (host: HTMLElement): HTMLElement => find(".viewer-canvas", host);
