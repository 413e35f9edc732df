/** Queue, dashboard and files of labels. Their data, where there is any: "labelling-dashboard" or "label-files". */
import "../styles/labelling.css";
import { bindDashboard, showAgreement } from "../dashboard";
import { bindImport } from "../labelFiles";
import { readPayload } from "../payload";

if (document.querySelector("#labelling-dashboard")) {
  const { project } = readPayload<{ project: string }>("labelling-dashboard");
  bindDashboard(project);
  void showAgreement(project);
}
if (document.querySelector("#label-files")) bindImport(readPayload<{ project: string }>("label-files").project);
