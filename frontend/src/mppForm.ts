/** Forms through which a lead supplies the resolution of a slide that does not say it. */
import { messageOf, post, urls } from "./api";
import { all, find, setText } from "./dom";

export function bindMppForms(): void {
  for (const form of all<HTMLFormElement>("form[data-supply-mpp]")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void supply(form);
    });
  }
}

async function supply(form: HTMLFormElement): Promise<void> {
  const button = find<HTMLButtonElement>("button", form);
  const error = find(".field-error", form);
  const mpp = Number(find<HTMLInputElement>("input[name=mpp]", form).value.replace(",", "."));
  button.disabled = true;
  try {
    await post(urls.supplyMpp(Number(form.dataset.supplyMpp)), { mpp });
    location.reload();
  } catch (refusal) {
    setText(error, messageOf(refusal));
    button.disabled = false;
  }
}
