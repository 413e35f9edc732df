import { afterEach, expect, test, vi } from "vitest";
import slidePage from "../../templates/viewer/slide.html?raw";
import { bindColourButtons, flash, neighbourInTray } from "./slideDesk";
import { withoutDjango } from "./testing/template";

afterEach(() => {
  document.body.replaceChildren();
  vi.unstubAllGlobals();
});

function tray(current: number): void {
  const nav = document.body.appendChild(document.createElement("nav"));
  nav.className = "slide-tray";
  for (let number = 0; number < 3; number += 1) {
    const link = nav.appendChild(document.createElement("a"));
    link.href = `/slides/${number}/`;
    if (number === current) link.setAttribute("aria-current", "page");
  }
}

test("the neighbours in the tray end at its ends", () => {
  tray(1);
  expect([neighbourInTray(-1)?.getAttribute("href"), neighbourInTray(1)?.getAttribute("href")]).toEqual([
    "/slides/0/",
    "/slides/2/",
  ]);
  document.body.replaceChildren();
  tray(2);
  expect(neighbourInTray(1)).toBeNull();
});

test("one note at a time, as text", () => {
  flash(document.body, "<b>one</b>");
  flash(document.body, "two");
  expect([...document.querySelectorAll(".viewer-flash")].map((note) => note.textContent)).toEqual(["two"]);
});

test("a refused colour mode is said beside its button", async () => {
  const refusal = { message: "The file carries no ICC profile.", extra: {} };
  vi.stubGlobal("fetch", vi.fn().mockResolvedValue(new Response(JSON.stringify(refusal), { status: 400 })));
  document.body.innerHTML = '<button data-set-colour="srgb"></button><p class="colour-error"></p>';
  bindColourButtons("/api/v1/slides/7/colour/");
  document.querySelector("button")!.click();
  await vi.waitFor(() => expect(document.querySelector(".colour-error")!.textContent).toBe(refusal.message));
  expect(document.querySelector("button")!.disabled).toBe(false);
});

test("the page keeps the names that its script and browser tests hold on to", () => {
  const page = new DOMParser().parseFromString(withoutDjango(slidePage), "text/html");
  for (const name of ["#slide-viewer .viewer-canvas", ".slide-tray a", "[data-set-colour=srgb]", ".colour-note"])
    expect(page.querySelector(name), name).not.toBeNull();
});
