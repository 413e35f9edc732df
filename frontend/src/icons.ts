/** The few icons that no font can be trusted with, drawn as strokes on a 16 px square. */
const SVG = "http://www.w3.org/2000/svg";
const STROKES = {
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  whole: "M2.5 2.5h11v11h-11zM5.5 5.5h5v5h-5z",
  fullScreen: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
  turnRight: "M12.5 8A4.5 4.5 0 1 1 8 3.5h4M9.5 1l2.7 2.5L9.5 6",
  ruler: "M1.5 10.5l9-9 4 4-9 9zM4 8l1.5 1.5M6 6l2.2 2.2M8 4l1.5 1.5",
  link: "M6.8 9.2l2.4-2.4M7.3 4.7l1.6-1.6a2.8 2.8 0 0 1 4 4l-1.6 1.6M8.7 11.3l-1.6 1.6a2.8 2.8 0 0 1-4-4l1.6-1.6",
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
