/** Counted nuclei over a slide, drawn from tiles: rings near by, dots far out. Panning moves painted pictures only. */
import { CanvasLayer } from "./canvasLayer";
import { type EditedCells, NO_EDITS, type PickedCell } from "./cellEdits";
import { type CellFilter, MARGIN_PX, marksOf, paintMarks } from "./cellPainter";
import { type CellTile, CellTiles, type FetchTile, levelFor, type TileName, tilesIn } from "./cellTiles";
import { grow, level0, type Level0Point } from "./geometry";
import type { SlideViewer } from "./slideViewer";

export { NEGATIVE_COLOUR, POSITIVE_COLOUR } from "./cellPainter";

/** Tiles a little outside of the window are painted before they come into view. */
const AHEAD = 1.3;
/** Pictures are painted again when the zoom has changed by more than this factor. */
const STALE_FACTOR = 1.4;
const PAINTED_PER_FRAME = 2;
const LARGEST_PICTURE_PX = 2400;

export interface OverlayState {
  shown: boolean;
  /** Listed and counted cells of the tiles in view. */
  drawn: number;
  total: number;
}

interface Picture {
  canvas: HTMLCanvasElement;
  scale: number;
  revision: number;
}

export interface CountedOn {
  score: number;
  dabThreshold: number;
}

export class CellOverlay {
  private readonly layer: CanvasLayer;
  private tiles: CellTiles | null = null;
  private counted: CountedOn | null = null;
  private pictures = new WeakMap<CellTile, Picture>();
  private revision = 0;
  private edits: EditedCells = NO_EDITS;
  private chosen: CellFilter = "all";

  constructor(
    private readonly viewer: SlideViewer,
    private readonly onChange: (state: OverlayState) => void = () => {},
    private readonly fetchTile?: FetchTile,
  ) {
    this.layer = new CanvasLayer(viewer, (context) => this.draw(context));
    this.layer.visible = false;
    viewer.onMove(() => this.want());
  }

  get visible(): boolean {
    return this.layer.visible;
  }

  set visible(visible: boolean) {
    this.layer.visible = visible;
    this.want();
  }

  /** Draw another count, or none. */
  show(counted: CountedOn | null, edits: EditedCells = NO_EDITS): void {
    if (counted?.score !== this.counted?.score) {
      this.tiles = counted && new CellTiles(counted.score, () => this.loaded(), this.fetchTile);
      this.pictures = new WeakMap();
    }
    this.counted = counted;
    this.edits = edits;
    this.repaint();
    this.want();
  }

  get filter(): CellFilter {
    return this.chosen;
  }

  set filter(filter: CellFilter) {
    this.chosen = filter;
    this.repaint();
  }

  /** Edits or filter have changed: what was painted is out of date. */
  repaint(): void {
    this.revision += 1;
    this.layer.redraw();
  }

  /** The cell nearest to a place, within some screen pixels. */
  pick(point: Level0Point, reachPx = 12): PickedCell | null {
    const reach = reachPx / this.viewer.view.zoom;
    let [best, nearest]: [PickedCell | null, number] = [null, reach];
    const consider = (cell: PickedCell): void => {
      const distance = Math.hypot(cell.x - point.x, cell.y - point.y);
      if (distance >= nearest) return;
      [best, nearest] = [cell, distance];
    };
    for (const tile of this.tilesInView()) {
      for (let i = 0; i < tile.index.length; i += 1) {
        if (Math.abs(tile.x[i]! - point.x) > reach || Math.abs(tile.y[i]! - point.y) > reach) continue;
        const edit = this.edits.ofCell(tile.index[i]!);
        if (edit && !edit.present) continue;
        const positive = edit ? edit.positive : tile.isPositive[i] === 1;
        consider({ index: tile.index[i]!, seen: edit?.id ?? null, x: tile.x[i]!, y: tile.y[i]!, positive });
      }
    }
    for (const edit of this.edits.added())
      if (edit.present) consider({ index: null, seen: edit.id, x: edit.x, y: edit.y, positive: edit.positive });
    return best;
  }

  private names(): TileName[] {
    const { slide } = this.viewer;
    return tilesIn(grow(this.viewer.window, AHEAD), levelFor(this.viewer.view.zoom), slide);
  }

  private tilesInView(): CellTile[] {
    return this.names().flatMap((name) => this.tiles?.get(name) ?? []);
  }

  private want(): void {
    if (this.visible && this.tiles && this.viewer.osd.isOpen()) this.tiles.want(this.names());
    this.report();
  }

  private loaded(): void {
    this.layer.redraw();
    this.report();
  }

  private report(): void {
    const tiles = this.visible && this.viewer.osd.isOpen() ? this.tilesInView() : [];
    const sum = (value: (tile: CellTile) => number): number => tiles.reduce((total, tile) => total + value(tile), 0);
    this.onChange({ shown: this.visible, drawn: sum((tile) => tile.index.length), total: sum((tile) => tile.total) });
  }

  private draw(context: CanvasRenderingContext2D): void {
    const density = window.devicePixelRatio || 1;
    const wanted = this.viewer.view.zoom * density;
    let painted = 0;
    for (const tile of this.tilesInView()) {
      let picture = this.pictures.get(tile);
      const scale = Math.min(wanted, LARGEST_PICTURE_PX / tile.rect.width);
      const stale = !picture || picture.revision !== this.revision || Math.abs(Math.log(scale / picture.scale)) > Math.log(STALE_FACTOR);
      if (stale && painted < PAINTED_PER_FRAME) {
        picture = this.paint(tile, scale, picture);
        painted += 1;
      } else if (stale) this.layer.redraw();
      if (picture) this.place(context, tile, picture, density);
    }
  }

  private paint(tile: CellTile, scale: number, old: Picture | undefined): Picture {
    const canvas = old?.canvas ?? document.createElement("canvas");
    canvas.width = Math.ceil(tile.rect.width * scale) + 2 * MARGIN_PX;
    canvas.height = Math.ceil(tile.rect.height * scale) + 2 * MARGIN_PX;
    const context = canvas.getContext("2d");
    const mpp = this.viewer.slide.mpp ?? 1;
    const look = { scale, pxPerUm: scale / mpp, filter: this.chosen, dabThreshold: this.counted?.dabThreshold ?? 0.2 };
    if (context) paintMarks(context, marksOf(tile, look, this.edits));
    const picture = { canvas, scale, revision: this.revision };
    this.pictures.set(tile, picture);
    return picture;
  }

  /** The picture's corners go to where the viewer shows the tile's, turned slides included. */
  private place(context: CanvasRenderingContext2D, tile: CellTile, picture: Picture, density: number): void {
    const { x, y, width } = tile.rect;
    const at = this.viewer.toScreen(level0(x, y));
    const right = this.viewer.toScreen(level0(x + width, y));
    const size = width * picture.scale;
    const a = (right.x - at.x) / size;
    const b = (right.y - at.y) / size;
    context.setTransform(density * a, density * b, -density * b, density * a, density * at.x, density * at.y);
    context.drawImage(picture.canvas, -MARGIN_PX, -MARGIN_PX);
    context.setTransform(density, 0, 0, density, 0, 0);
  }
}
