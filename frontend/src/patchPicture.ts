/** A patch as the stage shows it: the frame that it fills, the shade round it, and what a picture of it is made of. */
/** The window through which a patch is looked at: its size in CSS pixels, and where the patch lies in it. */
export interface Frame {
  width: number;
  height: number;
  /** Device pixels per CSS pixel. */
  density: number;
  /** Of the patch: CSS pixels. */
  left: number;
  top: number;
  side: number;
}

export interface PicturePlan {
  frame: Frame;
  /** The tiles side by side, in pixels of their level, and where that mosaic goes in CSS pixels. */
  mosaic: { width: number; height: number; left: number; top: number; scale: number };
  tiles: { url: string; left: number; top: number; width: number; height: number }[];
}

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

/** Dim what lies round the patch. A dark and a light line: one of them shows on any stain. */
export function drawShade(context: Context, { width, height, left, top, side }: Omit<Frame, "density">): void {
  context.fillStyle = "rgb(18 18 18 / 62%)";
  context.beginPath();
  context.rect(0, 0, width, height);
  context.rect(left, top, side, side);
  context.fill("evenodd");
  context.lineWidth = 1;
  context.strokeStyle = "#111";
  context.strokeRect(left - 2, top - 2, side + 4, side + 4);
  context.lineWidth = 2;
  context.strokeStyle = "#fff";
  context.strokeRect(left - 0.5, top - 0.5, side + 1, side + 1);
}
