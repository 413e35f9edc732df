import { vi } from "vitest";

// jsdom draws nothing; OpenSeadragon only asks whether a canvas exists, and falls back to images.
HTMLCanvasElement.prototype.getContext = vi.fn(() => null) as unknown as HTMLCanvasElement["getContext"];

// jsdom has no media queries. Tests stand still, as for a person who asked for less motion.
window.matchMedia = (query: string) =>
  ({ matches: query.includes("reduced-motion"), media: query, addEventListener() {}, removeEventListener() {} }) as unknown as MediaQueryList;

// jsdom knows the element but not how to open it.
HTMLDialogElement.prototype.showModal ??= function showModal() {
  this.open = true;
};
