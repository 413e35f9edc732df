/** The labelling page. Its data: "labelling-data". */
import "../styles/viewer.css";
import "../styles/label.css";
import { all, find } from "../dom";
import { LabelDesk } from "../labelDesk";
import { LABEL_LOOKS } from "../labels";
import type { Route } from "../labelStore";
import { LABEL_VALUES, type LabellingPayload, type LabelValue, readPayload } from "../payload";
import { showSaveState } from "../saveState";
import { bindWithHelp, type Shortcut } from "../shortcuts";
import { announceReady } from "../slideViewer";
import { gettext } from "../text";
import { addNotice, addScaleBar, labelViewer } from "../viewerFurniture";

const labelling = readPayload<LabellingPayload>("labelling-data");
const desk = new LabelDesk(labelling);
const stage = find("#label-stage");

labelViewer(stage, labelling.slide);
addScaleBar(stage, desk.stage.viewer);
if (!desk.current) addNotice(stage, labelling.grid.note || gettext("This slide has no patch with enough tissue."));
showSaveState(find<HTMLButtonElement>("#save-state"), find("#held"), desk.store);
announceReady(desk.stage.viewer);

function routeOf(event: Event): Route {
  const { pointerType, detail } = event as PointerEvent;
  if (detail === 0) return "key";
  return pointerType === "touch" ? "touch" : "mouse";
}

/** A click acts and gives the keyboard back to the page, so that the next Space skips instead of clicking again. */
function onClick(selector: string, act: (route: Route) => void): void {
  const button = find<HTMLButtonElement>(selector);
  button.addEventListener("click", (event) => {
    if (event.detail) button.blur();
    act(routeOf(event));
  });
}

const valueOfKey = (key: string): LabelValue => LABEL_VALUES.find((value) => LABEL_LOOKS[value].letter === key)!;
for (const button of all("[data-label-key]"))
  onClick(`[data-label-key=${button.dataset.labelKey}]`, (route) => desk.label(valueOfKey(button.dataset.labelKey!), route));
onClick("#undo", (route) => desk.undo(route));
onClick("#redo", (route) => desk.redo(route));
onClick("#skip", () => desk.skip());
onClick("#toggle-grid", () => desk.toggleGrid());
onClick("#leave-grid", () => desk.toggleGrid());
onClick("#keep-mine", () => desk.resolve("mine"));
onClick("#keep-theirs", () => desk.resolve("theirs"));

const [labels, move, view] = [gettext("Label and go on"), gettext("Move without a label"), gettext("View")];
const keys: Shortcut[] = [
  ...LABEL_VALUES.map((value) => ({
    keys: [LABEL_LOOKS[value].letter],
    what: LABEL_LOOKS[value].name,
    group: labels,
    run: () => desk.label(value, "key"),
  })),
  { keys: ["Z"], what: gettext("undo"), group: labels, run: () => desk.undo("key"), repeats: true },
  { keys: ["Shift+Z"], what: gettext("redo"), group: labels, run: () => desk.redo("key"), repeats: true },
  { keys: ["Space", "S"], what: gettext("skip to the next without a label"), group: move, run: () => desk.skip() },
  { keys: ["→"], what: gettext("next patch"), group: move, run: () => desk.step(1), repeats: true },
  { keys: ["←"], what: gettext("previous patch"), group: move, run: () => desk.step(-1), repeats: true },
  { keys: ["↓"], what: gettext("patch below"), group: move, run: () => desk.stepRow(1), repeats: true },
  { keys: ["↑"], what: gettext("patch above"), group: move, run: () => desk.stepRow(-1), repeats: true },
  { keys: ["G"], what: gettext("grid of the slide and back"), group: view, run: () => desk.toggleGrid() },
  { keys: ["Enter", "Esc"], what: gettext("back to the patch"), group: view, run: () => desk.stage.gridShown && desk.toggleGrid() },
  { keys: ["+", "="], what: gettext("zoom in"), group: view, run: () => desk.stage.viewer.zoomBy(1.5), repeats: true },
  { keys: ["-"], what: gettext("zoom out"), group: view, run: () => desk.stage.viewer.zoomBy(1 / 1.5), repeats: true },
  { keys: ["0"], what: gettext("the whole patch"), group: view, run: () => desk.stage.frame() },
];
bindWithHelp(keys);
