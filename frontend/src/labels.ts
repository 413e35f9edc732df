/** What the labels are called, their letters and their colours: one place, so that hue never stands alone. */
import type { LabelValue } from "./payload";
import { gettext } from "./text";

export interface LabelLook {
  letter: string;
  name: string;
  /** As in styles/tokens.css; canvases cannot read style sheets cheaply. */
  colour: string;
}

/** Code and API spell tumor, pages say tumour. */
export const LABEL_LOOKS: Record<LabelValue, LabelLook> = {
  tumor: { letter: "T", name: gettext("Tumour"), colour: "#e8742c" },
  normal: { letter: "N", name: gettext("Normal"), colour: "#56b4e9" },
  unsure: { letter: "U", name: gettext("Unsure"), colour: "#a7a9ac" },
  exclude: { letter: "X", name: gettext("Exclude"), colour: "#d9d9d9" },
};

export const labelName = (value: LabelValue | null): string =>
  value === null ? gettext("no label") : LABEL_LOOKS[value].name;
