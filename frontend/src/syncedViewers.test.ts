import { expect, test } from "vitest";
import { type Affine, IDENTITY, level0, transform } from "./geometry";
import type { View } from "./slideViewer";
import { centredMap, derivedMap, type Follower, type Plane, sameView, SyncedViewers } from "./syncedViewers";
import { fakeSlide } from "./testing/fakes";

/** A viewer without pixels: it keeps the view that it is given and tells who listens. */
function fakeFollower(fromCommon: Affine, mpp: number | null = 0.5): Follower & { move: (view: View) => void; seen: View } {
  const listeners: (() => void)[] = [];
  let view: View = { centre: level0(0, 0), zoom: 1, rotation: 0 };
  const element = document.createElement("div");
  const setView = (changes: Partial<View>): void => {
    view = { ...view, ...changes };
    for (const listener of listeners) listener();
  };
  return {
    fromCommon,
    viewer: {
      element,
      slide: fakeSlide({ mpp }),
      get view() {
        return view;
      },
      setView,
      onMove: (listener) => void listeners.push(listener),
    },
    move: (changes) => {
      element.dispatchEvent(new Event("pointerdown"));
      setView(changes);
    },
    get seen() {
      return view;
    },
  };
}

const plane = (fromCommon: Affine, mpp: number | null = 0.5): Plane => ({ fromCommon, mpp });

test("the same view on a slide of half the pixel size is twice as many pixels away at half the zoom", () => {
  const view = { centre: level0(100, 50), zoom: 0.5, rotation: 0 };
  const finer = plane([2, 0, 0, 0, 2, 0], 0.25);
  expect(sameView(view, plane(IDENTITY), finer)).toEqual({ centre: { x: 200, y: 100 }, zoom: 0.25, rotation: 0 });
});

test("a micrometre is equally long in every pane, whatever the alignment stretches, and the middle stays exact", () => {
  const stretched: Affine = [1.04, 0.02, 30, -0.02, 1.06, -12];
  const view = { centre: level0(4000, 3000), zoom: 0.8, rotation: 0 };
  const [from, to] = [plane(IDENTITY, 0.5), plane(stretched, 0.25)];
  const other = sameView(view, from, to);
  expect(other.zoom / 0.25).toBe(view.zoom / 0.5);
  expect(other.centre).toEqual(transform(stretched, view.centre));
  const back = sameView(other, to, from);
  expect([back.centre.x, back.centre.y, back.zoom]).toEqual([expect.closeTo(4000, 9), expect.closeTo(3000, 9), view.zoom]);
});

test("without a resolution the alignment's stretch stands for it", () => {
  const view = { centre: level0(0, 0), zoom: 0.8, rotation: 0 };
  expect(sameView(view, plane(IDENTITY), plane([4, 0, 0, 0, 4, 0], null)).zoom).toBe(0.2);
});

test("a turned section is turned back, so that the same side is up", () => {
  const quarter: Affine = [0, -1, 1000, 1, 0, 0];
  const { centre, rotation } = sameView({ centre: level0(10, 20), zoom: 1, rotation: 0 }, plane(IDENTITY), plane(quarter));
  expect(centre).toEqual({ x: 980, y: 10 });
  expect(rotation).toBe(-90);
});

test("moving any viewer moves the others, through the common frame", () => {
  const common = fakeFollower(IDENTITY);
  const shifted = fakeFollower([1, 0, 30, 0, 1, -10]);
  const finer = fakeFollower([2, 0, 0, 0, 2, 0], 0.25);
  new SyncedViewers([common, shifted, finer]);
  shifted.move({ centre: level0(130, 90), zoom: 1, rotation: 0 });
  expect(common.seen.centre).toEqual({ x: 100, y: 100 });
  expect(finer.seen.centre).toEqual({ x: 200, y: 200 });
  expect(finer.seen.zoom).toBe(0.5);
  finer.move({ centre: level0(0, 0), zoom: 0.25, rotation: 0 });
  expect(common.seen.zoom).toBe(0.5);
  expect(shifted.seen.centre).toEqual({ x: 30, y: -10 });
});

test("unlinked viewers go their own way until they are linked and aligned again", () => {
  const one = fakeFollower(IDENTITY);
  const two = fakeFollower(IDENTITY);
  const synced = new SyncedViewers([one, two]);
  synced.linked = false;
  one.move({ centre: level0(5, 5), zoom: 2, rotation: 0 });
  expect(two.seen.zoom).toBe(1);
  synced.linked = true;
  synced.align();
  expect(two.seen).toMatchObject({ centre: { x: 5, y: 5 }, zoom: 2 });
});

test("slides that are not aligned share scale and middle", () => {
  const from = fakeSlide({ width: 4000, height: 2000, mpp: 0.5 });
  const to = fakeSlide({ width: 9000, height: 5000, mpp: 0.25 });
  expect(centredMap(from, to)).toEqual([2, 0, 500, 0, 2, 500]);
  expect(centredMap(from, fakeSlide({ width: 2000, height: 1000, mpp: null }))).toEqual([0.5, 0, 0, 0, 0.5, 0]);
});

test("a derived slide shares the upper left corner", () => {
  expect(derivedMap(fakeSlide({ mpp: 0.25 }), fakeSlide({ mpp: 0.5 }))).toEqual([0.5, 0, 0, 0, 0.5, 0]);
});
