// Variables as blue chips with their sample values: a click puts one where the cursor was.

import { h } from "./dom";
import type { Editor } from "./form";
import { shown } from "./json";
import type { Group, Variable } from "./scope";

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
  }

  insert(pane: HTMLElement, path: string): void {
    const there = this.#last?.isConnected ? this.#last : undefined;
    const target = there ?? pane.querySelector<Editor>("code-editor[language=template]") ?? undefined;
    if (target instanceof HTMLTextAreaElement || target instanceof HTMLInputElement) {
      target.setRangeText(path, target.selectionStart ?? 0, target.selectionEnd ?? 0, "end");
      target.dispatchEvent(new Event("input", { bubbles: true }));
      target.focus();
    } else target?.insert?.(`$$${path}$$`);
  }
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
  made.addEventListener("dragstart", (event) => event.dataTransfer?.setData("text/plain", `$$${variable.path}$$`));
  const unknown = variable.path === "trigger" && variable.sample === null;
  const said = unknown
    ? "no sample yet: give one at “Begins”"
    : variable.sample === undefined
      ? ""
      : shown(variable.sample);
  const sample = said ? h("span", { class: "soft small" }, said) : null;
  return h("li", {}, made, sample);
}
