/** The thumbnail under a viewer until its tiles are drawn: the slide is there at once, and becomes sharp. */
import { make } from "./dom";
import { level0 } from "./geometry";
import type { SlideViewer } from "./slideViewer";

/** Enlarged beyond this the thumbnail shows nothing that helps. */
const LARGEST_PX = 20_000;

export function showPlaceholder(viewer: SlideViewer): HTMLImageElement {
  const { slide } = viewer;
  const image = make("img", { class: "viewer-placeholder", src: slide.thumbnail_url, alt: "", "aria-hidden": "true" });
  viewer.element.prepend(image);
  const place = (): void => {
    if (!image.isConnected || !viewer.osd.isOpen()) return;
    const { zoom, rotation } = viewer.view;
    const corner = viewer.toScreen(level0(0, 0));
    image.hidden = Math.max(slide.width, slide.height) * zoom > LARGEST_PX;
    image.style.width = `${slide.width * zoom}px`;
    image.style.height = `${slide.height * zoom}px`;
    image.style.transform = `translate(${corner.x}px, ${corner.y}px) rotate(${rotation}deg)`;
  };
  viewer.onMove(place);
  viewer.onOpen(place);
  viewer.onDrawn(() => image.remove());
  return image;
}
