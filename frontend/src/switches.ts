/** Buttons that switch something on and off. Of those that take clicks on the slides, one at a time is on. */

interface Switch {
  button: HTMLButtonElement;
  read: () => boolean;
  write: (on: boolean) => void;
  isMode: boolean;
}

export class Switches {
  private readonly all: Switch[] = [];

  /** Bind a button; returns what its key does. A button that the page lacks does nothing. */
  add(selector: string, read: () => boolean, write: (on: boolean) => void, { isMode = false } = {}): () => void {
    const button = document.querySelector<HTMLButtonElement>(selector);
    if (!button) return () => {};
    const own = { button, read, write, isMode };
    this.all.push(own);
    const flip = (): void => {
      const on = !read();
      if (on && isMode) this.leaveModes();
      write(on);
      this.show();
    };
    button.addEventListener("click", (event) => {
      // A click with the mouse gives the keys back to the page.
      if (event.detail) button.blur();
      flip();
    });
    this.show();
    return flip;
  }

  leaveModes(): void {
    for (const { isMode, read, write } of this.all) if (isMode && read()) write(false);
    this.show();
  }

  /** Something was switched by another way than its button. */
  show(): void {
    for (const { button, read } of this.all) button.setAttribute("aria-pressed", String(read()));
  }
}
