// The properties of what is selected: a step, what begins a run, or the workflow itself.

import { chips, type Cursor } from "./chips";
import { button, drawn, freshId, h, signButton, told } from "./dom";
import { field, settingField } from "./fields";
import type { Form, Place } from "./form";
import { isObject, type Json } from "./json";
import { at, type Doc, find, type Path, type Placed, type Step, stepsAt, text, write } from "./model";
import { offer, type Offer } from "./remote";
import { outputOf, readable, scopeOf } from "./scope";
import type { Known, Setting, Spec, Types } from "./specs";
import { trial } from "./trial";

export interface PaneHost {
  known: Known;
  types: Types;
  cursor: Cursor;
  doc(): Doc;
  /** Takes a changed document; `key`: what was typed into; `redraw`: the pane shows other fields now. */
  change(doc: Doc, key: string, redraw?: boolean): void;
  rename(old: string, name: string): void;
  moveBy(name: string, by: 1 | -1): void;
  duplicate(name: string): void;
  remove(name: string): void;
}

const MANY = 6;
const FIRST = new Set(["connection", "method", "body", "text"]);
const FAILING = ["on_failure", "retry", "time", "when_unknown"];
const MORE = ["enabled", "when_disabled", "output", "note"];

/** The document with a value at a path; objects in which nothing is left behind go with it. */
export function writePruned(doc: Doc, base: Path, path: Path, value: Json | undefined): Doc {
  let changed = write(doc, [...base, ...path], value);
  for (let length = path.length - 1; value === undefined && length > 0; length--) {
    const here = [...base, ...path.slice(0, length)];
    const found = at(changed, here);
    if (!isObject(found) || Object.keys(found).length > 0 || typeof here.at(-1) === "number") break;
    changed = write(changed, here, undefined);
  }
  return changed;
}

function formOf(host: PaneHost, base: () => Path, spec: Spec | undefined, later: string[], properties: string[]): Form {
  const settings = (): Step => {
    const found = at(host.doc(), [...base(), "with"]);
    return isObject(found) ? found : {};
  };
  const offered = offers(spec, settings);
  return {
    known: host.known,
    spec,
    later,
    properties,
    settings,
    offered: offered.listen,
    change: (path, value) => {
      host.change(writePruned(host.doc(), base(), path, value), path.join("."));
      if (path[0] === "with") offered.ask();
    },
  };
}

/** What the chosen connection offers, asked for when it, its panel or its table is another one. */
function offers(
  spec: Spec | undefined,
  settings: () => Step,
): { listen(listener: (offer: Offer) => void): void; ask(): void } {
  const listeners: ((offer: Offer) => void)[] = [];
  const has = (name: string): boolean => spec?.settings.some((one) => one.name === name) ?? false;
  let asked = "";
  let last: Offer | undefined;
  const ask = (): void => {
    const connection = text(settings()["connection"]);
    if (!connection || !(has("fields") || has("match") || has("table"))) return;
    const more = ["panel", "table"].filter(has).map((name): [string, string] => [name, text(settings()[name])]);
    const where = { connection, ...Object.fromEntries(more) };
    const key = JSON.stringify(where);
    if (key === asked) return;
    asked = key;
    setTimeout(() => {
      if (key !== asked) return;
      void offer(where)
        .then((found) => {
          last = found;
          for (const listener of listeners) listener(found);
        })
        .catch(() => undefined); // names can be typed without being offered
    }, 300);
  };
  return {
    listen: (listener) => {
      listeners.push(listener);
      if (last) listener(last);
      ask();
    },
    ask,
  };
}

function head(title: string, about: readonly Node[], acts: readonly HTMLElement[] = []): HTMLElement {
  return h(
    "header",
    { class: "pane-head" },
    h("h2", { tabindex: "-1" }, title),
    acts.length > 0 && h("div", { class: "row tight-row" }, ...acts),
    about.length > 0 && h("p", { class: "soft small" }, ...about),
    h("p", { class: "error pane-error", hidden: true, "data-path": "[]" }),
  );
}

export function stepPane(host: PaneHost, name: string): HTMLElement[] {
  const placed = find(host.doc(), host.types, name);
  if (!placed) return [head("Nothing is selected", [])];
  const { step } = placed;
  const spec = host.types.get(text(step["type"]));
  const base = (): Path => find(host.doc(), host.types, name)?.place ?? placed.place;
  const later = stepsAt(host.doc(), placed.list)
    .slice(placed.index + 1)
    .map((one) => text(one["name"]));
  const groups = readable(host.doc(), host.types, name, rowOf(host, placed, spec));
  const paths = groups.flatMap((group) => group.variables.map((one) => one.path));
  const form = formOf(host, base, spec, later, paths);
  const own = (setting: Setting): HTMLElement =>
    settingField(form, { setting, path: [setting.name], value: step[setting.name] });
  const some = (names: readonly string[]): Setting[] =>
    names.flatMap((one) => host.known.base.find((each) => each.name === one) ?? []);
  const failing = some(FAILING).filter((one) => fits(one, spec));
  const more = some(MORE).filter((one) => one.name !== "output" || Boolean(spec?.output));
  const pane = [
    head(
      text(step["title"]) || spec?.title || name,
      [
        h("strong", {}, spec?.title ?? text(step["type"])),
        document.createTextNode(" · "),
        ...told(spec?.help ?? "This type of step is not known."),
      ],
      [
        signButton("up", "Move up", () => host.moveBy(name, -1), { "data-focus": "pane:up" }),
        signButton("down", "Move down", () => host.moveBy(name, 1), { "data-focus": "pane:down" }),
        signButton("copy", "Duplicate", () => host.duplicate(name)),
        signButton("bin", "Remove", () => host.remove(name)),
      ],
    ),
    h("div", { class: "called" }, ...some(["title"]).map(own), nameField(host, name)),
    ...typeSettings(form, spec, step),
    ...entries(host, form, spec, step, base),
    results(step, spec),
    chips(groups, (path) => {
      const holder = document.querySelector<HTMLElement>("workflow-editor .pane");
      if (holder) host.cursor.insert(holder, path);
    }),
    trial(spec, {
      step: () => at(host.doc(), base()) as Step,
      scope: () => scopeOf(host.doc(), host.types, name),
      sample: () => at(host.doc(), ["samples", name]),
      keep: (output) => host.change(write(host.doc(), ["samples", name], output), ""),
    }),
    folded("When it is done", some(["when"]).map(own), step["when"] !== undefined),
    folded(
      "If it fails",
      failing.map(own),
      failing.some((one) => step[one.name] !== undefined),
    ),
    folded("More", more.map(own), step["enabled"] === false),
  ];
  return pane.filter((one): one is HTMLElement => one !== null);
}

/** A block is not tried as a whole, and only what reaches outside can end nobody knows how. */
function fits(setting: Setting, spec: Spec | undefined): boolean {
  const holds = Boolean(spec?.blocks.length || spec?.namedBlocks);
  if (setting.name === "retry" || setting.name === "time") return !holds && spec?.reach !== "control";
  return setting.name !== "when_unknown" || spec?.reach === "elsewhere";
}

/** One of the rows that a step works on, for what its templates read of each. */
function rowOf(host: PaneHost, placed: Placed, spec: Spec | undefined): Json | undefined {
  if (!spec?.settings.some((one) => one.mode === "row")) return undefined;
  const source = /^\$\$([^$]+)\$\$$/.exec(text(at(placed.step, ["with", "rows"])))?.[1];
  const scope = scopeOf(host.doc(), host.types, text(placed.step["name"]));
  const rows = source ? at(scope, source.split(".")) : undefined;
  return Array.isArray(rows) ? rows[0] : undefined;
}

function results(step: Step, spec: Spec | undefined): HTMLElement | null {
  const output = outputOf(step, spec);
  if (!output || !spec) return null;
  return h(
    "p",
    { class: "soft small" },
    "Puts out ",
    h("code", {}, `steps.${text(step["name"])}.${output}`),
    ": ",
    ...told(spec.holds),
  );
}

function folded(title: string, fields: readonly HTMLElement[], open = false): HTMLElement | null {
  return fields.length
    ? h("details", { class: "folded", open }, h("summary", {}, title), h("div", { class: "stack" }, ...fields))
    : null;
}

/** The name is taken when it is whole: everything that refers to the step follows it. */
function nameField(host: PaneHost, name: string): HTMLElement {
  const setting = host.known.base.find((one) => one.name === "name") as Setting;
  const id = freshId();
  const input = h("input", { id, value: name, autocomplete: "off", spellcheck: "false", "data-focus": "pane:name" });
  input.addEventListener("change", () => input.value.trim() && host.rename(name, input.value.trim()));
  return field({ setting, path: ["name"], value: name }, id, input);
}

/** Settings of the type: those that are needed or given, and the others folded away. */
function typeSettings(form: Form, spec: Spec | undefined, step: Step): HTMLElement[] {
  const given = isObject(step["with"]) ? step["with"] : {};
  const all = spec?.settings ?? [];
  const needed = new Set(spec?.needsOne.flat());
  const first = all.filter(
    (one) =>
      one.required ||
      FIRST.has(one.name) ||
      needed.has(one.name) ||
      given[one.name] !== undefined ||
      all.length <= MANY,
  );
  const rest = all.filter((one) => !first.includes(one));
  const made = (one: Setting): HTMLElement =>
    settingField(form, { setting: one, path: ["with", one.name], value: given[one.name] });
  const more = folded(rest.length === 1 ? "1 further setting" : `${rest.length} further settings`, rest.map(made));
  return [...first.map(made), ...(more ? [more] : [])];
}

/** The cases of a switch, the branches of steps side by side. */
function entries(host: PaneHost, form: Form, spec: Spec | undefined, step: Step, base: () => Path): HTMLElement[] {
  const kind = spec?.namedBlocks;
  if (!kind) return [];
  const settings = (host.known.entries[kind] ?? []).map((one): Setting =>
    one.name === "value" ? { ...one, mode: "template" } : one,
  );
  const given = Array.isArray(step[kind]) ? step[kind] : [];
  const word = kind === "cases" ? "case" : "branch";
  const rows = given.map((one, index) => {
    const values = isObject(one) ? one : {};
    const count = Array.isArray(values["steps"]) ? values["steps"].length : 0;
    const away = signButton("bin", `Remove ${word} ${index + 1}${count ? ` and its ${count} steps` : ""}`, () =>
      host.change(write(host.doc(), [...base(), kind, index], undefined), "", true),
    );
    const fields = settings.map((each) =>
      settingField(form, { setting: each, path: [kind, index, each.name], value: values[each.name] }),
    );
    return h(
      "fieldset",
      { class: "row-group" },
      h("legend", { class: "unseen" }, `The ${word} number ${index + 1}`),
      ...fields,
      away,
    );
  });
  const add = (): void => {
    const made: Step = kind === "cases" ? { value: "", steps: [] } : { name: `branch-${given.length + 1}`, steps: [] };
    host.change(write(host.doc(), [...base(), kind], [...given, made]), "", true);
  };
  const title = kind === "cases" ? "Cases" : "Branches";
  return [
    h(
      "fieldset",
      { class: "plain stack", "data-path": JSON.stringify([kind]) },
      h("legend", {}, title),
      h("span", { class: "error", hidden: true }),
      ...rows,
      h("div", {}, button(`Add a ${word}`, add, { class: "button quiet" }, "plus")),
    ),
  ];
}

interface Starter {
  words: string;
  /** What is said where there is none. */
  list: string;
  make: string;
  /** Its form begins with what the address says. */
  takes?: boolean;
  one: (name: string) => string;
}

const STARTERS: Record<string, Starter> = {
  webhook: {
    words: "webhook",
    list: "No webhook names this workflow yet: choose it in a webhook's section “Action”.",
    make: "/webhooks/_new",
    one: (name) => `/webhooks/${name}`,
  },
  change: {
    words: "webhook",
    list: "iMIS has to be told where: a webhook with the handshake of Event Grid, which names this workflow.",
    make: "/webhooks/_new",
    one: (name) => `/webhooks/${name}`,
  },
  schedule: {
    words: "schedule",
    list: "No schedule names this workflow yet.",
    make: "/schedules/_new",
    takes: true,
    one: (name) => `/schedules/${name}`,
  },
  poll: {
    words: "poll",
    list: "No poll names this workflow yet.",
    make: "/polls/_new",
    takes: true,
    one: (name) => `/polls/${name}`,
  },
};

export function triggerPane(host: PaneHost): HTMLElement[] {
  const own = (name: string): HTMLElement[] =>
    host.known.workflow
      .filter((one) => one.name === name)
      .map((setting) =>
        settingField(form, {
          setting: { ...setting, label: LABELS[name] ?? setting.label },
          path: [name],
          value: host.doc()[name],
        }),
      );
  const form = formOf(host, () => [], undefined, [], []);
  const starting = h("div", { class: "stack tight" });
  const draw = (): void => starting.replaceChildren(...starters(host));
  draw();
  const trigger = h("div", { class: "stack" }, ...own("trigger"));
  trigger.addEventListener("change", draw);
  return [head("Trigger", []), trigger, starting, ...own("sample"), ...newest(host)];
}

const LABELS: Record<string, string> = { trigger: "What begins a run", sample: "Sample of what triggers it" };

function starters(host: PaneHost): HTMLElement[] {
  const kind = text(at(host.doc(), ["trigger", "type"])) || "manual";
  const starter = STARTERS[kind];
  if (!starter) return [];
  const names = host.known.starters[kind === "change" ? "webhook" : kind] ?? [];
  const links = names.map((name) => h("li", {}, h("a", { href: starter.one(encodeURIComponent(name)) }, name)));
  const named = starter.takes ? `?workflow=${encodeURIComponent(text(host.doc()["name"]))}` : "";
  const where = { class: "button quiet", href: starter.make + named, target: "_blank" };
  const tab = h("span", { class: "unseen" }, " (in a new tab)");
  const make = h("a", where, drawn("plus"), `Make a ${starter.words}`, tab);
  return [
    h("h3", {}, "What starts it"),
    links.length ? h("ul", { class: "plain" }, ...links) : h("p", { class: "soft" }, starter.list),
    host.known.version ? h("p", {}, make) : h("p", { class: "soft small" }, "Save the workflow first, then make one."),
  ];
}

/** What triggered the newest run, as the sample. */
function newest(host: PaneHost): HTMLElement[] {
  const given = host.known.newest;
  if (given === undefined) return [];
  const take = (): void => host.change(write(host.doc(), ["sample"], given), "", true);
  return [h("div", {}, button("Take what triggered the newest run", take, { class: "button quiet" }, "copy"))];
}

export function workflowPane(host: PaneHost): HTMLElement[] {
  const form = formOf(host, () => [], undefined, [], []);
  const isNew = host.known.version === 0;
  const shown = host.known.workflow.filter(
    (one) => !["trigger", "sample"].includes(one.name) && (isNew || !["name", "state"].includes(one.name)),
  );
  const fields = shown.map((setting) => {
    const place: Place = { setting, path: [setting.name], value: host.doc()[setting.name] };
    return settingField(form, place);
  });
  const named = isNew
    ? []
    : [h("p", { class: "soft small" }, "Its name is ", h("code", {}, text(host.doc()["name"])), ".")];
  return [head("The workflow", []), ...named, ...fields];
}
