/** The list of projects: style only. */
import "../styles/project.css";

document.body.dataset.ready = "1";
