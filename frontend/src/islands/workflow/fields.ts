// One setting as a control with its label, its help and the place of its error.

import { drawn, freshId, h, signButton, told } from "./dom";
import type { Form, Place } from "./form";
import { isObject, type Json, shown } from "./json";
import type { Path } from "./model";
import type { Setting } from "./specs";
import { anyControl, jsonEditor, mappingControl, ruleControl, templateEditor } from "./values";

const VARIANTS: Record<string, string> = {
  manual: "a person, by hand",
  webhook: "a webhook that is called",
  schedule: "a schedule that is due",
  poll: "a poll that finds something",
  change: "a change in iMIS",
  event: "an event of the station",
  workflow: "another workflow",
  next_link: "the answer has a link to the next page",
  page: "pages have numbers",
  cursor: "the answer has a cursor",
};
const LONG = new Set(["text", "html", "message", "note", "statement"]);

/** A field; of a group its fields. */
export function settingField(form: Form, place: Place): HTMLElement {
  const { setting } = place;
  switch (setting.kind) {
    case "group":
      return group(form, place, setting.fields ?? []);
    case "one of":
      return oneOf(form, place);
    case "groups":
      return groups(form, place);
    case "boolean":
      return tick(form, place);
  }
  const id = freshId();
  const control = controlOf(form, place, id);
  return field(place, id, control, setting.kind === "list" ? " One on each line." : "");
}

export function field(place: Place, id: string, control: HTMLElement, more = ""): HTMLElement {
  const { setting } = place;
  const described = [setting.help ? `${id}-help` : "", `${id}-error`].filter(Boolean).join(" ");
  const target = control.id === id ? control : control.querySelector(`#${id}`);
  target?.setAttribute("aria-describedby", described);
  return h(
    "div",
    { class: "field", "data-path": JSON.stringify(place.path) },
    h(
      "label",
      { for: id, id: `${id}-label` },
      setting.label,
      setting.required ? h("span", { class: "soft" }, " (required)") : null,
    ),
    control,
    setting.help ? h("span", { class: "help", id: `${id}-help` }, ...told(setting.help + more)) : null,
    h("span", { class: "error", id: `${id}-error`, hidden: true }),
  );
}

function controlOf(form: Form, place: Place, id: string): HTMLElement {
  const { setting } = place;
  if (setting.mode === "rule") return ruleControl(form, place, id);
  if (setting.mode === "condition") return area(form, place, id, 2);
  if (setting.pick && !setting.mode) return picker(form, place, id);
  switch (setting.kind) {
    case "choice":
      return choice(form, place, id);
    case "mapping":
      return mappingControl(form, place, id);
    case "list":
      return lines(form, place, id);
    case "json":
      return setting.mode
        ? anyControl(form, place, id, (value) => form.change(place.path, value))
        : jsonEditor(form, place, id);
  }
  if (setting.mode)
    return templateEditor(form, setting.label, String(place.value ?? ""), id, !LONG.has(setting.name), (text) =>
      form.change(place.path, text || undefined),
    );
  if (LONG.has(setting.name)) return area(form, place, id, 4);
  return input(form, place, id);
}

function input(form: Form, place: Place, id: string, list = ""): HTMLInputElement {
  const { setting } = place;
  const made = h("input", {
    id,
    autocomplete: "off",
    spellcheck: "false",
    value: place.value === undefined || place.value === null ? "" : shown(place.value, 10_000),
    placeholder: setting.default === undefined ? undefined : shown(setting.default),
    inputmode: setting.kind === "integer" ? "numeric" : undefined,
    list: list || undefined,
  });
  made.addEventListener("input", () => form.change(place.path, typed(setting, made.value)));
  return made;
}

/** What was typed, as its kind has it: what is no number stays text, so that the station says what is wrong. */
export function typed(setting: Setting, text: string): Json | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  const isNumber =
    setting.kind === "integer" || ((setting.kind === "duration" || setting.kind === "size") && /^\d+$/.test(trimmed));
  return isNumber && /^-?\d{1,15}$/.test(trimmed) ? Number(trimmed) : text;
}

function area(form: Form, place: Place, id: string, rows: number): HTMLTextAreaElement {
  const isCode = place.setting.mode === "condition" || place.setting.name === "statement";
  const made = h(
    "textarea",
    { id, rows, spellcheck: isCode ? "false" : undefined, class: isCode ? "code" : undefined },
    String(place.value ?? ""),
  );
  made.addEventListener("input", () => form.change(place.path, made.value.trim() ? made.value : undefined));
  return made;
}

function lines(form: Form, place: Place, id: string): HTMLTextAreaElement {
  const values = Array.isArray(place.value) ? place.value : [];
  const made = h(
    "textarea",
    { id, rows: Math.max(2, values.length + 1), spellcheck: "false" },
    values.map((one) => shown(one, 10_000)).join("\n"),
  );
  made.addEventListener("input", () => {
    const found = made.value
      .split("\n")
      .map((one) => one.trim())
      .filter(Boolean);
    form.change(place.path, found.length ? found : undefined);
  });
  return made;
}

function options(values: readonly (readonly [string, string])[], value: string): HTMLOptionElement[] {
  return values.map(([key, label]) => h("option", { value: key, selected: key === value }, label));
}

function choice(form: Form, place: Place, id: string): HTMLSelectElement {
  const { setting } = place;
  const usual = setting.default === undefined ? "Choose …" : `${shown(setting.default)} (as usual)`;
  const others = (setting.choices ?? []).filter((one) => one !== setting.default);
  const value = place.value === setting.default ? "" : String(place.value ?? "");
  const unknown = value && !others.includes(value) ? [[value, value] as const] : [];
  const made = h(
    "select",
    { id },
    ...options([["", usual], ...others.map((one) => [one, one] as const), ...unknown], value),
  );
  made.addEventListener("change", () => form.change(place.path, made.value || undefined));
  return made;
}

/** Something configured, or something that a connection has. */
function picker(form: Form, place: Place, id: string): HTMLElement {
  const { known, spec } = form;
  const names: Record<string, string[]> = {
    connection: known.connections
      .filter((one) => !spec?.connections.length || spec.connections.includes(one.type))
      .map((one) => one.name),
    workflow: known.workflows,
    transfer: known.transfers,
  };
  const there = names[place.setting.pick ?? ""];
  if (!there) return suggested(form, place, id);
  const value = String(place.value ?? "");
  const gone = value && !there.includes(value) ? [[value, `${value} – is not there`] as const] : [];
  const none = there.length ? (place.setting.required ? "Choose …" : "None") : "There is none yet";
  const made = h(
    "select",
    { id },
    ...options([["", none], ...there.map((one) => [one, one] as const), ...gone], value),
  );
  made.addEventListener("change", () => form.change(place.path, made.value || undefined));
  if (there.length || place.setting.pick !== "connection") return made;
  const tab = h("span", { class: "unseen" }, " (in a new tab)");
  const make = h("a", { class: "small", href: "/connections/_new", target: "_blank" }, "Make a connection", tab);
  return h("span", { class: "stack tight" }, made, make);
}

function suggested(form: Form, place: Place, id: string): HTMLElement {
  const list = h("datalist", { id: `${id}-list` });
  const panels = form.known.panels;
  const fill = (names: readonly string[]): void =>
    list.replaceChildren(...names.map((one) => h("option", { value: one })));
  if (place.setting.pick === "table") form.offered((offer) => fill(offer.tables));
  else fill(panels);
  return h("span", { class: "stack" }, input(form, place, id, list.id), list);
}

function tick(form: Form, place: Place): HTMLElement {
  const { setting } = place;
  const id = freshId();
  const usual = setting.default === true;
  const box = h("input", { type: "checkbox", id, checked: place.value === undefined ? usual : place.value === true });
  box.addEventListener("change", () => form.change(place.path, box.checked === usual ? undefined : box.checked));
  return h(
    "div",
    { class: "field", "data-path": JSON.stringify(place.path) },
    h("label", { class: "tick", for: id }, box, h("span", {}, setting.label)),
    setting.help ? h("span", { class: "help" }, ...told(setting.help)) : null,
    h("span", { class: "error", hidden: true }),
  );
}

function inner(form: Form, place: Place, settings: readonly Setting[]): HTMLElement[] {
  const values = isObject(place.value) ? place.value : {};
  return settings.map((one) =>
    settingField(form, { setting: one, path: [...place.path, one.name], value: values[one.name] }),
  );
}

function group(form: Form, place: Place, settings: readonly Setting[]): HTMLElement {
  const isOpen = isObject(place.value) && Object.keys(place.value).length > 0;
  return h(
    "details",
    { class: "stack setting-group", open: isOpen, "data-path": JSON.stringify(place.path) },
    h("summary", {}, place.setting.label),
    place.setting.help ? h("p", { class: "soft small" }, ...told(place.setting.help)) : null,
    h("span", { class: "error", hidden: true }),
    ...inner(form, place, settings),
  );
}

function oneOf(form: Form, place: Place): HTMLElement {
  const { setting } = place;
  const id = freshId();
  const values = isObject(place.value) ? place.value : {};
  const chosen = String(values["type"] ?? (isObject(setting.default) ? setting.default["type"] : "") ?? "");
  const names = Object.keys(setting.variants ?? {});
  const body = h("div", { class: "stack inset" });
  const show = (name: string, given: Json | undefined): void =>
    body.replaceChildren(...inner(form, { ...place, value: given }, setting.variants?.[name] ?? []));
  const select = h(
    "select",
    { id },
    ...options(
      [
        ["", setting.required ? "Choose …" : "None"],
        ...names.map((one) => [one, VARIANTS[one] ?? one.replaceAll("_", " ")] as const),
      ],
      chosen,
    ),
  );
  select.addEventListener("change", () => {
    const next = select.value ? { type: select.value } : undefined;
    form.change(place.path, next);
    show(select.value, next);
  });
  show(chosen, place.value);
  return h("div", { class: "stack" }, field(place, id, select), body);
}

/** A list of objects: each with its fields, one below the other. */
function groups(form: Form, place: Place): HTMLElement {
  const rows: Json[] = Array.isArray(place.value) ? [...place.value] : [];
  const list = h("div", { class: "stack tight" });
  const publish = (): void => form.change(place.path, rows.length ? [...rows] : undefined);
  const draw = (): void => {
    list.replaceChildren(
      ...rows.map((row, index) => {
        const own: Form = { ...form, change: (path, value) => (set(index, path, value), publish()) };
        const values = isObject(row) ? row : {};
        const fields = (place.setting.fields ?? []).map((one) =>
          settingField(own, { setting: one, path: [...place.path, index, one.name], value: values[one.name] }),
        );
        const away = signButton("bin", `Remove number ${index + 1}`, () => (rows.splice(index, 1), publish(), draw()));
        return h(
          "fieldset",
          { class: "row-group" },
          h("legend", { class: "unseen" }, `Number ${index + 1}`),
          ...fields,
          away,
        );
      }),
    );
  };
  const set = (index: number, path: Path, value: Json | undefined): void => {
    const name = String(path.at(-1));
    const before = isObject(rows[index]) ? { ...rows[index] } : {};
    if (value === undefined) delete before[name];
    else before[name] = value;
    rows[index] = before;
  };
  draw();
  const add = h(
    "button",
    { type: "button", class: "button quiet", onclick: () => (rows.push({}), draw()) },
    drawn("plus"),
    `Add to “${place.setting.label}”`,
  );
  return h(
    "fieldset",
    { class: "plain stack", "data-path": JSON.stringify(place.path) },
    h("legend", {}, place.setting.label),
    place.setting.help ? h("p", { class: "soft small" }, ...told(place.setting.help)) : null,
    h("span", { class: "error", hidden: true }),
    list,
    add,
  );
}
