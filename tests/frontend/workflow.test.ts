// What the workflow editor makes of a document, without a page.

import assert from "node:assert/strict";
import { test } from "node:test";
import { matching } from "../../frontend/src/islands/workflow/menu";
import { History } from "../../frontend/src/islands/workflow/history";
import { parse, print } from "../../frontend/src/islands/workflow/json";
import {
  allSteps,
  at,
  type Doc,
  duplicate,
  find,
  insert,
  move,
  moveBy,
  newStep,
  type Path,
  remove,
  rename,
  slots,
  text,
  write,
} from "../../frontend/src/islands/workflow/model";
import { isMissing, locate } from "../../frontend/src/islands/workflow/problems";
import { outputOf, readable, scopeOf } from "../../frontend/src/islands/workflow/scope";
import type { Spec, Types } from "../../frontend/src/islands/workflow/specs";
import KNOWN from "./known.json";

const TYPES: Types = new Map((KNOWN as unknown as Spec[]).map((spec) => [spec.type, spec]));

function doc(): Doc {
  return {
    name: "orders",
    sample: { id: "7", who: { mail: "ann@example.org" } },
    steps: [
      {
        name: "find",
        type: "find_panels",
        with: { connection: "records", panel: "P", match: { ID: "$$trigger.id$$" } },
      },
      {
        name: "known",
        type: "if",
        on_failure: { go_to: "last" },
        with: { condition: 'steps.find.records.size > 0 and steps["find"].records' },
        then: [{ name: "say", type: "set", with: { values: { count: "{{ steps.find.records | size }}" } } }],
        else: [],
      },
      {
        name: "each",
        type: "for_each",
        with: { items: "$$steps.find.records$$" },
        steps: [
          {
            name: "tell",
            type: "emit",
            when: "vars.count != steps.finder.records",
            with: { type: "a.b", payload: "$$item$$" },
          },
        ],
      },
      {
        name: "ways",
        type: "switch",
        with: { value: "$$trigger.id$$" },
        cases: [
          { value: "7", steps: [{ name: "seven", type: "stop" }] },
          { value: "8", steps: [] },
        ],
        default: [{ name: "other", type: "stop" }],
      },
      { name: "last", type: "respond", with: { body: { found: "$$steps.find.records$$", url: "$$run.calls.find$$" } } },
    ],
  };
}

const names = (one: Doc): string[] => allSteps(one, TYPES).map((placed) => text(placed.step["name"]));
const place = (one: Doc, name: string): Path => find(one, TYPES, name)?.place ?? [];
const at_ = (one: Doc, path: Path): string => text(at(one, [...path, "name"]));

test("Every step is found in the order in which it is read, where problems say that it is", () => {
  const one = doc();
  assert.deepEqual(["find", "known", "say", "each", "tell", "ways", "seven", "other", "last"], names(one));
  assert.deepEqual(["steps", 1, "then", 0], place(one, "say"));
  assert.deepEqual(["steps", 3, "cases", 0, "steps", 0], place(one, "seven"));
});

test("A step is put in anywhere, and nothing of the document before changes", () => {
  const one = doc();
  const before = print(one);
  for (const slot of slots(one, TYPES)) {
    const changed = insert(one, slot, { name: "new", type: "set" });
    assert.equal("new", at_(changed, [...slot.list, slot.index]));
    assert.equal(10, names(changed).length);
  }
  assert.equal(before, print(one));
});

test("A step that is moved keeps what is in it, is there once, and stands where it was put", () => {
  const one = doc();
  for (const name of names(one)) {
    const from = place(one, name);
    for (const slot of slots(one, TYPES, from)) {
      const changed = move(one, from, slot);
      assert.deepEqual([...names(one)].sort(), [...names(changed)].sort());
      const index =
        slot.list.join() === from.slice(0, -1).join() && slot.index > (from.at(-1) as number)
          ? slot.index - 1
          : slot.index;
      assert.equal(index, place(changed, name).at(-1));
      assert.deepEqual(at(one, from), at(changed, place(changed, name)));
    }
  }
});

test("A step cannot be moved into itself", () => {
  const one = doc();
  assert.equal(one, move(one, ["steps", 2], { list: ["steps", 2, "steps"], index: 0 }));
});

test("Keys lead a step through every place, block by block, and back again", () => {
  let one = doc();
  const seen = new Set<string>();
  for (let count = 0; count < 30; count++) {
    seen.add(place(one, "find").join("."));
    one = moveBy(one, TYPES, place(one, "find"), 1);
  }
  assert.ok(seen.has("steps.0.then.1") && seen.has("steps.1.steps.0") && seen.has("steps.2.cases.1.steps.0"));
  assert.deepEqual(["steps", 4], place(one, "find"));
  for (let count = 0; count < 30; count++) one = moveBy(one, TYPES, place(one, "find"), -1);
  assert.deepEqual(names(doc()), names(one));
});

test("With the last step of a way goes the way, and the list of a case or loop stays", () => {
  const one = remove(remove(doc(), ["steps", 1, "then", 0]), ["steps", 3, "cases", 0, "steps", 0]);
  assert.equal(undefined, at(one, ["steps", 1, "then"]));
  assert.deepEqual([], at(one, ["steps", 3, "cases", 0, "steps"]));
});

test("A step that gets another name is followed by everything that names it, and by nothing else", () => {
  const before = write(doc(), ["samples"], { find: [{ ID: "7" }] });
  const one = rename(before, TYPES, "find", "search");
  assert.equal('steps.search.records.size > 0 and steps["search"].records', at(one, ["steps", 1, "with", "condition"]));
  assert.equal("{{ steps.search.records | size }}", at(one, ["steps", 1, "then", 0, "with", "values", "count"]));
  assert.equal("vars.count != steps.finder.records", at(one, ["steps", 2, "steps", 0, "when"]));
  assert.deepEqual(
    { found: "$$steps.search.records$$", url: "$$run.calls.search$$" },
    at(one, ["steps", 4, "with", "body"]),
  );
  assert.deepEqual({ search: [{ ID: "7" }] }, at(one, ["samples"]));
  assert.deepEqual({ go_to: "end" }, at(rename(one, TYPES, "last", "end"), ["steps", 1, "on_failure"]));
  assert.deepEqual(before, rename(one, TYPES, "search", "find"));
});

test("A copy has names of its own, and refers to itself", () => {
  const { doc: one, name } = duplicate(doc(), TYPES, ["steps", 1]);
  assert.equal("known-2", name);
  assert.deepEqual(["find", "known", "say", "known-2", "say-2", "each"], names(one).slice(0, 6));
  const again = duplicate(one, TYPES, ["steps", 2]);
  assert.equal("known-3", again.name);
  assert.equal(new Set(names(again.doc)).size, names(again.doc).length);
});

test("A new step has a name that is free, and blocks to put steps into", () => {
  assert.equal("set", text(newStep(doc(), TYPES, TYPES.get("set") as Spec)["name"]));
  const made = newStep(doc(), TYPES, TYPES.get("parallel") as Spec);
  assert.equal(2, (made["branches"] as []).length);
});

test("What is typed in one go is one step back; what was undone is done again until something else is", () => {
  const history = new History("a");
  history.push("ab", "title", 0);
  history.push("abc", "title", 100);
  history.push("abcd", "note", 200);
  assert.deepEqual(["abc", "a", "a"], [history.undo(), history.undo(), history.undo()]);
  assert.equal("abc", history.redo());
  history.push("x", "", 300);
  assert.deepEqual([false, "x"], [history.canRedo, history.redo()]);
});

test("A problem is told at the innermost step on its way, with the field in it", () => {
  const find_ = (path: Path) => locate(doc(), { path, message: "is missing.", severity: "error" });
  const inner = find_(["steps", 3, "cases", 0, "steps", 0, "with", "message"]);
  assert.deepEqual(["seven", ["with", "message"], "seven · message"], [inner.step, inner.field, inner.where]);
  const entry = find_(["steps", 3, "cases", 1, "value"]);
  assert.deepEqual(["ways", ["cases", 1, "value"]], [entry.step, entry.field]);
  assert.deepEqual(
    ["trigger", "Trigger · types"],
    [find_(["trigger", "types"]).part, find_(["trigger", "types"]).where],
  );
  assert.deepEqual(["workflow", ""], [find_(["name"]).part, find_(["steps"]).step]);
  assert.ok(isMissing(find_(["name"]).problem));
});

test("What is no step keeps its place, and a list of words is no list of steps", () => {
  const one: Doc = { steps: [null, { name: "a", type: "set", retry: { on: ["busy"] } }] };
  assert.deepEqual(["steps", 1], place(one, "a"));
  const located = locate(one, { path: ["steps", 1, "retry", "on", 0], message: "is no fault.", severity: "error" });
  assert.deepEqual(["a", ["retry", "on", 0]], [located.step, located.field]);
});

test("A step reads what ended before it, and inside a loop its element; what a loop holds is read in it only", () => {
  const paths = (name: string): string[] =>
    readable(doc(), TYPES, name).flatMap((group) => group.variables.map((one) => one.path));
  assert.ok(
    paths("tell").includes("item") &&
      paths("tell").includes("vars.count") &&
      paths("tell").includes("steps.find.records"),
  );
  assert.ok(!paths("last").includes("item") && !paths("last").some((one) => one.startsWith("steps.tell")));
  assert.ok(paths("last").includes("steps.each.results") && paths("find").includes("trigger.who.mail"));
  assert.ok(!paths("find").some((one) => one.startsWith("steps.")));
});

test("The sample that was kept of a step stands for it, and its first element in a loop over it", () => {
  const one = write(doc(), ["samples"], { find: [{ ID: "23" }] });
  const scope = scopeOf(one, TYPES, "tell");
  assert.deepEqual({ ID: "23" }, scope["item"]);
  assert.deepEqual([{ ID: "23" }], at(scope, ["steps", "find", "records"]));
  assert.deepEqual({ id: "7", who: { mail: "ann@example.org" } }, scope["trigger"]);
});

test("What a step puts out has the name of its own, that of its settings, or the usual one", () => {
  const spec = TYPES.get("convert");
  assert.equal("rows", outputOf({ name: "c", type: "convert", with: { to: "json" } }, spec));
  assert.equal("text", outputOf({ name: "c", type: "convert", with: { to: "csv" } }, spec));
  assert.equal("mine", outputOf({ name: "c", type: "convert", output: "mine", with: { to: "csv" } }, spec));
  assert.equal("", outputOf({ name: "s", type: "set" }, TYPES.get("set")));
});

test("A search finds types by every word, those that are called so first", () => {
  assert.equal("mail", matching([...TYPES.values()], "mail")[0]?.type);
  assert.equal("sql_upsert", matching([...TYPES.values()], "sql upsert")[0]?.type);
  assert.deepEqual([], matching([...TYPES.values()], "no such thing"));
});

test("Numbers keep the digits that they came with", () => {
  const written = '{"a":1.50,"b":12345678901234567890,"c":[1e3,7]}';
  assert.equal(written, print(parse(written), 0));
});
