/** The pages that freeze labels and launch runs. They work without a script; it marks keys as they are typed. */
import "../styles/training.css";
import { bindConfigForm } from "../configForm";
import { all } from "../dom";

for (const section of all("[data-config]")) bindConfigForm(section);
// A launch that takes a second must not be sent twice by a second click.
for (const form of all<HTMLFormElement>("#launch-form"))
  form.addEventListener("submit", () => all<HTMLButtonElement>("button", form).forEach((button) => (button.disabled = true)));
document.body.dataset.ready = "1";
