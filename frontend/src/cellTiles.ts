/** Counted cells as tiles: fetched once as binary columns, kept while they are of use. */
import { getBytes, urls } from "./api";
import { level0Rect, type Level0Rect } from "./geometry";

/** Level-0 pixels that a tile of the finest level covers; each level doubles it. */
export const CELL_TILE_PX = 1024;
const COARSEST_LEVEL = 12;
/** A tile is taken from the level at which it is about so large on the screen. */
const LEAST_TILE_ON_SCREEN_PX = 520;
const MOST_KEPT = 160;
const COLUMNS_AT_A_TIME = 6;

export interface CellTile {
  rect: Level0Rect;
  /** Cells and positive cells of the tile; fewer may be listed. */
  total: number;
  positive: number;
  index: Uint32Array;
  x: Float32Array;
  y: Float32Array;
  areaUm2: Float32Array;
  dab: Float32Array;
  isPositive: Uint8Array;
}

export type TileName = { level: number; column: number; row: number };
export type FetchTile = (score: number, tile: TileName) => Promise<ArrayBuffer>;

export const tileSide = (level: number): number => CELL_TILE_PX * 2 ** level;

/** The level whose tiles have a handy size at a zoom (screen pixels per level-0 pixel). */
export function levelFor(zoom: number): number {
  const level = Math.ceil(Math.log2(LEAST_TILE_ON_SCREEN_PX / (CELL_TILE_PX * zoom)));
  return Math.min(COARSEST_LEVEL, Math.max(0, level));
}

/** Tiles of a level that a window touches, those inside the slide only. */
export function tilesIn(window: Level0Rect, level: number, slide: { width: number; height: number }): TileName[] {
  const side = tileSide(level);
  const first = { column: Math.max(0, Math.floor(window.x / side)), row: Math.max(0, Math.floor(window.y / side)) };
  const right = Math.min(slide.width, window.x + window.width);
  const bottom = Math.min(slide.height, window.y + window.height);
  const names: TileName[] = [];
  for (let row = first.row; row * side < bottom; row += 1)
    for (let column = first.column; column * side < right; column += 1) names.push({ level, column, row });
  return names;
}

export function decodeTile(bytes: ArrayBuffer, { level, column, row }: TileName): CellTile {
  const [listed, total, positive] = new Uint32Array(bytes, 0, 3) as unknown as [number, number, number];
  const at = (place: number): number => 12 + 4 * listed * place;
  const floats = (place: number): Float32Array => new Float32Array(bytes, at(place), listed);
  const side = tileSide(level);
  return {
    rect: level0Rect(column * side, row * side, side, side),
    total,
    positive,
    index: new Uint32Array(bytes, at(0), listed),
    x: floats(1),
    y: floats(2),
    areaUm2: floats(3),
    dab: floats(4),
    isPositive: new Uint8Array(bytes, at(5), listed),
  };
}

const keyOf = ({ level, column, row }: TileName): string => `${level}/${column}_${row}`;

export class CellTiles {
  private readonly tiles = new Map<string, CellTile>();
  private readonly asked = new Set<string>();
  private waiting: TileName[] = [];

  constructor(
    private readonly score: number,
    private readonly onLoad: () => void,
    private readonly fetchTile: FetchTile = (score, tile) => getBytes(urls.cellTile(score, tile)),
  ) {}

  get(name: TileName): CellTile | null {
    const key = keyOf(name);
    const tile = this.tiles.get(key);
    if (!tile) return null;
    // The map's order is that of last use.
    this.tiles.delete(key);
    this.tiles.set(key, tile);
    return tile;
  }

  /** Ask for what is missing of these tiles, and for nothing that was wanted before and is not any more. */
  want(names: readonly TileName[]): void {
    this.waiting = names.filter((name) => !this.tiles.has(keyOf(name)) && !this.asked.has(keyOf(name)));
    this.next();
  }

  private next(): void {
    while (this.asked.size < COLUMNS_AT_A_TIME && this.waiting.length) void this.load(this.waiting.shift()!);
  }

  private async load(name: TileName): Promise<void> {
    const key = keyOf(name);
    this.asked.add(key);
    try {
      this.tiles.set(key, decodeTile(await this.fetchTile(this.score, name), name));
      for (const old of this.tiles.keys()) {
        if (this.tiles.size <= MOST_KEPT) break;
        this.tiles.delete(old);
      }
      this.onLoad();
    } catch {
      // What is there stays; the next move asks again.
    } finally {
      this.asked.delete(key);
      this.next();
    }
  }
}
