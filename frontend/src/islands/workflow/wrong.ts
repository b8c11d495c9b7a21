// What is wrong, as a list above the flow and at the fields of the pane.

import { h } from "./dom";
import type { Wrong } from "./flow";
import type { Path } from "./model";
import { isMissing, type Located, type Problem } from "./problems";

/** Whether it is no mistake yet: who has just begun has nothing wrong, as long as nothing was to be saved. */
export function isEarly(problem: Problem, attempted: boolean): boolean {
  return !attempted && isMissing(problem);
}

/** How much is wrong, by the name of the step; in the trigger under an empty name. */
export function countsOf(all: readonly Located[], attempted: boolean): Map<string, Wrong> {
  const counts = new Map<string, Wrong>();
  for (const one of all) {
    if (one.part === "workflow") continue;
    const before = counts.get(one.step) ?? { count: 0, unfinished: true };
    const unfinished = before.unfinished && isEarly(one.problem, attempted);
    counts.set(one.step, { count: before.count + 1, unfinished });
  }
  return counts;
}

export interface WrongList {
  all: readonly Located[];
  attempted: boolean;
  open: boolean;
  lead(one: Located): void;
}

export function wrongList({ all, attempted, open, lead }: WrongList): HTMLElement[] {
  if (!all.length) return [];
  const items = all.map((one) => {
    const line = one.problem.line ? `Line ${one.problem.line}, ` : "";
    const follow = (event: Event): void => {
      event.preventDefault();
      lead(one);
    };
    return h("li", {}, h("a", { href: "#", onclick: follow }, line + one.where), `: ${one.problem.message}`);
  });
  const isBad = all.some((one) => one.problem.severity === "error" && !isEarly(one.problem, attempted));
  const title = `${all.length} ${all.length === 1 ? "thing" : "things"} to put right before it can be saved`;
  const list = h("ul", { class: "plain" }, ...items);
  return [h("details", { class: `notice summary ${isBad ? "bad" : "unsure"}`, open }, h("summary", {}, title), list)];
}

/** The field of a pane with the longest beginning of the problem's path. */
export function fieldOf(pane: HTMLElement, one: Located): HTMLElement | null {
  let best: HTMLElement | null = null;
  let length = -1;
  for (const field of pane.querySelectorAll<HTMLElement>("[data-path]")) {
    const path = JSON.parse(field.dataset["path"] ?? "[]") as Path;
    if (path.length <= length || !path.every((part, index) => one.field[index] === part)) continue;
    [best, length] = [field, path.length];
  }
  return best;
}

/** Each problem at its field; what stood there before goes. */
export function markErrors(pane: HTMLElement, mine: readonly Located[]): void {
  for (const error of pane.querySelectorAll<HTMLElement>(".error:not([data-local])"))
    [error.textContent, error.hidden] = ["", true];
  for (const control of pane.querySelectorAll("[aria-invalid]")) control.removeAttribute("aria-invalid");
  for (const one of mine) {
    const field = fieldOf(pane, one);
    const error = field?.matches(".error") ? field : field?.querySelector<HTMLElement>(":scope > .error");
    if (!error || error.dataset["local"]) continue;
    error.textContent = [error.textContent, inShort(one.problem.message)].filter(Boolean).join(" ");
    error.hidden = false;
    field?.querySelector(":scope > :is(input, select, textarea)")?.setAttribute("aria-invalid", "true");
  }
}

/** At a field, whose help stands there already. */
function inShort(message: string): string {
  return message.startsWith("is missing.") ? "is missing." : message;
}
