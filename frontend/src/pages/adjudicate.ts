/** The adjudicator's page. Its data: "adjudication-data". */
import "../styles/label.css";
import "../styles/labelling.css";
import { Adjudication, type AdjudicationPayload } from "../adjudication";
import { all, find } from "../dom";
import { LABEL_LOOKS } from "../labels";
import { LABEL_VALUES, type LabelValue, readPayload } from "../payload";
import { bindWithHelp } from "../shortcuts";
import { gettext } from "../text";
import { keepTileAccess } from "../tileAccess";

const data = readPayload<AdjudicationPayload>("adjudication-data");
if (data.patches.length) {
  keepTileAccess(data.slide, () => undefined);
  const desk = new Adjudication(data);
  for (const button of all("[data-decide]"))
    button.addEventListener("click", () => {
      button.blur();
      void desk.decide(button.dataset.decide as LabelValue);
    });
  find("#adjudication-back").addEventListener("click", () => desk.step(-1));
  find("#adjudication-on").addEventListener("click", () => desk.step(1));
  const [settle, move] = [gettext("Settle and go on"), gettext("Move")];
  bindWithHelp([
    ...LABEL_VALUES.map((value) => ({
      keys: [LABEL_LOOKS[value].letter],
      what: LABEL_LOOKS[value].name,
      group: settle,
      run: () => void desk.decide(value),
    })),
    { keys: ["→"], what: gettext("next patch"), group: move, run: () => desk.step(1), repeats: true },
    { keys: ["←"], what: gettext("previous patch"), group: move, run: () => desk.step(-1), repeats: true },
  ]);
}
