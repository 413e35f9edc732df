/** The project page. Its data: "project-data". */
import "../styles/project.css";
import { urls } from "../api";
import { find } from "../dom";
import { ImportList } from "../importList";
import { bindMppForms } from "../mppForm";
import { type ImportPayload, readPayload } from "../payload";
import { bindUploadForm, type UploadLimits } from "../uploadForm";

interface ProjectPayload {
  project: { slug: string };
  urls: { uploads: string };
  upload: UploadLimits;
  can: { import_slides: boolean };
  imports: ImportPayload[];
}

const data = readPayload<ProjectPayload>("project-data");
bindMppForms();

/** Take the list of cases from the page as the server writes it now, without losing uploads that are on their way. */
async function refreshCases(): Promise<void> {
  const response = await fetch(location.pathname, { credentials: "same-origin" });
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const cases = find("#cases", page);
  if (cases.innerHTML === find("#cases").innerHTML) return;
  find("#cases").replaceWith(document.adoptNode(cases));
  bindMppForms();
}

const DRAWING_MS = 5000;
const DRAWN_AFTER_MS = 5 * 60_000;

/** The demo draws its slides while people already look: show them as they come. */
function followDrawing(): void {
  const timer = setInterval(() => void refreshCases(), DRAWING_MS);
  setTimeout(() => clearInterval(timer), DRAWN_AFTER_MS);
}

if (data.can.import_slides) {
  const imports = new ImportList(find("#imports"), urls.imports(data.project.slug), () => void refreshCases());
  imports.show(data.imports);
  bindUploadForm(find<HTMLFormElement>("#upload-form"), {
    endpoint: data.urls.uploads,
    project: data.project.slug,
    limits: data.upload,
    onDone: () => void imports.refresh(),
  });
}
if (find("#cases").dataset.drawing) followDrawing();
document.body.dataset.ready = "1";
