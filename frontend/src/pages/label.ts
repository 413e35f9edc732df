/** The labelling page. Its data: "labelling-data". */
import "../styles/viewer.css";
import "../styles/label.css";
import { messageOf, post } from "../api";
import { all, find, setText } from "../dom";
import type { Tool } from "../gridSelection";
import { LabelDesk } from "../labelDesk";
import { LABEL_LOOKS } from "../labels";
import type { Route } from "../labelStore";
import { bindOrder } from "../orderForm";
import { openOutboxStorage } from "../outboxStorage";
import { LABEL_VALUES, type LabellingPayload, type LabelValue, readPayload } from "../payload";
import { showSaveState } from "../saveState";
import { bindWithHelp, type Shortcut } from "../shortcuts";
import { announceReady } from "../slideViewer";
import { shareAmongTabs } from "../tabs";
import { gettext } from "../text";
import { addNotice, addScaleBar, labelViewer } from "../viewerFurniture";

const labelling = readPayload<LabellingPayload>("labelling-data");
const storage = await openOutboxStorage();
const desk = new LabelDesk(labelling, storage);
desk.store.resume(await storage.load(labelling.reader));
shareAmongTabs(desk.store, labelling.reader);
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
for (const button of all("[data-selected-key]"))
  onClick(`[data-selected-key=${button.dataset.selectedKey}]`, (route) => desk.label(valueOfKey(button.dataset.selectedKey!), route));
onClick("#overrule", () => desk.overrule());
onClick("#clear-selection", () => desk.stage.selection.clear());
onClick("#flag", () => desk.flag());
onClick("#comment", () => desk.comment());
onClick("#show-history", () => desk.history());
onClick("#toggle-model", () => void desk.toggleModel());
bindOrder(find<HTMLFormElement>("#order-form"), labelling, (sha256) => void desk.chooseClassifier(sha256));
if (document.querySelector("#finish")) onClick("#finish", () => void finish());
onClick("#undo", (route) => desk.undo(route));
onClick("#redo", (route) => desk.redo(route));
onClick("#grid-undo", (route) => desk.undo(route));
onClick("#previous", () => desk.step(-1));
onClick("#next", () => desk.step(1));
onClick("#skip", () => desk.skip());
onClick("#toggle-grid", () => desk.toggleGrid());
onClick("#leave-grid", () => desk.toggleGrid());
onClick("#keep-mine", () => desk.resolve("mine"));
onClick("#keep-theirs", () => desk.resolve("theirs"));

function useTool(tool: Tool): void {
  const { selection } = desk.stage;
  if (!desk.stage.gridShown) desk.toggleGrid();
  selection.tool = selection.tool === tool ? "move" : tool;
}

async function finish(): Promise<void> {
  try {
    await post(`/api/v1/slides/${labelling.slide.id}/finish/`);
    location.assign("/labelling/");
  } catch (error) {
    setText(find("#finish-error"), messageOf(error));
  }
}

const [labels, move, view] = [gettext("Label and go on"), gettext("Move without a label"), gettext("View")];
const grid = gettext("In the grid");
const keys: Shortcut[] = [
  ...LABEL_VALUES.map((value) => ({
    keys: [LABEL_LOOKS[value].letter],
    what: LABEL_LOOKS[value].name,
    group: labels,
    run: () => desk.label(value, "key"),
  })),
  { keys: ["F"], what: gettext("flag for discussion, and back"), group: labels, run: () => desk.flag() },
  { keys: ["C"], what: gettext("comment"), group: labels, run: () => desk.comment() },
  { keys: ["H"], what: gettext("history of the patch, restore"), group: labels, run: () => desk.history() },
  { keys: ["Z"], what: gettext("undo"), group: labels, run: () => desk.undo("key"), repeats: true },
  { keys: ["Shift+Z"], what: gettext("redo"), group: labels, run: () => desk.redo("key"), repeats: true },
  { keys: ["Space", "S"], what: gettext("skip to the next without a label"), group: move, run: () => desk.skip() },
  { keys: ["→"], what: gettext("next patch"), group: move, run: () => desk.step(1), repeats: true },
  { keys: ["←"], what: gettext("previous patch"), group: move, run: () => desk.step(-1), repeats: true },
  { keys: ["↓"], what: gettext("patch below"), group: move, run: () => desk.stepRow(1), repeats: true },
  { keys: ["↑"], what: gettext("patch above"), group: move, run: () => desk.stepRow(-1), repeats: true },
  { keys: ["G"], what: gettext("grid of the slide and back"), group: view, run: () => desk.toggleGrid() },
  { keys: ["Enter"], what: gettext("back to the patch"), group: view, run: () => desk.stage.gridShown && desk.toggleGrid() },
  { keys: ["Esc"], what: gettext("drop the selection, then back to the patch"), group: view, run: () => desk.leave() },
  { keys: ["R"], what: gettext("rectangle (or Shift and drag), and back"), group: grid, run: () => useTool("rectangle") },
  { keys: ["L"], what: gettext("lasso (or Alt and drag), and back"), group: grid, run: () => useTool("lasso") },
  { keys: ["A"], what: gettext("select all that are shown"), group: grid, run: () => desk.selectAll() },
  { keys: ["B"], what: gettext("bring the selected patches in, or leave them out"), group: grid, run: () => desk.overrule() },
  { keys: ["M"], what: gettext("what the model says"), group: view, run: () => void desk.toggleModel() },
  { keys: ["+", "="], what: gettext("zoom in"), group: view, run: () => desk.stage.zoomBy(1.5), repeats: true },
  { keys: ["-"], what: gettext("zoom out"), group: view, run: () => desk.stage.zoomBy(1 / 1.5), repeats: true },
  { keys: ["0"], what: gettext("the whole patch"), group: view, run: () => desk.stage.frame() },
];
bindWithHelp(keys);
