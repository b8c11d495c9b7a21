// Elements made in one expression. Text is always text: nothing that a person wrote becomes markup.

export type Child = Node | string | false | null | undefined;
type Props = Record<string, string | number | boolean | undefined | ((event: never) => void)>;

/** `on…` listens, `class` and all others are attributes; `false` and `undefined` leave one out, `true` is an empty one. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props?: Props,
  ...children: Child[]
): HTMLElementTagNameMap[K];
export function h(tag: string, props?: Props, ...children: Child[]): HTMLElement;
export function h(tag: string, props: Props = {}, ...children: Child[]): HTMLElement {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value as unknown as EventListener);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== undefined) made.setAttribute(name, String(value));
  }
  made.append(...children.filter((one): one is Node | string => one !== false && one !== null && one !== undefined));
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

/** An icon drawn on 24 by 24 in the colour of the text. */
export function icon(path: string): SVGElement {
  const svg = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({ class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" }))
    svg.setAttribute(name, value);
  const drawn = document.createElementNS(SVG, "path");
  drawn.setAttribute("d", path);
  svg.append(drawn);
  return svg;
}

export const DRAWN = {
  plus: "M12 5v14M5 12h14",
  up: "M12 19V5M6 11l6-6 6 6",
  down: "M12 5v14M6 13l6 6 6-6",
  copy: "M9 9h10v10H9zM5 15V5h10",
  bin: "M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7",
  undo: "M9 8H15a5 5 0 0 1 0 10H8M9 4 5 8l4 4",
  redo: "M15 8H9a5 5 0 0 0 0 10h7M15 4l4 4-4 4",
  grip: "M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01",
  begin: "M8.5 6v12l9-6z",
  wrong: "M12 7.5v6M12 16.8v.1",
  Records: "M5 6c0-3.6 14-3.6 14 0v12c0 3.6-14 3.6-14 0zM5 12c0 3.6 14 3.6 14 0",
  Data: "M4 6h16M4 12h10M4 18h13",
  Flow: "M6 4v6a4 4 0 0 0 4 4h8M14 10l4 4-4 4M6 10v10",
  Waiting: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16M12 8v4l2.5 2",
  Databases: "M4 5h16v14H4zM4 10h16M10 5v14",
  iMIS: "M12 4.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7M5 20c0-7 14-7 14 0",
  Calls: "M4 12h12M11 7l5 5-5 5M20 5v14",
  Files: "M6 3.5h8l4 4v13H6zM14 3.5v4h4",
  Messages: "M4 6h16v12H4zM4 7l8 6 8-6",
} as const;

export function drawn(name: string): SVGElement {
  return icon(DRAWN[name as keyof typeof DRAWN] ?? DRAWN.Data);
}

/** A help text, what stands in backticks as code. */
export function told(text: string): Node[] {
  return text.split("`").map((part, index) => (index % 2 ? h("code", {}, part) : document.createTextNode(part)));
}

export function button(label: string, act: () => void, props: Props = {}, sign?: string): HTMLButtonElement {
  return h("button", { type: "button", class: "button", onclick: act, ...props }, sign ? drawn(sign) : null, label);
}

/** A button that shows only its sign, with its name for who cannot see it. */
export function signButton(sign: string, label: string, act: () => void, props: Props = {}): HTMLButtonElement {
  const made = button("", act, { class: "button quiet sign", "aria-label": label, title: label, ...props });
  made.append(drawn(sign));
  return made;
}

let count = 0;

export function freshId(): string {
  return `w${++count}`;
}
