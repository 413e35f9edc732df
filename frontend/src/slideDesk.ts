/** What only the slide page has: turning, measuring, a link to the view, the case's other slides, and the colour mode. */
import { messageOf, post } from "./api";
import { all, make, setText } from "./dom";
import { gettext } from "./text";
import { Ruler, turnBy } from "./ruler";
import type { Shortcut } from "./shortcuts";
import type { SlideViewer } from "./slideViewer";
import { copyLink } from "./viewHash";

const FLASH_MS = 2600;

export function deskShortcuts(viewer: SlideViewer, host: HTMLElement, ruler: Ruler): Shortcut[] {
  const tools = gettext("Tools");
  const tray = gettext("Slides of this case");
  return [
    { keys: ["R"], what: gettext("turn right"), group: tools, run: () => turnBy(viewer, 90) },
    { keys: ["Shift+R"], what: gettext("turn left"), group: tools, run: () => turnBy(viewer, -90) },
    { keys: ["M"], what: gettext("measure"), group: tools, run: () => ruler.toggle() },
    { keys: ["Esc"], what: gettext("end measuring"), group: tools, run: () => ruler.isOn && ruler.toggle() },
    { keys: ["C"], what: gettext("copy link to this view"), group: tools, run: () => void tellLink(viewer, host) },
    { keys: ["["], what: gettext("previous slide"), group: tray, run: () => stepInTray(-1) },
    { keys: ["]"], what: gettext("next slide"), group: tray, run: () => stepInTray(1) },
  ];
}

/** The link of the slide before or after the current one; null at either end. */
export function neighbourInTray(step: number): HTMLAnchorElement | null {
  const links = all<HTMLAnchorElement>(".slide-tray a");
  const at = links.findIndex((link) => link.getAttribute("aria-current") === "page");
  return at === -1 ? null : (links[at + step] ?? null);
}

function stepInTray(step: number): void {
  neighbourInTray(step)?.click();
}

async function tellLink(viewer: SlideViewer, host: HTMLElement): Promise<void> {
  const link = await copyLink(viewer);
  flash(host, link.copied ? gettext("Link to this view copied") : link.address);
}

/** Say something over the viewer for a moment. */
export function flash(host: HTMLElement, text: string): void {
  host.querySelector(".viewer-flash")?.remove();
  const note = make("p", { class: "viewer-flash", role: "status" });
  host.append(note);
  setText(note, text);
  setTimeout(() => note.remove(), FLASH_MS);
}

/** Buttons that change how the slide's colours are shown. */
export function bindColourButtons(url: string): void {
  for (const button of all<HTMLButtonElement>("button[data-set-colour]")) {
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        await post(url, { colour: button.dataset.setColour });
        location.reload();
      } catch (refusal) {
        button.disabled = false;
        const error = document.querySelector(".colour-error");
        if (error) setText(error, messageOf(refusal));
      }
    });
  }
}
