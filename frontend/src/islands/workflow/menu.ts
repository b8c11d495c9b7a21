// Which step is to be added: all types by group, with a search.

import { button, drawn, h } from "./dom";
import type { Known, Spec } from "./specs";

const MOVES: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };

/** Asks for a type of step; nothing where it is closed without one. */
export function chooseType(holder: HTMLElement, known: Known, label: string): Promise<Spec | undefined> {
  return new Promise((resolve) => {
    let chosen: Spec | undefined;
    const search = h("input", {
      type: "search",
      id: "step-search",
      autocomplete: "off",
      spellcheck: "false",
      placeholder: "mail, record, if …",
    });
    const list = h("div", { class: "step-menu", role: "group", "aria-label": "Types of step" });
    const none = h("p", { class: "soft", role: "status" });
    const dialog = h(
      "dialog",
      { class: "step-dialog", "aria-labelledby": "step-dialog-title" },
      h("h2", { id: "step-dialog-title" }, label),
      h("div", { class: "field" }, h("label", { for: "step-search" }, "Search"), search),
      none,
      list,
      button("Close", () => dialog.close()),
    );
    const pick = (spec: Spec): void => {
      chosen = spec;
      dialog.close();
    };
    const draw = (): void => {
      const found = matching(known.types, search.value);
      none.textContent = found.length ? "" : "No type of step fits these words.";
      list.replaceChildren(h("div", { class: "step-groups" }, ...grouped(found, pick)));
    };
    dialog.addEventListener("keydown", (event) => {
      const by = MOVES[event.key];
      const all = [...list.querySelectorAll("button")];
      if (event.key === "Enter" && document.activeElement === search) {
        event.preventDefault();
        all[0]?.click();
      } else if (by !== undefined) {
        event.preventDefault();
        const here = all.indexOf(document.activeElement as HTMLButtonElement);
        const next = here + by;
        (next < 0 ? search : all[Math.min(next, all.length - 1)])?.focus();
      }
    });
    search.addEventListener("input", draw);
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(chosen);
    });
    draw();
    holder.append(dialog);
    dialog.showModal();
    search.focus();
  });
}

function grouped(found: readonly Spec[], pick: (spec: Spec) => void): HTMLElement[] {
  const groups = [...new Set(found.map((spec) => spec.group))];
  return groups.map((group) =>
    h(
      "section",
      { "aria-label": group },
      h("h3", { class: "soft small" }, group),
      ...found
        .filter((spec) => spec.group === group)
        .map((spec) =>
          h(
            "button",
            { type: "button", class: "step-choice", onclick: () => pick(spec) },
            h("span", { class: "node-sign" }, drawn(group)),
            h(
              "span",
              { class: "node-words" },
              h("strong", {}, spec.title),
              h("span", { class: "soft small" }, spec.help.replaceAll("`", "")),
            ),
          ),
        ),
    ),
  );
}

/** The types in which every word is found, those with it in the title first. */
export function matching(types: readonly Spec[], words: string): Spec[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const texts = new Map(
    types.map((spec) => [spec, `${spec.title} ${spec.type} ${spec.group} ${spec.help}`.toLowerCase()]),
  );
  const found = types.filter((spec) => wanted.every((word) => texts.get(spec)?.includes(word)));
  const rank = (spec: Spec): number =>
    wanted.every((word) => `${spec.title} ${spec.type}`.toLowerCase().includes(word)) ? 0 : 1;
  return wanted.length ? [...found].sort((one, other) => rank(one) - rank(other)) : found;
}
