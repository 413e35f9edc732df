import { expect, test } from "vitest";
import { bindConfigForm, sameValue } from "./configForm";

test.each([
  ["0.0001", "1e-4", true],
  ["3,4,6,3", "3, 4, 6, 3", true],
  ["", "0", false],
  ["l1", "mse", false],
  ["", "", true],
])("%s and %s: same is %s", (typed, paper, same) => {
  expect(sameValue(typed, paper)).toBe(same);
});

test("a key is marked while it is typed", () => {
  document.body.innerHTML = `<section data-config><span data-changed></span>
    <div class="config-row"><input data-paper="100" value="100"></div>
    <div class="config-row"><input type="checkbox" data-paper="true" checked></div></section>`;
  const section = document.querySelector("section")!;
  bindConfigForm(section);
  expect(section.querySelector("[data-changed]")!.textContent).toBe("as in the paper");
  const field = section.querySelector("input")!;
  field.value = "3";
  field.dispatchEvent(new Event("input", { bubbles: true }));
  expect(section.querySelector(".differs input")).toBe(field);
  expect(section.querySelector("[data-changed]")!.textContent).toBe("1 key differs from the paper");
});
