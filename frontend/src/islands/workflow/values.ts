// Controls for values that are templates: a text, any JSON, names with values, and what follows.

import { button, drawn, freshId, h, signButton } from "./dom";
import type { Editor, Form, Place } from "./form";
import { isObject, type Json, type JsonObject, parse, print, shown } from "./json";

type Change = (value: Json | undefined) => void;

/** Names in the form of an attribute, which is parted by spaces. */
function propertiesOf(form: Form): string {
  return form.properties.filter((one) => !one.includes(" ")).join(" ");
}

/** An editor for a template. */
export function templateEditor(
  form: Form,
  label: string,
  text: string,
  id: string,
  line: boolean,
  change: (text: string) => void,
): Editor {
  const area = h("textarea", { id, rows: line ? 1 : 5, "aria-label": label, spellcheck: "false" }, text);
  area.addEventListener("input", () => change(area.value));
  const properties = propertiesOf(form);
  return h(
    "code-editor",
    { language: "template", label, properties, line: true, class: line ? undefined : "long" },
    area,
  );
}

function jsonArea(label: string, text: string, id: string, properties: string | undefined, change: Change): Editor {
  const area = h("textarea", { id, rows: 6, "aria-label": label, spellcheck: "false" }, text);
  area.addEventListener("input", () => {
    const error = area.closest(".field, fieldset")?.querySelector<HTMLElement>(":scope > .error");
    try {
      change(area.value.trim() ? parse(area.value) : undefined);
      if (error?.dataset["local"]) [error.hidden, error.textContent] = [true, ""];
    } catch {
      if (!error) return;
      error.dataset["local"] = "yes";
      error.textContent = "is no JSON yet; it is kept as it was until it is.";
      error.hidden = false;
    }
  });
  return h("code-editor", { language: "json", label, properties, class: "json" }, area);
}

/** JSON that is taken as it is written. */
export function jsonEditor(form: Form, place: Place, id: string): Editor {
  const text = place.value === undefined ? "" : print(place.value);
  return jsonArea(place.setting.label, text, id, undefined, (value) => form.change(place.path, value));
}

/** A text with variables in it, or any JSON: which of both is a switch. */
export function anyControl(form: Form, place: Place, id: string, change: Change): HTMLElement {
  const holder = h("div", { class: "any" });
  let value = place.value;
  let asJson = value !== undefined && typeof value !== "string";
  const keep: Change = (next) => {
    value = next;
    change(next);
  };
  const toggle = h("button", { type: "button", class: "button quiet small mode-switch", onclick: () => other() });
  const draw = (): void => {
    const label = place.setting.label;
    const editor = asJson
      ? jsonArea(label, value === undefined ? "" : print(value), id, propertiesOf(form), keep)
      : templateEditor(form, label, value === undefined ? "" : shown(value, 1_000_000), id, true, (text) =>
          keep(text || undefined),
        );
    toggle.replaceChildren(asJson ? "as text" : "as JSON", h("span", { class: "unseen" }, `: ${label}`));
    holder.replaceChildren(editor, toggle);
  };
  const other = (): void => {
    asJson = !asJson;
    if (!asJson && value !== undefined && typeof value !== "string") keep(print(value, 0));
    draw();
  };
  draw();
  return holder;
}

interface Row {
  name: string;
  value: Json | undefined;
}

/** Names and the templates of their values. */
export function mappingControl(form: Form, place: Place, id: string): HTMLElement {
  const rows: Row[] = Object.entries(isObject(place.value) ? place.value : {}).map(([name, value]) => ({
    name,
    value,
  }));
  const list = h("div", { class: "stack tight pairs" });
  const names = h("datalist", { id: `${id}-names` });
  const needed = h("div", { class: "row" });
  const publish = (): void => {
    const named = rows.filter((row) => row.name !== "");
    const pairs = named.map((row): [string, Json] => [row.name, row.value ?? ""]);
    form.change(place.path, pairs.length ? (Object.fromEntries(pairs) as JsonObject) : undefined);
  };
  const draw = (focus = -1): void => {
    list.replaceChildren(...rows.map((row, index) => pair(row, index)));
    list.querySelectorAll<HTMLInputElement>("input.name")[focus]?.focus();
  };
  const pair = (row: Row, index: number): HTMLElement => {
    const said = row.name || `entry ${index + 1}`;
    const name = h("input", {
      class: "name",
      value: row.name,
      "aria-label": `Name of ${said}`,
      list: names.id,
      autocomplete: "off",
      spellcheck: "false",
      placeholder: "Name",
    });
    name.addEventListener("input", () => ((row.name = name.value.trim()), publish()));
    const own: Place = {
      ...place,
      setting: { ...place.setting, label: row.name || `Value of ${said}` },
      value: row.value,
    };
    const value = anyControl(form, own, freshId(), (next) => ((row.value = next), publish()));
    const away = signButton("bin", `Remove ${said}`, () => (rows.splice(index, 1), publish(), draw()));
    return h(
      "div",
      { class: "pair field", "data-path": JSON.stringify([...place.path, row.name]) },
      name,
      value,
      away,
      h("span", { class: "error", hidden: true }),
    );
  };
  const add = (name: string): void => {
    rows.push({ name, value: undefined });
    draw(rows.length - 1);
    if (name) publish();
  };
  if (place.setting.name === "fields" || place.setting.name === "match")
    form.offered((offer) => {
      names.replaceChildren(...offer.fields.map((one) => h("option", { value: one.name }, one.caption)));
      const missing = offer.fields.filter((one) => one.required && !rows.some((row) => row.name === one.name));
      const buttons =
        place.setting.name === "match"
          ? []
          : missing
              .slice(0, 8)
              .map((one) =>
                button(
                  one.name,
                  () => (add(one.name), needed.querySelector(`[data-name="${CSS.escape(one.name)}"]`)?.remove()),
                  { class: "button proposal", "data-name": one.name },
                  "plus",
                ),
              );
      needed.replaceChildren(...buttons);
      if (offer.warning) needed.append(h("span", { class: "warning" }, offer.warning));
    });
  draw();
  return h(
    "div",
    { class: "stack tight", id, role: "group", "aria-label": place.setting.label },
    list,
    names,
    needed,
    h(
      "div",
      {},
      h(
        "button",
        { type: "button", class: "button quiet", onclick: () => add("") },
        drawn("plus"),
        "Add",
        h("span", { class: "unseen" }, ` to ${place.setting.label}`),
      ),
    ),
  );
}

const RULES: Record<string, [string, string][]> = {
  on_failure: [
    ["fail", "the run fails"],
    ["succeed", "the run ends as a success"],
    ["continue", "go on with the next step"],
    ["go_to", "go on at …"],
  ],
  when_disabled: [
    ["continue", "go on with the next step"],
    ["fail", "the run fails"],
    ["succeed", "the run ends as a success"],
    ["go_to", "go on at …"],
  ],
  otherwise: [
    ["fail", "the run fails"],
    ["succeed", "the run ends as a success"],
    ["go_to", "go on at …"],
  ],
};

/** What follows: the run ends, goes on, or goes on at a later step. */
export function ruleControl(form: Form, place: Place, id: string): HTMLElement {
  const words = RULES[place.setting.name] ?? [];
  const usual = words[0]?.[0] ?? "";
  const target = isObject(place.value) ? String(place.value["go_to"] ?? "") : "";
  const chosen = isObject(place.value) ? "go_to" : String(place.value ?? usual);
  const way = h(
    "select",
    { id },
    ...words.map(([key, label]) => h("option", { value: key, selected: key === chosen }, label)),
  );
  const there = form.later.includes(target) || !target ? form.later : [...form.later, target];
  const where = h(
    "select",
    { "aria-label": `${place.setting.label}: at which step` },
    h("option", { value: "" }, there.length ? "Choose a step …" : "There is no later step here"),
    ...there.map((one) => h("option", { value: one, selected: one === target }, one)),
  );
  const publish = (): void => {
    where.hidden = way.value !== "go_to";
    if (way.value === "go_to") form.change(place.path, { go_to: where.value });
    else form.change(place.path, way.value === usual ? undefined : way.value);
  };
  where.hidden = chosen !== "go_to";
  way.addEventListener("change", publish);
  where.addEventListener("change", publish);
  return h("span", { class: "row" }, way, where);
}
