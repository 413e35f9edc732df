/**
 * Several viewers that look at the same place of consecutive sections, at the same scale in micrometres.
 *
 * Each viewer has an affine map from a common frame (the first slide's level-0 pixels) to its own pixels. The viewer that
 * a person touches leads; the others follow without animation, and never lead back.
 */
import { type Affine, compose, invert, stretch, transform, turn } from "./geometry";
import type { SlidePayload } from "./payload";
import type { SlideViewer, View } from "./slideViewer";

export interface Follower {
  viewer: Pick<SlideViewer, "view" | "setView" | "onMove" | "element" | "slide">;
  /** Level-0 pixels of the common frame to those of this slide. May be replaced when an alignment arrives. */
  fromCommon: Affine;
}

/** A slide as a view sees it: its place in the common frame, and its resolution in micrometres per pixel. */
export interface Plane {
  fromCommon: Affine;
  mpp: number | null;
}

/**
 * The view on another slide that shows the same place, scale and orientation.
 *
 * A micrometre is equally long on both, whatever the alignment stretches, so that sizes can be compared by eye; only where
 * a resolution is not known the alignment's stretch stands for it.
 */
export function sameView(view: View, from: Plane, to: Plane): View {
  const map = compose(to.fromCommon, invert(from.fromCommon));
  const scale = from.mpp !== null && to.mpp !== null ? from.mpp / to.mpp : stretch(map);
  return {
    centre: transform(map, view.centre),
    zoom: view.zoom / scale,
    rotation: view.rotation - turn(map),
  };
}

const planeOf = ({ fromCommon, viewer }: Follower): Plane => ({ fromCommon, mpp: viewer.slide.mpp });

/**
 * The map between two slides that are not aligned: same scale in micrometres, middles on each other.
 * Without both resolutions the widths are taken as equal.
 */
export function centredMap(from: SlidePayload, to: SlidePayload): Affine {
  const scale = from.mpp !== null && to.mpp !== null ? from.mpp / to.mpp : to.width / from.width;
  return [scale, 0, to.width / 2 - (scale * from.width) / 2, 0, scale, to.height / 2 - (scale * from.height) / 2];
}

/** The map to a slide that was made from another: the same upper left corner, another pixel size. */
export function derivedMap(from: SlidePayload, to: SlidePayload): Affine {
  const scale = from.mpp !== null && to.mpp !== null ? from.mpp / to.mpp : to.width / from.width;
  return [scale, 0, 0, 0, scale, 0];
}

export class SyncedViewers {
  private leader: Follower;
  linked = true;

  constructor(private readonly followers: readonly Follower[]) {
    const first = followers[0];
    if (!first) throw new Error("There is nothing to keep in step: no viewer was given.");
    this.leader = first;
    for (const follower of followers) {
      for (const event of ["pointerdown", "wheel", "touchstart", "focusin"] as const)
        follower.viewer.element.addEventListener(event, () => this.lead(follower), { capture: true, passive: true });
      follower.viewer.onMove(() => this.moved(follower));
    }
  }

  /** Let the others follow this viewer, for moves that come from a key or a button. */
  lead(follower: Follower): void {
    this.leader = follower;
  }

  /** Bring all others to where the leader looks. */
  align(): void {
    this.moved(this.leader);
  }

  private moved(follower: Follower): void {
    if (!this.linked || follower !== this.leader) return;
    const { view } = follower.viewer;
    for (const other of this.followers)
      if (other !== follower) other.viewer.setView(sameView(view, planeOf(follower), planeOf(other)), true);
  }
}

