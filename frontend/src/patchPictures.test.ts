import { expect, test } from "vitest";
import type { Frame, PicturePlan } from "./patchPicture";
import { PatchPictures, planPicture } from "./patchPictures";
import { fakeSlide } from "./testing/fakes";
import { fakePatch } from "./testing/patches";

const frame: Frame = { width: 400, height: 300, density: 1, left: 100, top: 50, side: 200 };
const LARGE: Frame = { width: 4000, height: 3000, density: 1, left: 1000, top: 500, side: 2000 };
const patches = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((id) => fakePatch(id, id, 0));
const picture = (): ImageBitmap => ({ close() {} }) as ImageBitmap;

/** Keeps the plans, and answers when told to. */
class FakePainter {
  onmessage: ((event: MessageEvent<ImageBitmap | null>) => void) | null = null;
  readonly plans: PicturePlan[] = [];
  postMessage(plan: PicturePlan): void {
    this.plans.push(plan);
  }
  answer(bitmap: ImageBitmap | null = picture()): void {
    this.onmessage!({ data: bitmap } as MessageEvent<ImageBitmap | null>);
  }
  answerAll(): void {
    for (let done = this.answered; done < this.plans.length; done += 1) this.answer();
    this.answered = this.plans.length;
  }
  private answered = 0;
}

function started(): { painter: FakePainter; pictures: PatchPictures } {
  const painter = new FakePainter();
  return { painter, pictures: new PatchPictures(fakeSlide(), painter as never) };
}

test("the plan names the tiles of the level that a viewer would draw, and puts the patch where the frame has it", () => {
  // 0.2 screen pixels per level-0 pixel: the level of downsample 4, whose tiles cover 960 level-0 pixels.
  const patch = fakePatch(1, 0, 0, { x: 1500, y: 1500, size: 1000 });
  const plan = planPicture(fakeSlide(), patch, frame);
  expect(plan.tiles.map(({ url, left, top }) => [url.slice("/t/7/0123456789ab/".length), left, top])).toEqual([
    ["2/1_1.jpg", 0, 0],
    ["2/2_1.jpg", 240, 0],
    ["2/3_1.jpg", 480, 0],
    ["2/1_2.jpg", 0, 240],
    ["2/2_2.jpg", 240, 240],
    ["2/3_2.jpg", 480, 240],
  ]);
  expect(plan.mosaic).toEqual({ width: 720, height: 480, left: -8, top: -58, scale: 0.8 });
});

test("tiles at the slide's edge are drawn as far as they lie inside their level", () => {
  const patch = fakePatch(1, 0, 0, { x: 5700, y: 4000, size: 1000 });
  expect(planPicture(fakeSlide(), patch, frame).tiles.at(-1)).toMatchObject({ url: "/t/7/0123456789ab/2/6_5.jpg", width: 240, height: 50 });
});

test("coming patches are painted one after the other, the next one first", () => {
  const { painter, pictures } = started();
  pictures.prepare(patches.slice(0, 3), frame);
  expect(painter.plans).toHaveLength(1);
  expect(pictures.of(patches[0]!, frame)).toBeNull();
  const first = picture();
  painter.answer(first);
  expect(painter.plans).toHaveLength(2);
  expect(pictures.of(patches[0]!, frame)).toBe(first);
});

test("a patch that was passed makes room, one that comes never does", () => {
  const { painter, pictures } = started();
  for (let place = 0; place < 5; place += 1) {
    pictures.prepare(patches.slice(place, place + 5), frame);
    painter.answerAll();
    expect(pictures.of(patches[place]!, frame)).not.toBeNull();
  }
  const kept = patches.filter((patch) => pictures.of(patch, frame) !== null).map((patch) => patch.id);
  expect(kept).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
});

test("a very large window keeps fewer, and says which it has no room for", () => {
  const { pictures } = started();
  expect(pictures.prepare(patches.slice(0, 5), LARGE).map((patch) => patch.id)).toEqual([3, 4, 5]);
  expect(pictures.prepare(patches.slice(0, 5), frame)).toEqual([]);
});

test("a window of another size gets pictures of its own", () => {
  const { painter, pictures } = started();
  pictures.prepare(patches.slice(0, 1), frame);
  painter.answer();
  const wider = { ...frame, width: 500 };
  expect(pictures.of(patches[0]!, wider)).toBeNull();
  pictures.prepare(patches.slice(0, 1), wider);
  expect(painter.plans[1]!.frame).toBe(wider);
});

test("a picture whose tiles could not be had is not asked for again and again", () => {
  const { painter, pictures } = started();
  pictures.prepare(patches.slice(0, 2), frame);
  painter.answer(null);
  painter.answer();
  expect(painter.plans).toHaveLength(2);
  expect(pictures.of(patches[0]!, frame)).toBeNull();
  expect(pictures.of(patches[1]!, frame)).not.toBeNull();
});

test("a browser without workers paints nothing ahead", () => {
  const pictures = new PatchPictures(fakeSlide(), null);
  expect(pictures.prepare(patches.slice(0, 2), frame)).toHaveLength(2);
  expect(pictures.of(patches[0]!, frame)).toBeNull();
});
