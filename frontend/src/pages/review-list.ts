/** The synthetic slides of a project with their ratios. Shares come as numbers and are written here, in one way. */
import "../styles/project.css";
import "../styles/review-list.css";
import { all } from "../dom";
import { count, percent, points } from "../format";

for (const cell of all("[data-share]")) cell.textContent = percent(Number(cell.dataset.share));
for (const cell of all("[data-count]")) cell.textContent = count(Number(cell.dataset.count));
for (const cell of all("[data-points]")) cell.textContent = points(Number(cell.dataset.points));
document.body.dataset.ready = "1";
