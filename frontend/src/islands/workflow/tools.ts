// The bar over the flow: back and forth, what it is shown as, and saving.

import { button, h, signButton } from "./dom";
import type { Language } from "./textview";

export interface ToolState {
  state: string;
  /** 0: it was never saved. */
  version: number;
  isDirty: boolean;
  canUndo: boolean;
  canRedo: boolean;
  language: Language | undefined;
}

export interface ToolActs {
  undo(): void;
  redo(): void;
  show(language: Language | undefined): void;
  settings(): void;
  toggle(): void;
  save(): void;
}

const VIEWS: [string, Language | undefined][] = [
  ["Flow", undefined],
  ["YAML", "yaml"],
  ["JSON", "json"],
];

/** `said` and `note` stay the same elements, so that what is said and typed in them stays. */
export function tools(now: ToolState, acts: ToolActs, said: HTMLElement, note: HTMLElement): HTMLElement[] {
  const isSaved = now.version > 0;
  const isActive = now.state === "active";
  const views = VIEWS.map(([label, language]) => {
    const pressed = String(now.language === language);
    const show = (): void => acts.show(language);
    const props = {
      type: "button",
      class: "view",
      "data-focus": `view:${label}`,
      "aria-pressed": pressed,
      onclick: show,
    };
    return h("button", props, label);
  });
  const toggle = button(isActive ? "Disable" : "Activate", acts.toggle, { "data-focus": "toggle" });
  return [
    h(
      "div",
      { class: "row tight-row" },
      signButton("undo", "Undo", acts.undo, { disabled: !now.canUndo, "data-focus": "undo" }),
      signButton("redo", "Redo", acts.redo, { disabled: !now.canRedo, "data-focus": "redo" }),
    ),
    h("div", { class: "switch", role: "group", "aria-label": "Shown as" }, ...views),
    button("Settings", acts.settings, { class: "button quiet", "data-focus": "settings" }),
    h(
      "span",
      { class: isSaved && isActive ? "badge good" : "badge" },
      isSaved ? `${now.state} · version ${now.version}` : "not saved yet",
    ),
    h("span", { class: "spring" }),
    said,
    note,
    ...(isSaved ? [toggle] : []),
    button(now.isDirty || !isSaved ? "Save" : "Saved", acts.save, {
      class: "button first",
      "data-focus": "save",
      "aria-disabled": isSaved && !now.isDirty && "true",
    }),
  ];
}
