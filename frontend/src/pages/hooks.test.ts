import { expect, test } from "vitest";
import label from "../../../templates/annotation/label.html?raw";
import review from "../../../templates/review/review.html?raw";
import { withoutDjango } from "../testing/template";

const page = (template: string): Document => new DOMParser().parseFromString(withoutDjango(template), "text/html");

test("the labelling page keeps the names that browser tests hold on to", () => {
  const found = page(label);
  for (const name of ["#label-stage", "[data-label-key=T]", "[data-label-key=N]", "[data-label-key=U]", "[data-label-key=X]", "#save-state", "#progress"])
    expect(found.querySelector(name), name).not.toBeNull();
});

test("the review page keeps the names that browser tests hold on to", () => {
  const found = page(review);
  for (const name of ["#review-panes", "#verdict-usable", "#verdict-minor_flaws", "#verdict-not_usable", "#sign", "#count-cells"])
    expect(found.querySelector(name), name).not.toBeNull();
});
