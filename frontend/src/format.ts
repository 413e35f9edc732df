/** Numbers as people read them: with unit, grouped, and never more digits than they carry. */
import { fill, gettext } from "./text";

const GROUPED = new Intl.NumberFormat("en-GB");
const MINUS = "−";
const THIN = "\u202f";

export const count = (value: number): string => GROUPED.format(value);

function fixed(value: number, digits: number): string {
  return value.toFixed(digits).replace("-", MINUS);
}

/** A share of 1 as per cent: 0.217 → "21.7 %". */
export const percent = (share: number, digits = 1): string => `${fixed(share * 100, digits)}${THIN}%`;

/** A difference of two shares in percentage points, with its sign: "+1.1 points". */
export function points(difference: number): string {
  const rounded = fixed(difference * 100, 1);
  const sign = difference > 0 && Number(rounded) !== 0 ? "+" : "";
  const value = rounded === `${MINUS}0.0` ? "0.0" : rounded;
  return fill(gettext("{value} points"), { value: sign + value });
}

/** Micrometres, or millimetres from 1,000 µm on. */
export function length(um: number): string {
  return um >= 1000 ? `${Number((um / 1000).toPrecision(3))}${THIN}mm` : `${Number(um.toPrecision(3))}${THIN}µm`;
}

/** Square millimetres, or square micrometres below a hundredth. */
export function area(mm2: number): string {
  return mm2 >= 0.01 ? `${Number(mm2.toPrecision(3))}${THIN}mm²` : `${Number((mm2 * 1e6).toPrecision(3))}${THIN}µm²`;
}

export function bytes(size: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = size;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : Number(value.toPrecision(3))}${THIN}${units[unit]}`;
}

/** A rough span for estimates: "about 32 min". */
export function about(seconds: number): string {
  if (seconds < 50) return gettext("less than a minute");
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return fill(gettext("about {n} min"), { n: minutes });
  return fill(gettext("about {n} h"), { n: Number((seconds / 3600).toPrecision(2)) });
}

export function magnification(times: number): string {
  return times >= 10 ? `${Math.round(times)}×` : `${Number(times.toPrecision(2))}×`;
}

export function when(iso: string): string {
  return new Date(iso).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
}
