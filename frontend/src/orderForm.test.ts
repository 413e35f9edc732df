import { beforeEach, expect, test, vi } from "vitest";
import template from "../../templates/annotation/label.html?raw";
import { find } from "./dom";
import { bindOrder, classifierOf, orderOf } from "./orderForm";
import { fakeLabelling } from "./testing/patches";
import { withoutDjango } from "./testing/template";

const [OLD, NEW] = ["ab".repeat(32), "cd".repeat(32)];
const checkpoints = [
  { sha256: OLD, name: "Run 3 · epoch 7" },
  { sha256: NEW, name: "" },
];
const form = (): HTMLFormElement => find<HTMLFormElement>("#order-form");
const select = (): HTMLSelectElement => find<HTMLSelectElement>("#order-classifier");

beforeEach(() => {
  document.body.innerHTML = withoutDjango(template);
});

test("an order is spelled as the server reads it", () => {
  expect(orderOf("position", 7, OLD)).toBe("position");
  expect(orderOf("random", 12, OLD)).toBe("random:12");
  expect(orderOf("uncertain", 7, OLD)).toBe(`uncertain:${OLD}`);
  expect(orderOf("uncertain", 7, "")).toBe("position");
});

test("the classifier is the one that the order rests on, else the newest", () => {
  expect(classifierOf({ order: `uncertain:${OLD}`, checkpoints })).toBe(OLD);
  expect(classifierOf({ order: "random:3", checkpoints })).toBe(NEW);
  expect(classifierOf({ order: "position", checkpoints: [] })).toBe("");
});

test("every classifier that scored the slide can be chosen by its name, and the model's view follows", () => {
  const told = vi.fn();
  bindOrder(form(), fakeLabelling(undefined, { checkpoints }), told);
  expect([...select().options].map((option) => [option.value, option.text])).toEqual([
    [OLD, "Run 3 · epoch 7"],
    [NEW, "cdcdcdcd"],
  ]);
  expect(select().value).toBe(NEW);
  select().value = OLD;
  select().dispatchEvent(new Event("change"));
  expect(told).toHaveBeenCalledExactlyOnceWith(OLD);
});

test.each([[[]], [[checkpoints[0]!]]])("of none, or of one classifier, there is nothing to choose", (few) => {
  bindOrder(form(), fakeLabelling(undefined, { checkpoints: few }), vi.fn());
  expect(find<HTMLElement>("label[for=order-classifier]", form()).hidden).toBe(true);
});
