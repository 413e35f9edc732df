/** The slide page. Its data: "slide-data". */
import "../styles/viewer.css";
import "../styles/slide.css";
import { find } from "../dom";
import { bindMppForms } from "../mppForm";
import { readPayload, type SlidePayload } from "../payload";
import { bindWithHelp } from "../shortcuts";
import { announceReady, SlideViewer } from "../slideViewer";
import { addScaleBar, addToolbar, canvasOf, labelViewer, viewShortcuts } from "../viewerFurniture";
import { shareView } from "../viewHash";

const { slide } = readPayload<{ slide: SlidePayload }>("slide-data");
const host = find("#slide-viewer");
const viewer = new SlideViewer({ element: canvasOf(host), slide, navigator: true });

labelViewer(host, slide);
addScaleBar(host, viewer);
const keys = viewShortcuts(viewer, host);
addToolbar(host, keys);
bindWithHelp(keys);
shareView(viewer);
bindMppForms();
announceReady(viewer);
