/** The slide page. Its data: "slide-data". */
import "../styles/viewer.css";
import "../styles/slide.css";
import { find } from "../dom";
import { bindMppForms } from "../mppForm";
import { readPayload, type SlidePayload } from "../payload";
import { showPlaceholder } from "../placeholder";
import { Ruler } from "../ruler";
import { bindWithHelp } from "../shortcuts";
import { bindColourButtons, deskShortcuts } from "../slideDesk";
import { announceReady, SlideViewer } from "../slideViewer";
import { addScaleBar, addToolbar, canvasOf, labelViewer, viewShortcuts } from "../viewerFurniture";
import { shareView } from "../viewHash";

const { slide, colour_url } = readPayload<{ slide: SlidePayload; colour_url: string }>("slide-data");
const host = find("#slide-viewer");
const viewer = new SlideViewer({ element: canvasOf(host), slide, navigator: true });

showPlaceholder(viewer);
labelViewer(host, slide);
addScaleBar(host, viewer);
const ruler = new Ruler(viewer, host, (on) => find("[data-key=M]", host).setAttribute("aria-pressed", String(on)));
const keys = [...viewShortcuts(viewer, host), ...deskShortcuts(viewer, host, ruler)];
addToolbar(host, keys);
bindWithHelp(keys);
shareView(viewer);
bindMppForms();
bindColourButtons(colour_url);
announceReady(viewer);
