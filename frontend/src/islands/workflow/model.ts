// A workflow's document, and what is done to it. Nothing here changes a document: each act gives another one.

import { isObject, type Json, type JsonObject } from "./json";
import type { Spec, Types } from "./specs";

export type Path = readonly (string | number)[];
export type Doc = JsonObject;
export type Step = JsonObject;

export interface Placed {
  step: Step;
  /** Where it stands in the document, as problems name places. */
  place: Path;
  /** The list that it stands in. */
  list: Path;
  index: number;
}

export interface Block {
  /** Seen from the step. */
  path: Path;
  label: string;
  /** The position among the blocks that have names of their own. */
  entry?: number;
}

export interface Slot {
  list: Path;
  index: number;
}

export const ROOT: Path = ["steps"];
const LONGEST_NAME = 64;

export function at(value: Json | undefined, path: Path): Json | undefined {
  let found = value;
  for (const part of path) {
    if (Array.isArray(found)) found = found[part as number];
    else if (isObject(found)) found = Object.hasOwn(found, part) ? found[part] : undefined;
    else return undefined;
  }
  return found;
}

/** The same with another value at a path; `undefined` takes it away. What is missing on the way is made. */
export function put(value: Json | undefined, path: Path, wanted: Json | undefined): Json {
  const [part, ...rest] = path;
  if (part === undefined) return wanted ?? null;
  if (typeof part === "number") {
    const items = Array.isArray(value) ? [...value] : [];
    if (rest.length === 0 && wanted === undefined) items.splice(part, 1);
    else items[part] = put(items[part], rest, wanted);
    return items;
  }
  const members: JsonObject = isObject(value) ? { ...value } : {};
  if (rest.length === 0 && wanted === undefined) delete members[part];
  else members[part] = put(members[part], rest, wanted);
  return members;
}

export function write(doc: Doc, path: Path, wanted: Json | undefined): Doc {
  return put(doc, path, wanted) as Doc;
}

/** The steps of a list; what is none, in a text that is being written, counts as one that says nothing. */
export function stepsAt(doc: Doc, list: Path): Step[] {
  const found = at(doc, list);
  return Array.isArray(found) ? found.map((one) => (isObject(one) ? one : {})) : [];
}

export function text(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

/** The blocks of a step, those that are empty too. */
export function blocksOf(step: Step, spec: Spec | undefined): Block[] {
  if (!spec) return [];
  const entries = spec.namedBlocks ? step[spec.namedBlocks] : undefined;
  const named = (Array.isArray(entries) ? entries : []).map((one, entry): Block => {
    const name = isObject(one) ? text(one["name"]) : "";
    const value = isObject(one) ? one["value"] : undefined;
    const said = value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value);
    return { path: [spec.namedBlocks, entry, "steps"], label: name || said || `${entry + 1}`, entry };
  });
  return [...named, ...spec.blocks.map((name): Block => ({ path: [name], label: name }))];
}

/** Every step in the order in which they are read, each before what it holds. */
export function allSteps(doc: Doc, types: Types, list: Path = ROOT): Placed[] {
  return stepsAt(doc, list).flatMap((step, index) => {
    const place = [...list, index];
    const below = blocksOf(step, types.get(text(step["type"])));
    return [{ step, place, list, index }, ...below.flatMap((one) => allSteps(doc, types, [...place, ...one.path]))];
  });
}

export function find(doc: Doc, types: Types, name: string): Placed | undefined {
  return allSteps(doc, types).find((one) => one.step["name"] === name);
}

/** A name that no step has: the wished one, or with a number behind it. */
export function freshName(doc: Doc, types: Types, wished: string): string {
  const taken = new Set(allSteps(doc, types).map((one) => one.step["name"]));
  const base = wished.replace(/-\d+$/, "").slice(0, LONGEST_NAME - 4) || "step";
  let name = wished || base;
  for (let count = 2; taken.has(name); count++) name = `${base}-${count}`;
  return name;
}

/** A step of a type as it begins: its blocks have a place to put steps into. */
export function newStep(doc: Doc, types: Types, spec: Spec): Step {
  const step: Step = { name: freshName(doc, types, spec.type), type: spec.type };
  if (spec.namedBlocks === "branches") step["branches"] = ["one", "two"].map((name) => ({ name, steps: [] }));
  if (spec.namedBlocks === "cases") step["cases"] = [{ value: "", steps: [] }];
  return step;
}

export function insert(doc: Doc, slot: Slot, step: Step): Doc {
  const steps: Json[] = [...stepsAt(doc, slot.list)];
  steps.splice(slot.index, 0, step);
  return write(doc, slot.list, steps);
}

export function remove(doc: Doc, place: Path): Doc {
  const list = place.slice(0, -1);
  const without = write(doc, place, undefined);
  const isEmpty = list.length > 1 && typeof list.at(-1) === "string" && stepsAt(without, list).length === 0;
  // An empty `then` is as good as none; the list of an entry and the workflow's own stay.
  return isEmpty && list.at(-1) !== "steps" ? write(without, list, undefined) : without;
}

export function begins(path: Path, beginning: Path): boolean {
  return beginning.every((part, index) => path[index] === part);
}

/** A step put into another place; nothing where that is inside itself. */
export function move(doc: Doc, from: Path, slot: Slot): Doc {
  const step = at(doc, from);
  if (!isObject(step) || begins(slot.list, from)) return doc;
  const twice = insert(doc, slot, step);
  const depth = slot.list.length;
  const shifted = [...from];
  const passed = shifted[depth];
  if (begins(from, slot.list) && typeof passed === "number" && slot.index <= passed) shifted[depth] = passed + 1;
  return remove(twice, shifted);
}

/** Every place where a step could stand, in the order in which they are read, but those inside `except`. */
export function slots(doc: Doc, types: Types, except: Path = [-1], list: Path = ROOT): Slot[] {
  const steps = stepsAt(doc, list);
  const found = steps.flatMap((step, index): Slot[] => {
    const place = [...list, index];
    const inside = begins(place, except) && place.length === except.length;
    const blocks = inside ? [] : blocksOf(step, types.get(text(step["type"])));
    return [{ list, index }, ...blocks.flatMap((one) => slots(doc, types, except, [...place, ...one.path]))];
  });
  return [...found, { list, index: steps.length }];
}

/** One place up (-1) or down (1), into blocks and out of them. */
export function moveBy(doc: Doc, types: Types, place: Path, by: 1 | -1): Doc {
  const list = place.slice(0, -1);
  const index = place.at(-1) as number;
  const all = slots(doc, types, place);
  const key = (one: Slot): string => `${one.list.join("/")}|${one.index}`;
  const here = all.findIndex((one) => key(one) === key({ list, index: by > 0 ? index + 1 : index }));
  const wanted = here < 0 ? undefined : all[here + by];
  return wanted ? move(doc, place, wanted) : doc;
}

/** A copy behind a step, with names of its own inside it too. */
export function duplicate(doc: Doc, types: Types, place: Path): { doc: Doc; name: string } {
  const step = at(doc, place);
  if (!isObject(step)) return { doc, name: "" };
  const list = place.slice(0, -1);
  let copied = insert(doc, { list, index: (place.at(-1) as number) + 1 }, step);
  const copy: Path = [...list, (place.at(-1) as number) + 1];
  let first = "";
  const inside = allSteps(copied, types).filter((one) => begins(one.place, copy));
  for (const one of inside) {
    const old = text(one.step["name"]);
    const name = freshName(copied, types, old);
    first ||= name;
    copied = write(copied, [...one.place, "name"], name);
    copied = write(copied, copy, referring(at(copied, copy) as Step, types, old, name));
  }
  return { doc: copied, name: first };
}

/** A step called otherwise, in everything that names it. */
export function rename(doc: Doc, types: Types, old: string, name: string): Doc {
  const found = find(doc, types, old);
  if (!found || old === name) return doc;
  let renamed = write(doc, [...found.place, "name"], name);
  const steps = stepsAt(renamed, ROOT).map((step) => referring(step, types, old, name));
  renamed = write(renamed, ROOT, steps);
  const samples = renamed["samples"];
  if (!isObject(samples) || !Object.hasOwn(samples, old)) return renamed;
  const kept = Object.entries(samples).map(([key, value]): [string, Json] => [key === old ? name : key, value]);
  return write(renamed, ["samples"], Object.fromEntries(kept));
}

const GO_TO = ["on_failure", "when_disabled"] as const;

/** A step, and all inside it, that names another one by a new name. */
function referring(step: Step, types: Types, old: string, name: string): Step {
  const spec = types.get(text(step["type"]));
  const renamed: Step = { ...step };
  if (typeof renamed["when"] === "string") renamed["when"] = renamedIn(renamed["when"], old, name);
  for (const rule of GO_TO) {
    const value = renamed[rule];
    if (value !== undefined) renamed[rule] = renamedRule(value, old, name);
  }
  const settings = renamed["with"];
  if (isObject(settings)) {
    const modes = new Map(spec?.settings.map((one) => [one.name, one.mode]));
    const pairs = Object.entries(settings).map(([key, value]): [string, Json] => {
      const mode = modes.get(key);
      if (!mode) return [key, value];
      return [key, mode === "rule" ? renamedRule(value, old, name) : renamedAll(value, old, name)];
    });
    renamed["with"] = Object.fromEntries(pairs);
  }
  let whole: Json = renamed;
  for (const block of blocksOf(renamed, spec)) {
    const steps = at(renamed, block.path);
    if (!Array.isArray(steps)) continue;
    whole = put(
      whole,
      block.path,
      steps.map((one) => (isObject(one) ? referring(one, types, old, name) : one)),
    );
  }
  return whole as Step;
}

function renamedRule(value: Json, old: string, name: string): Json {
  return isObject(value) && value["go_to"] === old ? { ...value, go_to: name } : value;
}

function renamedAll(value: Json, old: string, name: string): Json {
  if (typeof value === "string") return renamedIn(value, old, name);
  if (Array.isArray(value)) return value.map((one) => renamedAll(one, old, name));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, renamedAll(one, old, name)]));
}

/** In a template or condition: `steps.old`, `steps["old"]`, and `run.calls.old`. */
export function renamedIn(source: string, old: string, name: string): string {
  const dotted = new RegExp(`(?<![\\w.-])((?:steps|run\\.calls)\\.)${old}(?![\\w-])`, "g");
  const quoted = new RegExp(`(?<![\\w.-])((?:steps|run\\.calls)\\[\\s*["'])${old}(?=["']\\s*\\])`, "g");
  return source.replace(dotted, `$1${name}`).replace(quoted, `$1${name}`);
}
