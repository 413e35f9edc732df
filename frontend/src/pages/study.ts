/** Read a blinded study. Its data, where there is something to read: "study-data". */
import "../styles/project.css";
import "../styles/review-list.css";
import { all } from "../dom";
import { percent } from "../format";
import { readPayload } from "../payload";
import { bindShortcuts } from "../shortcuts";
import { StudyDesk, type StudyPayload } from "../studyDesk";

for (const cell of all("[data-share]")) cell.textContent = percent(Number(cell.dataset.share));
if (document.getElementById("study-data")) {
  const desk = new StudyDesk(readPayload<StudyPayload>("study-data"));
  bindShortcuts(desk.shortcuts());
}
document.body.dataset.ready = "1";
