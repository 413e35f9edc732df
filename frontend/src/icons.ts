/** The few icons that no font can be trusted with, drawn as strokes on a 16 px square. */
const SVG = "http://www.w3.org/2000/svg";
const STROKES = {
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  whole: "M2.5 2.5h11v11h-11zM5.5 5.5h5v5h-5z",
  fullScreen: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
} as const;
export type IconName = keyof typeof STROKES;

export function icon(name: IconName): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", STROKES[name]);
  svg.append(path);
  return svg;
}
