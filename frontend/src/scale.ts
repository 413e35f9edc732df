/** Magnification and scale bar from micrometres per pixel. */

/** 10 µm/px on the screen are 1×: 0.25 µm/px → 40×, 0.5 → 20×. */
const UM_PER_SCREEN_PX_AT_1X = 10;

/** zoom: screen pixels per level-0 pixel. */
export const magnificationAt = (zoom: number, mpp: number): number => (UM_PER_SCREEN_PX_AT_1X / mpp) * zoom;
export const zoomFor = (magnification: number, mpp: number): number => (magnification * mpp) / UM_PER_SCREEN_PX_AT_1X;

/** The longest round length (1, 2 or 5 times a power of ten) that a bar of at most `longestPx` can show. */
export function scaleBar(umPerScreenPx: number, longestPx: number): { lengthUm: number; widthPx: number } {
  const longestUm = umPerScreenPx * longestPx;
  const decade = 10 ** Math.floor(Math.log10(longestUm));
  const step = [5, 2, 1].find((candidate) => candidate * decade <= longestUm) ?? 1;
  return { lengthUm: step * decade, widthPx: (step * decade) / umPerScreenPx };
}
