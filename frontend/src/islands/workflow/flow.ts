// The flow: cards one below the other with a line between them, branches side by side, loops in a frame.

import { button, drawn, h, icon, DRAWN } from "./dom";
import { isObject, shown } from "./json";
import { at, type Block, blocksOf, type Doc, type Path, ROOT, type Slot, type Step, stepsAt, text } from "./model";
import type { Types } from "./specs";

export type Selection = { kind: "step"; name: string } | { kind: "trigger" } | { kind: "workflow" };

export interface FlowActs {
  select(selection: Selection): void;
  add(slot: Slot, label: string): void;
  drop(place: Path, slot: Slot): void;
  key(event: KeyboardEvent, place: Path): void;
}

export interface FlowState {
  doc: Doc;
  types: Types;
  selected: Selection;
  /** Problems by the name of the step; those of the trigger under an empty name. */
  wrong: ReadonlyMap<string, Wrong>;
}

export interface Wrong {
  count: number;
  /** Nothing is wrong but that something is still to be filled in. */
  unfinished: boolean;
}

const WAYS: Record<string, string> = {
  then: "where it holds",
  else: "otherwise",
  default: "any other value",
  steps: "for each element",
};
const DRAGGED = "application/x-hookstation-step";

export function flow(state: FlowState, acts: FlowActs): HTMLElement {
  return h(
    "div",
    { class: "edit-flow" },
    triggerCard(state, acts),
    line(state, acts, ROOT, ""),
    h("p", { class: "flow-end soft small" }, "End"),
  );
}

function triggerCard(state: FlowState, acts: FlowActs): HTMLElement {
  const trigger = isObject(state.doc["trigger"]) ? state.doc["trigger"] : {};
  const chosen = state.selected.kind === "trigger";
  return h(
    "div",
    { class: "node-card begin", "aria-current": chosen && "true" },
    h(
      "button",
      { type: "button", class: "node-main", "data-focus": "trigger", onclick: () => acts.select({ kind: "trigger" }) },
      h("span", { class: "node-sign" }, drawn("begin")),
      h(
        "span",
        { class: "node-words" },
        h("strong", {}, "Begins"),
        h("span", { class: "soft small" }, triggerWords(trigger)),
      ),
      count(state.wrong.get("")),
    ),
  );
}

/** What begins a run, in words. */
export function triggerWords(trigger: Readonly<Record<string, unknown>>): string {
  const list = (name: string): string => (Array.isArray(trigger[name]) ? trigger[name].join(", ") : "");
  switch (trigger["type"] ?? "manual") {
    case "webhook":
      return "when a webhook is called";
    case "schedule":
      return "when a schedule is due";
    case "poll":
      return "when a poll finds something";
    case "change":
      return `when iMIS tells of a change${list("changes") ? `: ${list("changes")}` : ""}`;
    case "event":
      return `on an event${list("types") ? `: ${list("types")}` : ""}`;
    case "workflow":
      return "when another workflow asks for it";
  }
  return "by hand";
}

function line(state: FlowState, acts: FlowActs, list: Path, inside: string): HTMLElement {
  const steps = stepsAt(state.doc, list);
  const items = steps.flatMap((step, index) => [
    adder(
      acts,
      { list, index },
      index === 0 ? `Add a step at the beginning${inside}` : `Add a step after ${titleOf(steps[index - 1])}${inside}`,
    ),
    node(state, acts, step, [...list, index]),
  ]);
  const last = steps.length ? `Add a step after ${titleOf(steps.at(-1))}${inside}` : `Add a step${inside}`;
  return h(
    "ol",
    { class: "flow-line", "aria-label": inside ? `Steps${inside}` : "Steps" },
    ...items,
    adder(acts, { list, index: steps.length }, last, steps.length === 0),
  );
}

export function titleOf(step: Step | undefined): string {
  return text(step?.["title"]) || text(step?.["name"]) || "the step";
}

/** In words, inside which step a list stands; nothing for the workflow's own. */
export function insideOf(doc: Doc, list: Path): string {
  for (let length = list.length - 1; length > 0; length--) {
    const found = at(doc, list.slice(0, length));
    if (isObject(found) && found["type"]) return ` inside ${titleOf(found)}`;
  }
  return "";
}

function adder(acts: FlowActs, slot: Slot, label: string, isOnly = false): HTMLElement {
  const made = button(isOnly ? "Add a step" : "", () => acts.add(slot, label), {
    class: isOnly ? "adder only" : "adder",
    "aria-label": label,
    title: label,
    "data-focus": `add:${slot.list.join(".")}|${slot.index}`,
  });
  made.prepend(icon(DRAWN.plus));
  const item = h("li", { class: "gap-line" }, made);
  item.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes(DRAGGED)) return;
    event.preventDefault();
    item.classList.add("over");
  });
  item.addEventListener("dragleave", () => item.classList.remove("over"));
  item.addEventListener("drop", (event) => {
    event.preventDefault();
    item.classList.remove("over");
    const place = event.dataTransfer?.getData(DRAGGED);
    if (place) acts.drop(JSON.parse(place) as Path, slot);
  });
  return item;
}

function node(state: FlowState, acts: FlowActs, step: Step, place: Path): HTMLElement {
  const spec = state.types.get(text(step["type"]));
  const name = text(step["name"]);
  const chosen = state.selected.kind === "step" && state.selected.name === name;
  const what = spec?.title ?? text(step["type"]);
  const title = text(step["title"]) || what;
  const off = step["enabled"] === false;
  const main = h(
    "button",
    {
      type: "button",
      class: "node-main",
      "data-focus": `step:${name}`,
      onclick: () => acts.select({ kind: "step", name }),
    },
    h("span", { class: "node-sign" }, drawn(spec?.group ?? "Data")),
    h(
      "span",
      { class: "node-words" },
      h("strong", {}, title),
      h("span", { class: "soft small" }, title === what ? "" : `${what} · `, h("code", {}, name), gist(step)),
    ),
    off && h("span", { class: "badge" }, "off"),
    Boolean(step["when"]) && h("span", { class: "badge", title: text(step["when"]) }, "if"),
    count(state.wrong.get(name)),
  );
  main.addEventListener("keydown", (event) => acts.key(event, place));
  const card = h(
    "div",
    { class: off ? "node-card off" : "node-card", "aria-current": chosen && "true", draggable: "true" },
    main,
    h("span", { class: "grip", "aria-hidden": "true", title: "Drag to another place" }, drawn("grip")),
  );
  card.addEventListener("dragstart", (event) => {
    event.stopPropagation();
    event.dataTransfer?.setData(DRAGGED, JSON.stringify(place));
    event.dataTransfer?.setData("text/plain", name);
    // Changed at once, the picture that is dragged would be of the changed card, and Chromium may end the drag.
    setTimeout(() => card.closest(".edit-flow")?.classList.add("dragging"));
  });
  card.addEventListener("dragend", () => card.closest(".edit-flow")?.classList.remove("dragging"));
  const blocks = blocksOf(step, spec);
  return h(
    "li",
    { class: blocks.length ? "node holder" : "node" },
    card,
    blocks.length > 0 && branches(state, acts, step, place, blocks),
  );
}

/** What a step is about, where one setting says it. */
function gist(step: Step): string {
  const settings = isObject(step["with"]) ? step["with"] : {};
  const found = [
    "condition",
    "value",
    "items",
    "panel",
    "table",
    "path",
    "url",
    "workflow",
    "transfer",
    "subject",
  ].find((one) => settings[one] !== undefined);
  const value = found === undefined ? undefined : settings[found];
  return value === undefined ? "" : ` · ${shown(value, 48)}`;
}

function count(wrong: Wrong | undefined): HTMLElement | null {
  if (!wrong) return null;
  if (wrong.unfinished) return h("span", { class: "badge unsure" }, "to fill in");
  return h(
    "span",
    { class: "badge bad" },
    String(wrong.count),
    h("span", { class: "unseen" }, wrong.count === 1 ? " problem" : " problems"),
  );
}

function branches(state: FlowState, acts: FlowActs, step: Step, place: Path, blocks: readonly Block[]): HTMLElement {
  const loop = step["type"] === "for_each";
  return h(
    "div",
    { class: loop ? "frame" : "ways-beside", role: "group", "aria-label": `Inside ${titleOf(step)}` },
    ...blocks.map((one) => {
      const label = one.entry === undefined ? (WAYS[one.label] ?? one.label) : one.label;
      return h(
        "section",
        { class: "way-beside", "aria-label": label },
        h("p", { class: "way-name small" }, label),
        line(state, acts, [...place, ...one.path], `, ${label} of ${titleOf(step)}`),
      );
    }),
  );
}
