/** A page's template as a browser would see it, less what Django fills in: tests find out when a hook goes missing. */
export function withoutDjango(template: string): string {
  return template
    .replace(/\{% translate ["']([^"']*)["'] %\}/g, "$1")
    .replace(/\{%.*?%\}|\{\{.*?\}\}/gs, "");
}
