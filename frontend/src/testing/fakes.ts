import type { SlidePayload } from "../payload";

/** 6,723 × 5,000 px at 0.25 µm/px with native levels 1 and 4, 240 px tiles, and a mid level of its own tile size. */
export function fakeSlide(changes: Partial<SlidePayload> = {}): SlidePayload {
  return {
    id: 7,
    title: "Case 01 · H&E",
    case: "Case 01",
    stain: "HE",
    stain_name: "H&E",
    synthetic: false,
    drawn: true,
    width: 6723,
    height: 5000,
    mpp: 0.25,
    mpp_source: "file",
    mpp_note: "",
    version: "0123456789ab",
    colour: "native",
    colour_note: "as scanned; the file carries no colour profile",
    tile_url: "/t/7/0123456789ab/{level}/{col}_{row}.jpg",
    levels: [
      { width: 6723, height: 5000, tile_width: 240, tile_height: 240, downsample: 1 },
      { width: 3361, height: 2500, tile_width: 120, tile_height: 120, downsample: 2 },
      { width: 1680, height: 1250, tile_width: 240, tile_height: 240, downsample: 4 },
    ],
    thumbnail_url: "/slides/7/thumbnail/0123456789ab.jpg",
    open_url: "/api/v1/slides/7/open/",
    token_seconds: 3600,
    resampled_note: "",
    ...changes,
  };
}
