/** Elements from values: whatever is put in is text, and never markup. */

export type Child = Node | string | undefined | readonly Child[];

const flat = (children: readonly Child[]): (Node | string)[] =>
  children.flatMap((child): (Node | string)[] => {
    if (child === undefined) return [];
    return typeof child === 'string' || child instanceof Node ? [child] : flat(child);
  });

export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string | undefined>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes))
    if (value !== undefined) made.setAttribute(key, value);
  made.append(...flat(children));
  return made;
}

/** @param key what the keyboard comes back to after the list is drawn again */
export function button(
  key: string,
  attributes: Readonly<Record<string, string | undefined>>,
  onPress: () => void,
  ...children: readonly Child[]
) {
  const made = element('button', { type: 'button', 'data-key': key, ...attributes }, ...children);
  made.addEventListener('click', onPress);
  return made;
}

const shown = new WeakMap<Element, string>();

/**
 * Fills a part of the page, where its data changed since. The keyboard stays where it was.
 * @param data all that the part depends on
 */
export function fill(part: Element, data: unknown, children: () => readonly Child[]): void {
  const state = JSON.stringify(data) ?? '';
  if (shown.get(part) === state) return;
  shown.set(part, state);
  const { activeElement } = document;
  const key = part.contains(activeElement) ? activeElement?.getAttribute('data-key') : undefined;
  const opened = new Set(
    [...part.querySelectorAll('details[open]')].map((each) => each.getAttribute('data-key')),
  );
  part.replaceChildren(...flat(children()));
  for (const each of part.querySelectorAll<HTMLElement>('[data-key]')) {
    const own = each.getAttribute('data-key');
    if (each instanceof HTMLDetailsElement && opened.has(own)) each.open = true;
    if (key && own === key) each.focus({ preventScroll: true });
  }
}

export const fact = (label: string, value: Child): Child =>
  value === undefined ? undefined : [element('dt', {}, label), element('dd', {}, value)];

export const json = (value: unknown): HTMLElement =>
  element('pre', { tabindex: '0' }, JSON.stringify(value, undefined, 2) ?? '');

/** `2026-11-28 22:35:07` in the reader's own time zone. */
export function time(iso: string): HTMLElement {
  const date = new Date(iso);
  const two = (part: number) => String(part).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return element('time', { datetime: iso }, `${day} ${clock}`);
}

export function duration(milliseconds: number): string {
  const seconds = Math.max(0, milliseconds) / 1_000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A time that has not ended: `tick` draws it again. */
export const since = (iso: string): HTMLElement => {
  const made = element('span', { 'data-since': iso });
  made.textContent = duration(Date.now() - Date.parse(iso));
  return made;
};

export function tick(): void {
  for (const each of document.querySelectorAll('[data-since]')) {
    each.textContent = duration(Date.now() - Date.parse(each.getAttribute('data-since') ?? ''));
  }
}
