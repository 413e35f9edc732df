/** Outlines and numbered places over a slide: parts that were counted, pins, pairs of an alignment. */
import { CanvasLayer } from "./canvasLayer";
import { level0 } from "./geometry";
import type { Corners } from "./payload";
import type { SlideViewer } from "./slideViewer";

export interface Outline {
  corners: Corners;
  label: string;
}

export interface Place {
  x: number;
  y: number;
  label: string;
  colour: string;
}

export class SquareLayer {
  private readonly layer: CanvasLayer;
  private outlines: readonly Outline[] = [];
  private places: readonly Place[] = [];

  constructor(private readonly viewer: SlideViewer) {
    this.layer = new CanvasLayer(viewer, (context) => this.draw(context));
  }

  show(outlines: readonly Outline[], places: readonly Place[]): void {
    this.outlines = outlines;
    this.places = places;
    this.layer.redraw();
  }

  private draw(context: CanvasRenderingContext2D): void {
    for (const { corners, label } of this.outlines) {
      const points = corners.map(([x, y]) => this.viewer.toScreen(level0(x, y)));
      const path = new Path2D();
      points.forEach(({ x, y }, index) => (index ? path.lineTo(x, y) : path.moveTo(x, y)));
      path.closePath();
      stroke(context, path, "#fff");
      if (points[0]) caption(context, label, points[0].x + 4, points[0].y - 6, "#fff");
    }
    for (const { x, y, label, colour } of this.places) {
      const at = this.viewer.toScreen(level0(x, y));
      const path = new Path2D();
      path.arc(at.x, at.y, 7, 0, 2 * Math.PI);
      stroke(context, path, colour);
      caption(context, label, at.x + 11, at.y + 4, colour);
    }
  }
}

function stroke(context: CanvasRenderingContext2D, path: Path2D, colour: string): void {
  context.lineWidth = 4;
  context.strokeStyle = "rgb(10 10 10 / 75%)";
  context.stroke(path);
  context.lineWidth = 2;
  context.strokeStyle = colour;
  context.stroke(path);
}

function caption(context: CanvasRenderingContext2D, text: string, x: number, y: number, colour: string): void {
  context.font = "600 12px system-ui, sans-serif";
  context.lineWidth = 3;
  context.strokeStyle = "rgb(10 10 10 / 85%)";
  context.strokeText(text, x, y);
  context.fillStyle = colour;
  context.fillText(text, x, y);
}
