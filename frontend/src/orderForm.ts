/** Choose the order of the patches; the page opens again in it, and every label names it. */
import { find } from "./dom";
import type { LabellingPayload } from "./payload";

export function bindOrder(form: HTMLFormElement, labelling: LabellingPayload): void {
  const order = find<HTMLSelectElement>("#order", form);
  const seed = find<HTMLInputElement>("#order-seed", form);
  const [kind, rest] = labelling.order.split(":");
  order.value = kind ?? "position";
  if (kind === "random") seed.value = rest ?? "7";
  find<HTMLElement>("label[for=order-seed]", form).hidden = kind !== "random";
  const go = (): void => {
    const chosen = orderOf(order.value, Number(seed.value), labelling.checkpoints);
    if (chosen !== labelling.order && seed.checkValidity()) location.assign(`${location.pathname}?order=${encodeURIComponent(chosen)}`);
  };
  order.addEventListener("change", go);
  seed.addEventListener("change", go);
  form.addEventListener("submit", (event) => event.preventDefault());
}

export function orderOf(kind: string, seed: number, checkpoints: readonly string[]): string {
  if (kind === "random") return `random:${seed}`;
  if (kind === "uncertain" && checkpoints.length) return `uncertain:${checkpoints[checkpoints.length - 1]}`;
  return "position";
}
