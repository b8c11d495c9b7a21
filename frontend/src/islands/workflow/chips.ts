// Variables as blue chips with their sample values: a click puts one where the cursor was.

import { h } from "./dom";
import type { Editor } from "./form";
import { shown } from "./json";
import type { Group, Variable } from "./scope";

const CHIP = "application/x-hookstation-chip";

type Target = Editor | HTMLInputElement | HTMLTextAreaElement;

/** Where the cursor was last, in a pane that is watched. */
export class Cursor {
  #last: Target | undefined;

  watch(pane: HTMLElement): void {
    pane.addEventListener("focusin", (event) => {
      const target = event.target instanceof Element ? event.target : null;
      const editor = target?.closest<Editor>("code-editor");
      const plain = target?.closest<HTMLInputElement | HTMLTextAreaElement>("textarea.code");
      if (editor ?? plain) this.#last = editor ?? plain ?? undefined;
    });
    this.#takeDrops(pane);
  }

  /** Chips are dropped into editors and conditions; what the editor took itself is not put in twice. */
  #takeDrops(pane: HTMLElement): void {
    const targetOf = (event: DragEvent): Target | null | undefined =>
      event.dataTransfer?.types.includes(CHIP) && event.target instanceof Element
        ? event.target.closest<Target>("code-editor, textarea.code")
        : null;
    pane.addEventListener("dragover", (event) => targetOf(event) && event.preventDefault());
    pane.addEventListener("drop", (event) => {
      const target = targetOf(event);
      if (!target || event.defaultPrevented) return;
      event.preventDefault();
      this.#put(target, event.dataTransfer?.getData(CHIP) ?? "");
    });
  }

  insert(pane: HTMLElement, path: string): void {
    const there = this.#last?.isConnected ? this.#last : undefined;
    this.#put(there ?? pane.querySelector<Editor>("code-editor[language=template]") ?? undefined, path);
  }

  #put(target: Target | undefined, path: string): void {
    if (target instanceof HTMLTextAreaElement || target instanceof HTMLInputElement) {
      target.setRangeText(path, target.selectionStart ?? 0, target.selectionEnd ?? 0, "end");
      target.dispatchEvent(new Event("input", { bubbles: true }));
      target.focus();
    } else target?.insert?.(written(target, `$$${path}$$`));
  }
}

/** In JSON a template is a text, which has its quotes where the cursor is in none. */
function written(editor: Editor, template: string): string {
  const isBare = editor.getAttribute("language") === "json" && !editor.inText;
  return isBare ? JSON.stringify(template) : template;
}

export function chips(groups: readonly Group[], insert: (path: string) => void): HTMLElement {
  const filled = groups.filter((one) => one.variables.length > 0);
  return h(
    "section",
    { class: "stack tight", "aria-labelledby": "read-title" },
    h("h3", { id: "read-title" }, "What it can read"),
    h("p", { class: "soft small" }, "A click puts one where the cursor was; it can be dragged there, too."),
    ...filled.map((group, index) =>
      h(
        "details",
        { open: index < 2 && group.title !== "The run" },
        h("summary", {}, group.title),
        h("ul", { class: "variables" }, ...group.variables.map((one) => chip(one, insert))),
      ),
    ),
  );
}

function chip(variable: Variable, insert: (path: string) => void): HTMLElement {
  const made = h("span", { class: "chip", role: "button", tabindex: "0", draggable: "true" }, variable.path);
  made.addEventListener("click", () => insert(variable.path));
  made.addEventListener("mousedown", (event) => event.stopPropagation());
  made.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    insert(variable.path);
  });
  made.addEventListener("dragstart", (event) => {
    event.dataTransfer?.setData("text/plain", `$$${variable.path}$$`);
    event.dataTransfer?.setData(CHIP, variable.path);
  });
  const unknown = variable.path === "trigger" && variable.sample === null;
  const said = unknown
    ? "no sample yet: give one at “Begins”"
    : variable.sample === undefined
      ? ""
      : shown(variable.sample);
  const sample = said ? h("span", { class: "soft small" }, said) : null;
  return h("li", {}, made, sample);
}
