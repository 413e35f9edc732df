/** OpenSeadragon on one slide, spoken to in level-0 pixels only. */
import OpenSeadragon from "openseadragon";
import { centre, level0, level0Rect, type Level0Point, type Level0Rect, screen, type ScreenPoint } from "./geometry";
import { gettext } from "./text";
import type { SlidePayload } from "./payload";
import { magnificationAt, zoomFor } from "./scale";
import { keepTileAccess } from "./tileAccess";
import { MIN_PIXEL_RATIO, NativeTileSource } from "./tileSource";

/** Where a viewer looks: the middle of the window, screen pixels per level-0 pixel, degrees clockwise. */
export interface View {
  centre: Level0Point;
  zoom: number;
  rotation: number;
}

export interface SlideViewerOptions {
  element: HTMLElement;
  slide: SlidePayload;
  navigator?: boolean;
  /** Off where the page decides what is in view and only zooms by wheel. */
  panByDragging?: boolean;
}

const ANIMATION_SECONDS = 0.35;
const LARGEST_ZOOM = 4;
/** A 4K screen just above a switch of levels shows some 580 tiles of 256 px; the screens beside it should stay too. */
const LARGEST_TILE_CACHE = 1500;

export const prefersStillness = (): boolean => window.matchMedia?.("(prefers-reduced-motion: reduce)").matches ?? false;

export class SlideViewer {
  readonly slide: SlidePayload;
  readonly element: HTMLElement;
  readonly osd: OpenSeadragon.Viewer;
  private readonly stopRenewal: () => void;
  private readonly failed = new Set<OpenSeadragon.Tile>();

  constructor({ element, slide, navigator = false, panByDragging = true }: SlideViewerOptions) {
    this.slide = slide;
    this.element = element;
    standInForOsdStyle();
    this.osd = OpenSeadragon(osdOptions(element, slide, navigator, panByDragging));
    this.osd.canvas.setAttribute("aria-label", slide.title);
    const access = keepTileAccess(slide, () => this.askAgain());
    this.osd.addHandler("tile-load-failed", ({ tile }) => {
      this.failed.add(tile);
      access.tileFailed();
    });
    this.stopRenewal = access.stop;
  }

  /** Calls back once the slide is open and every tile in view is drawn, each time that comes true. */
  onDrawn(listener: () => void): void {
    this.osd.addHandler("fully-loaded-change", (event) => {
      if ((event as unknown as { fullyLoaded: boolean }).fullyLoaded) listener();
    });
  }

  /** Every tile in view is there and drawn. */
  get isDrawn(): boolean {
    return this.osd.isOpen() && (this.osd.world.getItemAt(0)?.getFullyLoaded() ?? false);
  }

  onOpen(listener: () => void): void {
    if (this.osd.isOpen()) listener();
    else this.osd.addOnceHandler("open", listener);
  }

  /** At every frame in which the view moves, and when the window changes its size. */
  onMove(listener: () => void): void {
    for (const name of ["open", "viewport-change", "resize", "rotate"] as const) this.osd.addHandler(name, listener);
  }

  onRest(listener: () => void): void {
    this.osd.addHandler("animation-finish", listener);
  }

  /** A click without dragging. */
  onPick(listener: (point: Level0Point) => void): void {
    this.osd.addHandler("canvas-click", (event) => {
      if (event.quick) listener(this.toLevel0(screen(event.position.x, event.position.y)));
    });
  }

  get view(): View {
    const { viewport } = this.osd;
    const middle = viewport.getCenter(true);
    return {
      centre: level0(middle.x * this.slide.width, middle.y * this.slide.width),
      zoom: this.zoomOf(viewport.getZoom(true)),
      rotation: viewport.getRotation(true),
    };
  }

  setView(view: Partial<View>, immediately = false): void {
    const { viewport } = this.osd;
    if (view.rotation !== undefined && view.rotation !== viewport.getRotation())
      viewport.setRotation(view.rotation, immediately);
    if (view.centre) viewport.panTo(this.toViewport(view.centre), immediately);
    if (view.zoom !== undefined)
      viewport.zoomTo((view.zoom * this.slide.width) / viewport.getContainerSize().x, undefined, immediately);
  }

  /** Show a rectangle as large as it fits. */
  fit(rect: Level0Rect, immediately = false): void {
    const size = this.osd.viewport.getContainerSize();
    this.setView({ centre: centre(rect), zoom: Math.min(size.x / rect.width, size.y / rect.height) }, immediately);
  }

  home(): void {
    this.osd.viewport.goHome(prefersStillness());
  }

  zoomBy(factor: number): void {
    this.osd.viewport.zoomBy(factor).applyConstraints();
  }

  /** Move by a share of the window's width and height. */
  panBy(right: number, down: number): void {
    const bounds = this.osd.viewport.getBoundsNoRotate();
    this.osd.viewport.panBy(new OpenSeadragon.Point(right * bounds.width, down * bounds.height)).applyConstraints();
  }

  /** Null while the resolution is unknown. */
  get magnification(): number | null {
    return this.slide.mpp === null ? null : magnificationAt(this.view.zoom, this.slide.mpp);
  }

  magnify(times: number): void {
    if (this.slide.mpp !== null) this.setView({ zoom: zoomFor(times, this.slide.mpp) }, prefersStillness());
  }

  /** The part of the slide in the window; larger than the slide where the window shows its outside. */
  get window(): Level0Rect {
    const bounds = this.osd.viewport.getBounds(true);
    const { width } = this.slide;
    return level0Rect(bounds.x * width, bounds.y * width, bounds.width * width, bounds.height * width);
  }

  toScreen(point: Level0Point): ScreenPoint {
    const pixel = this.osd.viewport.pixelFromPoint(this.toViewport(point), true);
    return screen(pixel.x, pixel.y);
  }

  toLevel0(point: ScreenPoint): Level0Point {
    const at = this.osd.viewport.pointFromPixel(new OpenSeadragon.Point(point.x, point.y), true);
    return level0(at.x * this.slide.width, at.y * this.slide.width);
  }

  get size(): { width: number; height: number } {
    const size = this.osd.viewport.getContainerSize();
    return { width: size.x, height: size.y };
  }

  destroy(): void {
    this.stopRenewal();
    this.osd.destroy();
  }

  /** OpenSeadragon never asks again for a tile that failed, until it is told that the tile exists. */
  private askAgain(): void {
    for (const tile of this.failed) tile.exists = true;
    this.failed.clear();
    this.osd.world.resetItems();
  }

  private toViewport(point: Level0Point): OpenSeadragon.Point {
    return new OpenSeadragon.Point(point.x / this.slide.width, point.y / this.slide.width);
  }

  private zoomOf(viewportZoom: number): number {
    return (viewportZoom * this.osd.viewport.getContainerSize().x) / this.slide.width;
  }
}

/**
 * OpenSeadragon writes a style element into the page unless it finds one of its own; the content security policy would
 * refuse it and log an error. An element of that name outside the HTML namespace is found and does nothing.
 */
function standInForOsdStyle(): void {
  if (document.head.querySelector("style[data-openseadragon-mobile-css]")) return;
  const standIn = document.createElementNS("urn:counterstain", "style");
  standIn.setAttribute("data-openseadragon-mobile-css", "");
  document.head.append(standIn);
}

/** OpenSeadragon's own pictures, buttons and keys stay off: the page brings its own, all of them labelled. */
function osdOptions(
  element: HTMLElement,
  slide: SlidePayload,
  navigator: boolean,
  panByDragging: boolean,
): OpenSeadragon.Options {
  return {
    element,
    tileSources: [new NativeTileSource(slide)],
    // The WebGL drawer was seen to put another tile's pixels into a triangle of a turned slide (OpenSeadragon 6.1.1 on a
    // software GPU). A viewer that shows the wrong tissue is worse than a slower one.
    drawer: ["canvas", "html"],
    showNavigationControl: false,
    keyboardNavEnabled: false,
    showNavigator: navigator,
    navigatorPosition: "TOP_RIGHT",
    navigatorSizeRatio: 0.16,
    navigatorAutoFade: false,
    navigatorOpacity: 1,
    navigatorBackground: "#1b1b1b",
    navigatorBorderColor: "#6f6f6f",
    navigatorDisplayRegionColor: "#ffffff",
    animationTime: prefersStillness() ? 0 : ANIMATION_SECONDS,
    springStiffness: 8,
    blendTime: 0,
    minPixelRatio: MIN_PIXEL_RATIO,
    minZoomImageRatio: 0.5,
    maxZoomPixelRatio: LARGEST_ZOOM,
    visibilityRatio: 0.2,
    preserveImageSizeOnResize: true,
    imageLoaderLimit: 8,
    maxImageCacheCount: LARGEST_TILE_CACHE,
    tileRetryMax: 2,
    tileRetryDelay: 1500,
    timeout: 60_000,
    gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true, dragToPan: panByDragging, flickEnabled: false },
    gestureSettingsTouch: { dragToPan: panByDragging },
  };
}

/** Tell tests and other tools that the page has drawn its slide once. */
export function announceReady(...viewers: SlideViewer[]): void {
  let waiting = viewers.length;
  for (const viewer of viewers) {
    let first = true;
    viewer.onDrawn(() => {
      if (!first) return;
      first = false;
      waiting -= 1;
      if (waiting === 0) document.body.dataset.ready = "1";
    });
  }
}

/** What to call a slide that was made by a model, wherever it is shown. */
export const SYNTHETIC = gettext("SYNTHETIC");
