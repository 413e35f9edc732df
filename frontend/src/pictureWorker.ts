/** Paints pictures of patches beside the page, so that no key has to wait for one. */
import { drawShade, type PicturePlan } from "./patchPicture";

const BEHIND_THE_SLIDE = "#0d0d0d";

self.onmessage = async ({ data }: MessageEvent<PicturePlan>) => {
  const picture = await paint(data).catch(() => null);
  self.postMessage(picture, { transfer: picture ? [picture] : [] });
};

async function paint({ frame, mosaic, tiles }: PicturePlan): Promise<ImageBitmap> {
  const bitmaps = await Promise.all(tiles.map(async (tile) => ({ ...tile, bitmap: await load(tile.url) })));
  const together = new OffscreenCanvas(mosaic.width, mosaic.height);
  const pieces = together.getContext("2d")!;
  for (const { bitmap, left, top, width, height } of bitmaps) {
    pieces.drawImage(bitmap, 0, 0, width, height, left, top, width, height);
    bitmap.close();
  }
  const canvas = new OffscreenCanvas(Math.round(frame.width * frame.density), Math.round(frame.height * frame.density));
  const context = canvas.getContext("2d", { alpha: false })!;
  context.fillStyle = BEHIND_THE_SLIDE;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.scale(frame.density, frame.density);
  context.drawImage(together, mosaic.left, mosaic.top, mosaic.width * mosaic.scale, mosaic.height * mosaic.scale);
  drawShade(context, frame);
  return canvas.transferToImageBitmap();
}

async function load(url: string): Promise<ImageBitmap> {
  const answer = await fetch(url, { priority: "low" });
  if (!answer.ok) throw new Error(`Tile ${url} answered ${answer.status}.`);
  return createImageBitmap(await answer.blob());
}
