/** Pictures of the patches that come next, painted by a worker while the reader looks at this one. */
import { level0Rect } from "./geometry";
import type { Frame, PicturePlan } from "./patchPicture";
import type { PatchPayload, SlidePayload } from "./payload";
import { levelDrawnAt, tileExtent, tilesIn, tileUrl } from "./tileSource";

/** Of one page: eight pictures of a usual window, three of a very large one. */
const MEMORY_BYTES = 96 * 2 ** 20;
const [FEWEST_KEPT, MOST_KEPT] = [3, 8];

/** Answers each plan with its picture, or with null where a tile could not be had. */
export type Painter = Pick<Worker, "postMessage" | "onmessage">;

export function paintingWorker(): Painter | null {
  if (typeof Worker === "undefined" || typeof OffscreenCanvas === "undefined") return null;
  return new Worker(new URL("./pictureWorker.ts", import.meta.url), { type: "module" });
}

export class PatchPictures {
  /** By patch; the one that was shown or painted last comes last. */
  private readonly painted = new Map<number, ImageBitmap>();
  private frame: Frame | null = null;
  private coming: readonly PatchPayload[] = [];
  private busy = false;

  constructor(
    private readonly slide: SlidePayload,
    private readonly painter: Painter | null = paintingWorker(),
  ) {}

  /** The picture of a patch in this frame; null while there is none. */
  of(patch: PatchPayload, frame: Frame): ImageBitmap | null {
    this.use(frame);
    const picture = this.painted.get(patch.id);
    if (!picture) return null;
    this.painted.delete(patch.id);
    this.painted.set(patch.id, picture);
    return picture;
  }

  /**
   * Have the coming patches painted, the next one first. What was asked for before, and is not begun, is dropped.
   * Returns those for which there is no room.
   */
  prepare(coming: readonly PatchPayload[], frame: Frame): readonly PatchPayload[] {
    if (!this.painter) return coming;
    this.use(frame);
    this.coming = coming.slice(0, this.mostKept - 1);
    this.paintNext();
    return coming.slice(this.mostKept - 1);
  }

  private get mostKept(): number {
    const { width, height, density } = this.frame!;
    return Math.min(MOST_KEPT, Math.max(FEWEST_KEPT, Math.floor(MEMORY_BYTES / (4 * width * height * density ** 2))));
  }

  private use(frame: Frame): void {
    if (this.frame && sameFrame(this.frame, frame)) return;
    this.frame = frame;
    for (const picture of this.painted.values()) picture.close();
    this.painted.clear();
  }

  private paintNext(): void {
    const next = this.coming.find((patch) => !this.painted.has(patch.id));
    const { frame } = this;
    if (!next || this.busy || !frame || !this.painter) return;
    this.busy = true;
    this.painter.onmessage = ({ data }: MessageEvent<ImageBitmap | null>) => {
      this.busy = false;
      if (data) this.keep(next, frame, data);
      // A tile that could not be had: the viewer asks again when the patch is on stage.
      else this.coming = this.coming.filter((patch) => patch !== next);
      this.paintNext();
    };
    this.painter.postMessage(planPicture(this.slide, next, frame));
  }

  private keep(patch: PatchPayload, frame: Frame, picture: ImageBitmap): void {
    // The window may have changed its size in the meantime.
    if (frame !== this.frame) return picture.close();
    this.painted.set(patch.id, picture);
    const passed = [...this.painted.keys()].filter((id) => !this.coming.some((one) => one.id === id));
    for (const id of passed.slice(0, Math.max(0, this.painted.size - this.mostKept))) {
      this.painted.get(id)!.close();
      this.painted.delete(id);
    }
  }
}

function sameFrame(one: Frame, other: Frame): boolean {
  return (Object.keys(one) as (keyof Frame)[]).every((key) => one[key] === other[key]);
}

/** The tiles that a viewer would draw. They are put together first and scaled once, so that no seam shows. */
export function planPicture(slide: SlidePayload, patch: PatchPayload, frame: Frame): PicturePlan {
  const zoom = frame.side / patch.size;
  const levelIndex = levelDrawnAt(slide, zoom, frame.density);
  const level = slide.levels[levelIndex]!;
  const seen = level0Rect(patch.x - frame.left / zoom, patch.y - frame.top / zoom, frame.width / zoom, frame.height / zoom);
  const addresses = tilesIn(slide, levelIndex, seen);
  const first = addresses[0]!;
  const [x, y] = [first.column * level.tile_width, first.row * level.tile_height];
  const tiles = addresses.map((address) => ({
    url: tileUrl(slide, address),
    left: address.column * level.tile_width - x,
    top: address.row * level.tile_height - y,
    ...tileExtent(level, address.column, address.row),
  }));
  const { downsample } = level;
  return {
    frame,
    mosaic: {
      width: Math.max(...tiles.map((tile) => tile.left + tile.width)),
      height: Math.max(...tiles.map((tile) => tile.top + tile.height)),
      left: frame.left + (x * downsample - patch.x) * zoom,
      top: frame.top + (y * downsample - patch.y) * zoom,
      scale: downsample * zoom,
    },
    tiles,
  };
}
