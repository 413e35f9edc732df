/**
 * Translated text. `gettext` looks a phrase up in the catalogue that a page may carry (json_script id "catalogue",
 * Django's djangojs domain) and falls back to the phrase itself, which is English.
 */
let catalogue: Record<string, string> | undefined;

export function gettext(phrase: string): string {
  catalogue ??= JSON.parse(document.getElementById("catalogue")?.textContent || "{}") as Record<string, string>;
  return catalogue[phrase] ?? phrase;
}

/** Fill {name} places: `fill(gettext("{n} of {total} patches"), { n: 3, total: 9 })`. */
export function fill(phrase: string, values: Record<string, string | number>): string {
  return phrase.replace(/\{(\w+)\}/g, (place, name: string) => (name in values ? String(values[name]) : place));
}
