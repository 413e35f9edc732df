/** Choose the order of the patches, and the classifier it may rest on; the page opens again, and every label names it. */
import { find, make } from "./dom";
import type { LabellingPayload } from "./payload";

/** onClassifier: the model's view is to show another one. */
export function bindOrder(form: HTMLFormElement, labelling: LabellingPayload, onClassifier: (sha256: string) => void): void {
  const order = find<HTMLSelectElement>("#order", form);
  const seed = find<HTMLInputElement>("#order-seed", form);
  const classifier = find<HTMLSelectElement>("#order-classifier", form);
  const [kind, rest] = labelling.order.split(":");
  order.value = kind ?? "position";
  if (kind === "random") seed.value = rest ?? "7";
  classifier.replaceChildren(...labelling.checkpoints.map(({ sha256, name }) => make("option", { value: sha256 }, name || sha256.slice(0, 8))));
  classifier.value = classifierOf(labelling);
  find<HTMLElement>("label[for=order-seed]", form).hidden = kind !== "random";
  find<HTMLElement>("label[for=order-classifier]", form).hidden = labelling.checkpoints.length < 2;
  const go = (): void => {
    const chosen = orderOf(order.value, Number(seed.value), classifier.value);
    if (chosen !== labelling.order && seed.checkValidity()) location.assign(`${location.pathname}?order=${encodeURIComponent(chosen)}`);
  };
  order.addEventListener("change", go);
  seed.addEventListener("change", go);
  classifier.addEventListener("change", () => {
    onClassifier(classifier.value);
    if (kind === "uncertain") go();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
}

/** The one that the order in force rests on, else the newest; empty without any. */
export function classifierOf({ order, checkpoints }: Pick<LabellingPayload, "order" | "checkpoints">): string {
  const [kind, rest] = order.split(":");
  return kind === "uncertain" && rest ? rest : (checkpoints.at(-1)?.sha256 ?? "");
}

export function orderOf(kind: string, seed: number, classifier: string): string {
  if (kind === "random") return `random:${seed}`;
  return kind === "uncertain" && classifier ? `uncertain:${classifier}` : "position";
}
