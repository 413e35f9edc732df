/** Small pictures of patches made of tiles that exist anyway, and tiles fetched before they are needed. */
import { grow, level0Rect } from "./geometry";
import type { PatchPayload, SlidePayload } from "./payload";
import { levelDrawnAt, tileExtent, tilesIn, tileUrl } from "./tileSource";

const MOST_REMEMBERED = 4000;

export function loadImage(url: string): Promise<HTMLImageElement> {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.decoding = "async";
    image.onload = () => resolve(image);
    image.onerror = () => reject(new Error(`Tile ${url} did not load.`));
    image.src = url;
  });
}

/** Draw a patch into a canvas of its own size from the coarsest tiles that still fill it. */
export async function drawPatch(canvas: HTMLCanvasElement, slide: SlidePayload, patch: PatchPayload): Promise<void> {
  const context = canvas.getContext("2d");
  if (!context) return;
  const zoom = Math.max(canvas.width, canvas.height) / patch.size;
  const levelIndex = levelDrawnAt(slide, zoom / 2, 1);
  const level = slide.levels[levelIndex]!;
  canvas.dataset.patch = String(patch.id);
  const addresses = tilesIn(slide, levelIndex, { x: patch.x, y: patch.y, width: patch.size, height: patch.size });
  await Promise.all(
    addresses.map(async (address) => {
      const tile = await loadImage(tileUrl(slide, address)).catch(() => null);
      // The canvas may have been given to another patch while the tile was on its way.
      if (!tile || canvas.dataset.patch !== String(patch.id)) return;
      const scale = level.downsample * zoom;
      const { width, height } = tileExtent(level, address.column, address.row);
      const left = (address.column * level.tile_width * level.downsample - patch.x) * zoom;
      const top = (address.row * level.tile_height * level.downsample - patch.y) * zoom;
      context.drawImage(tile, 0, 0, width, height, left, top, width * scale, height * scale);
    }),
  );
}

/** Fetches the tiles of coming patches into the browser's cache, each once. */
export class Prefetcher {
  private readonly asked = new Set<string>();

  constructor(
    private readonly slide: SlidePayload,
    private readonly fetchTile: (url: string) => void = quietly,
  ) {}

  /** zoom: screen pixels per level-0 pixel at which the patches will be shown. */
  prefetch(patches: readonly PatchPayload[], zoom: number, margin = 1): void {
    const level = levelDrawnAt(this.slide, zoom, window.devicePixelRatio || 1);
    if (this.asked.size > MOST_REMEMBERED) this.asked.clear();
    for (const patch of patches) {
      const rect = grow(level0Rect(patch.x, patch.y, patch.size, patch.size), margin);
      for (const address of tilesIn(this.slide, level, rect)) {
        const url = tileUrl(this.slide, address);
        if (this.asked.has(url)) continue;
        this.asked.add(url);
        this.fetchTile(url);
      }
    }
  }
}

function quietly(url: string): void {
  const image = new Image();
  image.fetchPriority = "low";
  image.src = url;
}
