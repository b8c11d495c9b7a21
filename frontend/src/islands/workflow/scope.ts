// What a step can read, with sample values: what triggers the run, what steps before it put out, variables, the element.

import { isObject, type Json, type JsonObject } from "./json";
import { allSteps, at, blocksOf, type Doc, find, type Path, ROOT, type Step, stepsAt, text } from "./model";
import type { Spec, Types } from "./specs";

export interface Variable {
  /** As templates and conditions name it. */
  path: string;
  sample: Json | undefined;
}

export interface Group {
  title: string;
  variables: Variable[];
}

const RUN = ["id", "workflow", "version", "trigger", "created_at", "started_at"];
const DEEPEST = 4;
const MOST = 80;
const SIMPLE = /^[\p{L}_][\p{L}\p{N}_-]*$/u;
const PURE = /^\$\$([^$]+)\$\$$/;

export function outputOf(step: Step, spec: Spec | undefined): string {
  if (!spec?.output) return "";
  const settings = isObject(step["with"]) ? step["with"] : {};
  const other = spec.outputs.find((one) => {
    const given = settings[one.setting] ?? spec.settings.find((each) => each.name === one.setting)?.default;
    return String(given) === one.value;
  });
  return text(step["output"]) || (other?.output ?? spec.output);
}

/** What a step puts out when it is tried: what was kept of it, else its type's own example. */
export function sampleOf(doc: Doc, step: Step, spec: Spec | undefined): Json | undefined {
  const kept = at(doc, ["samples", text(step["name"])]);
  return kept !== undefined ? kept : spec?.sample;
}

interface Seen {
  before: Step[];
  loops: Step[];
}

/** The steps that have ended when this one begins, and the loops that it stands in. */
function seen(doc: Doc, types: Types, place: Path): Seen {
  const found: Seen = { before: [], loops: [] };
  let list: Path = ROOT;
  while (place.length > list.length) {
    const index = place[list.length] as number;
    const steps = stepsAt(doc, list);
    for (const step of steps.slice(0, index)) found.before.push(step, ...handedOut(step, types));
    const here = [...list, index];
    if (here.length === place.length) break;
    const step = steps[index];
    if (!step) break;
    if (step["type"] === "for_each") found.loops.push(step);
    const block = blocksOf(step, types.get(text(step["type"]))).find((one) =>
      one.path.every((part, offset) => place[here.length + offset] === part),
    );
    if (!block) break;
    list = [...here, ...block.path];
  }
  return found;
}

/** What stands inside a step and can be read behind it: of a loop nothing. */
function handedOut(step: Step, types: Types): Step[] {
  if (step["type"] === "for_each") return [];
  const inside: Doc = { steps: [step] };
  return allSteps(inside, types)
    .slice(1)
    .filter((one) => !withinLoop(inside, one.place))
    .map((one) => one.step);
}

function withinLoop(doc: Doc, place: Path): boolean {
  return place.some(
    (part, index) => typeof part === "number" && index > 1 && isLoop(at(doc, place.slice(0, index - 1))),
  );
}

function isLoop(value: Json | undefined): boolean {
  return isObject(value) && value["type"] === "for_each";
}

/** The names at the root of templates, with samples: what *try this step* works on. */
export function scopeOf(doc: Doc, types: Types, name: string): JsonObject {
  const placed = find(doc, types, name);
  const { before, loops } = placed ? seen(doc, types, placed.place) : { before: [], loops: [] };
  const steps: JsonObject = {};
  const vars: JsonObject = {};
  const scope: JsonObject = { trigger: doc["sample"] ?? null, steps, vars };
  for (const step of before) {
    const spec = types.get(text(step["type"]));
    const output = outputOf(step, spec);
    if (output) steps[text(step["name"])] = { [output]: sampleOf(doc, step, spec) ?? null };
    if (step["type"] === "set") Object.assign(vars, valuesOf(doc, step, scope));
  }
  for (const loop of loops) {
    const items = valueOf(at(loop, ["with", "items"]), scope);
    scope["item"] = Array.isArray(items) ? (items[0] ?? null) : null;
    scope["index"] = 0;
  }
  return scope;
}

function valuesOf(doc: Doc, step: Step, scope: JsonObject): JsonObject {
  const kept = at(doc, ["samples", text(step["name"])]);
  const written = at(step, ["with", "values"]);
  const values = isObject(written) ? written : {};
  const pairs = Object.entries(values).map(([name, value]): [string, Json] => {
    const tried = isObject(kept) ? kept[name] : undefined;
    return [name, tried ?? valueOf(value, scope) ?? null];
  });
  return Object.fromEntries(pairs);
}

/** A value that is one path alone is what stands there; anything else is shown as it is written. */
function valueOf(value: Json | undefined, scope: JsonObject): Json | undefined {
  const path = typeof value === "string" ? PURE.exec(value.trim())?.[1] : undefined;
  if (path === undefined) return value;
  const parts = path.split(".").map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  const found = at(scope, parts);
  return found !== undefined ? found : at(scope["trigger"], parts);
}

/** Everything that a step can read, in groups, each with what it is in the sample data. */
export function readable(doc: Doc, types: Types, name: string, row?: Json): Group[] {
  const placed = find(doc, types, name);
  const { before, loops } = placed ? seen(doc, types, placed.place) : { before: [], loops: [] };
  const scope = scopeOf(doc, types, name);
  const groups: Group[] = [];
  if (isObject(row)) {
    const columns = Object.entries(row).map(([key, sample]): Variable => ({ path: member("", key), sample }));
    groups.push({ title: "The row", variables: columns });
  }
  if (loops.length) {
    const item = expand("item", scope["item"]);
    groups.push({ title: "The element", variables: [...item, { path: "index", sample: 0 }] });
  }
  groups.push({ title: "What triggers it", variables: expand("trigger", scope["trigger"]) });
  for (const step of before) {
    const output = outputOf(step, types.get(text(step["type"])));
    if (!output) continue;
    const own = text(step["name"]);
    const path = `${member("steps", own)}.${output}`;
    groups.push({ title: text(step["title"]) || own, variables: expand(path, at(scope, ["steps", own, output])) });
  }
  const vars = isObject(scope["vars"]) ? Object.entries(scope["vars"]) : [];
  if (vars.length)
    groups.push({ title: "Variables", variables: vars.flatMap(([key, value]) => expand(member("vars", key), value)) });
  groups.push({ title: "The run", variables: RUN.map((one) => ({ path: `run.${one}`, sample: undefined })) });
  return groups;
}

export function member(path: string, name: string): string {
  if (SIMPLE.test(name)) return path ? `${path}.${name}` : name;
  return `${path}[${JSON.stringify(name)}]`;
}

function expand(path: string, value: Json | undefined, depth = 0): Variable[] {
  const whole: Variable = { path, sample: value };
  if (depth >= DEEPEST || !isObject(value)) return [whole];
  const inner = Object.entries(value).flatMap(([name, one]) => expand(member(path, name), one, depth + 1));
  return [whole, ...inner].slice(0, MOST);
}
