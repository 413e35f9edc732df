/**
 * Tiles on the slide's own grid: each served level has its own size, tile size and downsample, nothing is resampled.
 *
 * The server counts levels from the finest (0); OpenSeadragon from the coarsest. A tile covers tile size × downsample
 * level-0 pixels; tiles at the right and lower edge may come cropped or padded, only their part inside the level is drawn.
 */
import OpenSeadragon from "openseadragon";
import type { ServedLevel, SlidePayload } from "./payload";

export type TileAddress = { level: number; column: number; row: number };

export function tileUrl(slide: Pick<SlidePayload, "tile_url">, { level, column, row }: TileAddress): string {
  return slide.tile_url
    .replace("{level}", String(level))
    .replace("{col}", String(column))
    .replace("{row}", String(row));
}

export function tilesAcross(level: ServedLevel): { columns: number; rows: number } {
  return {
    columns: Math.max(1, Math.ceil(level.width / level.tile_width)),
    rows: Math.max(1, Math.ceil(level.height / level.tile_height)),
  };
}

/** The part of a tile that lies inside its level, in pixels of the level. */
export function tileExtent(level: ServedLevel, column: number, row: number): { width: number; height: number } {
  return {
    width: Math.min(level.tile_width, level.width - column * level.tile_width),
    height: Math.min(level.tile_height, level.height - row * level.tile_height),
  };
}

/** Addresses of the tiles of one level that a rectangle of level-0 pixels touches. */
export function tilesIn(
  slide: Pick<SlidePayload, "levels">,
  levelIndex: number,
  rect: { x: number; y: number; width: number; height: number },
): TileAddress[] {
  const level = slide.levels[levelIndex];
  if (!level) return [];
  const { columns, rows } = tilesAcross(level);
  const stepX = level.tile_width * level.downsample;
  const stepY = level.tile_height * level.downsample;
  const clamp = (value: number, most: number): number => Math.min(Math.max(value, 0), most);
  const firstColumn = clamp(Math.floor(rect.x / stepX), columns - 1);
  const lastColumn = clamp(Math.ceil((rect.x + rect.width) / stepX) - 1, columns - 1);
  const firstRow = clamp(Math.floor(rect.y / stepY), rows - 1);
  const lastRow = clamp(Math.ceil((rect.y + rect.height) / stepY) - 1, rows - 1);
  const addresses: TileAddress[] = [];
  for (let row = firstRow; row <= lastRow; row += 1)
    for (let column = firstColumn; column <= lastColumn; column += 1) addresses.push({ level: levelIndex, column, row });
  return addresses;
}

/**
 * OpenSeadragon draws the finest level of which a pixel takes at least this much of a screen pixel. At 0.5, its own choice,
 * every magnification key would just miss the level that fits it exactly and fetch four times as many tiles.
 */
export const MIN_PIXEL_RATIO = 0.55;

/** The level that OpenSeadragon will draw at a zoom (screen pixels per level-0 pixel). */
export function levelDrawnAt(slide: Pick<SlidePayload, "levels">, zoom: number, pixelDensity: number): number {
  const index = slide.levels.findIndex((level) => zoom * level.downsample * pixelDensity >= MIN_PIXEL_RATIO);
  return index === -1 ? slide.levels.length - 1 : index;
}

export class NativeTileSource extends OpenSeadragon.TileSource {
  private readonly slide: SlidePayload;

  constructor(slide: SlidePayload) {
    const finest = slide.levels[0];
    if (!finest) throw new Error(`Slide ${slide.id} has no served level.`);
    super({
      width: slide.width,
      height: slide.height,
      tileWidth: finest.tile_width,
      tileHeight: finest.tile_height,
      minLevel: 0,
      maxLevel: slide.levels.length - 1,
    });
    this.slide = slide;
  }

  private served(level: number): ServedLevel {
    return this.slide.levels[this.servedIndex(level)]!;
  }

  private servedIndex(level: number): number {
    return Math.min(Math.max(this.slide.levels.length - 1 - level, 0), this.slide.levels.length - 1);
  }

  override getLevelScale(level: number): number {
    return 1 / this.served(level).downsample;
  }

  override getTileWidth(level: number): number {
    return this.served(level).tile_width;
  }

  override getTileHeight(level: number): number {
    return this.served(level).tile_height;
  }

  override getNumTiles(level: number): OpenSeadragon.Point {
    const { columns, rows } = tilesAcross(this.served(level));
    return new OpenSeadragon.Point(columns, rows);
  }

  override getTileAtPoint(level: number, point: OpenSeadragon.Point): OpenSeadragon.Tile {
    const served = this.served(level);
    const { columns, rows } = tilesAcross(served);
    const perTile = (size: number): number => (size * served.downsample) / this.slide.width;
    // OpenSeadragon's own implementation returns a point, whatever its type says.
    return new OpenSeadragon.Point(
      Math.min(Math.floor(point.x / perTile(served.tile_width)), columns - 1),
      Math.min(Math.floor(point.y / perTile(served.tile_height)), rows - 1),
    ) as unknown as OpenSeadragon.Tile;
  }

  override getTileBounds(level: number, x: number, y: number, isSource?: boolean): OpenSeadragon.Rect {
    const served = this.served(level);
    const { width, height } = tileExtent(served, x, y);
    if (isSource) return new OpenSeadragon.Rect(0, 0, width, height);
    const scale = served.downsample / this.slide.width;
    return new OpenSeadragon.Rect(
      x * served.tile_width * scale,
      y * served.tile_height * scale,
      width * scale,
      height * scale,
    );
  }

  override getTileUrl(level: number, x: number, y: number): string {
    return tileUrl(this.slide, { level: this.servedIndex(level), column: x, row: y });
  }
}
