// <workflow-editor>: a flow, the properties of what is selected in it, and the same document as text.
//
// Its document and what can be chosen stand in two hidden text areas; what is wrong with it the station says, while it
// is changed. What stands in it besides is for who runs no scripts.

import "../editor";
import { Checks } from "./checks";
import { Cursor } from "./chips";
import { button, h } from "./dom";
import type { Editor } from "./form";
import { flow, type FlowActs, insideOf, type Selection, titleOf } from "./flow";
import { History } from "./history";
import { parse, same } from "./json";
import { chooseType } from "./menu";
import {
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
  type Slot,
  type Step,
  text,
  write,
} from "./model";
import { type PaneHost, stepPane, triggerPane, workflowPane } from "./pane";
import { askOvertaken } from "./overtaken";
import { locate, type Located, type Problem } from "./problems";
import { type Overtaken, said, save, setState } from "./remote";
import { type Known, type Types, typesOf } from "./specs";
import { type Language, TextView } from "./textview";
import { tools, type ToolActs, type ToolState } from "./tools";
import { countsOf, fieldOf, isEarly, markErrors, wrongList } from "./wrong";

const PAUSE = 450;
const NARROW = matchMedia("(max-width: 64rem)");

class WorkflowEditor extends HTMLElement {
  #known!: Known;
  #types!: Types;
  #history!: History<Doc>;
  #saved!: Doc;
  #selected: Selection = { kind: "workflow" };
  #problems: Problem[] = [];
  #view: TextView | undefined;
  #drawing = 0;
  #leaving = false;
  #attempted = false;
  readonly #cursor = new Cursor();
  readonly #checks = new Checks(
    () => this.#doc,
    (problems) => this.#checked(problems),
    (told) => this.#say(told, "error"),
  );
  readonly #tools = h("div", { class: "tools", role: "group", "aria-label": "Workflow" });
  readonly #wrong = h("div", { class: "wrong-list" });
  readonly #left = h("div", { class: "edit-left" });
  readonly #pane = h("aside", { class: "card pane", "aria-label": "Properties" });
  readonly #live = h("p", { class: "unseen", role: "status" });
  readonly #said = h("span", { class: "small", role: "status" });
  readonly #note = h("input", {
    class: "bare boxed",
    "data-focus": "note",
    "aria-label": "What is changed, for the list of versions",
    placeholder: "What is changed",
    maxlength: "500",
    autocomplete: "off",
  });

  connectedCallback(): void {
    const known = this.querySelector<HTMLTextAreaElement>("[data-known]");
    const given = this.querySelector<HTMLTextAreaElement>("[data-document]");
    if (!known || !given || this.dataset["ready"] !== undefined) return;
    this.#known = parse(known.value) as unknown as Known;
    this.#types = typesOf(this.#known);
    this.#saved = parse(given.value) as Doc;
    this.#history = new History(this.#saved);
    if (this.#known.version > 0) this.#selected = { kind: "trigger" };
    this.#cursor.watch(this.#pane);
    this.replaceChildren(
      this.#tools,
      this.#wrong,
      h("div", { class: "editor-columns" }, this.#left, this.#pane),
      this.#live,
    );
    this.addEventListener("keydown", (event) => this.#key(event));
    window.addEventListener("beforeunload", (event) => {
      if (this.#dirty && !this.#leaving) event.preventDefault();
    });
    this.#draw();
    this.#drawPane();
    this.#checks.soon(0);
    this.dataset["ready"] = "";
  }

  get #doc(): Doc {
    return this.#history.now;
  }

  get #dirty(): boolean {
    return !same(this.#doc, this.#saved);
  }

  // What changes the document.

  #change(doc: Doc, key = "", redraw = false): void {
    this.#history.push(doc, key && `${JSON.stringify(this.#selected)}:${key}`, Date.now());
    this.#changed(redraw, true, key !== "" && !redraw);
  }

  #changed(redraw: boolean, textToo = true, soon = false): void {
    if (soon) this.#drawSoon();
    else this.#draw();
    if (redraw) this.#drawPane();
    if (textToo) this.#view?.later();
    this.#checks.soon(PAUSE);
  }

  #step(by: "undo" | "redo"): void {
    this.#history[by]();
    this.#changed(true);
    this.#tell(by === "undo" ? "Undone" : "Done again");
  }

  #select(selection: Selection, focus = true): void {
    this.#selected = selection;
    this.#draw();
    this.#drawPane();
    if (!focus) return;
    this.#pane.querySelector<HTMLElement>("h2")?.focus({ preventScroll: !NARROW.matches });
    if (NARROW.matches) this.#pane.scrollIntoView({ block: "start" });
  }

  async #add(slot: Slot, label: string): Promise<void> {
    const spec = await chooseType(this, this.#known, label);
    if (!spec) return this.#focus(`add:${slot.list.join(".")}|${slot.index}`);
    const step = newStep(this.#doc, this.#types, spec);
    this.#selected = { kind: "step", name: text(step["name"]) };
    this.#change(insert(this.#doc, slot, step));
    this.#select(this.#selected);
    this.#tell(`Added ${spec.title}`);
  }

  #moved(doc: Doc, name: string): void {
    if (doc === this.#doc) return this.#tell("It cannot go further");
    this.#change(doc, "", true);
    const placed = find(this.#doc, this.#types, name);
    if (placed) this.#tell(`Moved to place ${placed.index + 1}${insideOf(this.#doc, placed.list)}`);
  }

  #moveBy(name: string, by: 1 | -1): void {
    const placed = find(this.#doc, this.#types, name);
    if (placed) this.#moved(moveBy(this.#doc, this.#types, placed.place, by), name);
  }

  #remove(name: string): void {
    const placed = find(this.#doc, this.#types, name);
    if (!placed) return;
    const samples = write(this.#doc, ["samples", name], undefined);
    const doc = at(this.#doc, ["samples", name]) === undefined ? this.#doc : samples;
    this.#selected = { kind: "workflow" };
    this.#change(remove(doc, placed.place), "", true);
    this.#focus(`add:${placed.list.join(".")}|${placed.index}`);
    this.#tell(`Removed ${titleOf(placed.step)}. Undo brings it back.`);
  }

  #rename(old: string, name: string): void {
    if (find(this.#doc, this.#types, name)) return this.#tell(`There is a step “${name}” already`);
    this.#selected = { kind: "step", name };
    this.#change(rename(this.#doc, this.#types, old, name), "", true);
    this.#focus("pane:name");
  }

  #duplicate(name: string): void {
    const placed = find(this.#doc, this.#types, name);
    if (!placed) return;
    const made = duplicate(this.#doc, this.#types, placed.place);
    this.#selected = { kind: "step", name: made.name };
    this.#change(made.doc, "", true);
    this.#focus(`step:${made.name}`);
  }

  // What is shown.

  #draw(): void {
    clearTimeout(this.#drawing);
    const focused = this.querySelector<HTMLElement>("[data-focus]:focus")?.dataset["focus"];
    this.#drawTools();
    if (!this.#view) {
      const acts: FlowActs = {
        select: (selection) => this.#select(selection),
        add: (slot, label) => void this.#add(slot, label),
        drop: (place, slot) => this.#dropped(place, slot),
        key: (event, place) => this.#cardKey(event, place),
      };
      const scrolled = this.#left.querySelector(".flow-scroller")?.scrollLeft ?? 0;
      const wrong = countsOf(this.#located(), this.#attempted);
      const shown = flow({ doc: this.#doc, types: this.#types, selected: this.#selected, wrong }, acts);
      const scroller = h("div", { class: "flow-scroller", tabindex: "-1" }, shown);
      this.#left.replaceChildren(scroller);
      scroller.scrollLeft = scrolled;
    }
    if (focused) this.#focus(focused);
  }

  /** While somebody types: a long flow takes longer to draw than a key. */
  #drawSoon(): void {
    this.#drawTools();
    clearTimeout(this.#drawing);
    this.#drawing = window.setTimeout(() => this.#draw(), PAUSE / 3);
  }

  #drawTools(): void {
    const now: ToolState = {
      state: text(this.#doc["state"]) || "active",
      version: this.#known.version,
      isDirty: this.#dirty,
      canUndo: this.#history.canUndo,
      canRedo: this.#history.canRedo,
      language: this.#view?.language,
    };
    const acts: ToolActs = {
      undo: () => this.#step("undo"),
      redo: () => this.#step("redo"),
      show: (language) => void this.#show(language),
      settings: () => this.#select({ kind: "workflow" }),
      toggle: () => void this.#toggle(now.state),
      save: () => void this.#save(),
    };
    this.#tools.replaceChildren(...tools(now, acts, this.#said, this.#note));
  }

  #drawPane(): void {
    const host: PaneHost = {
      known: this.#known,
      types: this.#types,
      cursor: this.#cursor,
      doc: () => this.#doc,
      change: (doc, key, redraw) => this.#change(doc, key, redraw),
      rename: (old, name) => this.#rename(old, name),
      moveBy: (name, by) => this.#moveBy(name, by),
      duplicate: (name) => this.#duplicate(name),
      remove: (name) => this.#remove(name),
    };
    const focused = this.#pane.querySelector<HTMLElement>("[data-focus]:focus")?.dataset["focus"];
    const parts =
      this.#selected.kind === "step"
        ? stepPane(host, this.#selected.name)
        : this.#selected.kind === "trigger"
          ? triggerPane(host)
          : workflowPane(host);
    const back = button("Back to the flow", () => this.#back(), { class: "button quiet back-to-flow" });
    this.#pane.replaceChildren(...parts, back);
    this.#mark();
    if (focused) this.#focus(focused);
  }

  #back(): void {
    const name = this.#selected.kind === "step" ? `step:${this.#selected.name}` : "trigger";
    this.#focus(name);
    this.querySelector(`[data-focus="${CSS.escape(name)}"]`)?.scrollIntoView({ block: "center" });
  }

  async #show(language: Language | undefined): Promise<void> {
    this.#view?.close();
    this.#view = undefined;
    if (language) {
      this.#view = new TextView(
        {
          doc: () => this.#doc,
          typed: (doc, problems) => {
            this.#history.push(doc, "text", Date.now());
            this.#changed(true, false);
            this.#found(problems);
          },
          wrong: (problems) => this.#found(problems),
          failed: (told) => this.#say(told, "error"),
        },
        language,
      );
      this.#left.replaceChildren(this.#view.element);
    }
    this.#draw();
    await this.#view?.show();
  }

  #focus(key: string): void {
    this.querySelector<HTMLElement>(`[data-focus="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
  }

  #tell(words: string): void {
    this.#live.textContent = words;
  }

  #say(words: string, tone: string): void {
    this.#said.textContent = words;
    this.#said.className = `small ${tone}`;
  }

  // Keys and the mouse.

  #dropped(place: Path, slot: Slot): void {
    const step = at(this.#doc, place) as Step | undefined;
    if (step) this.#moved(move(this.#doc, place, slot), text(step["name"]));
  }

  #cardKey(event: KeyboardEvent, place: Path): void {
    const by = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
    const name = text((at(this.#doc, place) as Step)["name"]);
    if (by && event.altKey) this.#moveBy(name, by);
    else if (by) {
      const all = [...this.#left.querySelectorAll<HTMLElement>(".node-main")];
      all[all.indexOf(event.currentTarget as HTMLElement) + by]?.focus();
    } else if (event.key === "Delete") this.#remove(name);
    else return;
    event.preventDefault();
  }

  #key(event: KeyboardEvent): void {
    if (!event.ctrlKey && !event.metaKey) return;
    const typing = event.target instanceof Element && event.target.closest("input, textarea, code-editor") !== null;
    const key = event.key.toLowerCase();
    if (key === "s") void this.#save();
    else if (key === "z" && !typing) this.#step(event.shiftKey ? "redo" : "undo");
    else if (key === "y" && !typing) this.#step("redo");
    else return;
    event.preventDefault();
  }

  // What is wrong.

  #checked(problems: Problem[]): void {
    this.#found(problems);
    this.dataset["checked"] = String(problems.length);
  }

  #found(problems: Problem[]): void {
    const isSame = JSON.stringify(problems) === JSON.stringify(this.#problems);
    this.#problems = problems;
    if (!isSame) this.#draw();
    this.#drawWrong();
    this.#mark();
  }

  #located(): Located[] {
    return this.#problems.map((one) => locate(this.#doc, one));
  }

  #drawWrong(open = this.#wrong.querySelector("details")?.open ?? false): void {
    const lead = (one: Located): void => this.#lead(one);
    this.#wrong.replaceChildren(...wrongList({ all: this.#located(), attempted: this.#attempted, open, lead }));
  }

  /** To the field that a problem is about. */
  #lead(one: Located): void {
    this.#select(one.part === "step" ? { kind: "step", name: one.step } : { kind: one.part }, false);
    const field = fieldOf(this.#pane, one);
    for (let part = field; part; part = part.parentElement?.closest<HTMLElement>("details") ?? null)
      if (part instanceof HTMLDetailsElement) part.open = true;
    const editor = field?.querySelector<Editor>("code-editor");
    field?.scrollIntoView({ block: "center" });
    if (editor?.insert) editor.insert("");
    else
      (
        field?.querySelector<HTMLElement>("input, select, textarea, button") ??
        this.#pane.querySelector<HTMLElement>("h2")
      )?.focus();
  }

  #mark(): void {
    const here = this.#selected;
    const isHere = (one: Located): boolean =>
      here.kind === "step" ? one.part === "step" && one.step === here.name : one.part === here.kind;
    const mine = this.#located().filter((one) => isHere(one) && !isEarly(one.problem, this.#attempted));
    markErrors(this.#pane, mine);
  }

  // Saving.

  async #save(): Promise<void> {
    if (this.#known.version > 0 && !this.#dirty) return this.#say("Nothing is changed", "soft");
    const doc = this.#doc;
    this.#say("Saving …", "soft");
    const saved = await save(this.#known.address, doc, this.#known.version, this.#note.value);
    switch (saved.kind) {
      case "saved":
        this.#saved = doc;
        if (this.#known.version === 0) {
          this.#leaving = true;
          location.assign(`${saved.address}?done=saved`);
          return;
        }
        this.#known = { ...this.#known, version: saved.version };
        this.#note.value = "";
        this.#say(`Saved as version ${saved.version}`, "good-line");
        this.#draw();
        return;
      case "problems":
        this.#attempted = true;
        this.#found(saved.problems);
        this.#draw();
        this.#drawWrong(true);
        this.#say("Not saved: see what is to put right", "error");
        this.#wrong.querySelector<HTMLElement>("summary")?.focus();
        return;
      case "overtaken":
        this.#say("Not saved yet", "error");
        return this.#overtaken(saved.overtaken);
      case "failed":
        this.#say(saved.said, "error");
    }
  }

  #overtaken(newer: Overtaken): void {
    askOvertaken(this, newer, {
      mine: () => {
        this.#known = { ...this.#known, version: newer.version };
        void this.#save();
      },
      theirs: () => {
        this.#leaving = true;
        location.reload();
      },
    });
  }

  async #toggle(state: string): Promise<void> {
    const wanted = state === "active" ? "disabled" : "active";
    try {
      const { version } = await setState(this.#known.address, wanted);
      const switched = (doc: Doc): Doc => write(doc, ["state"], wanted);
      this.#saved = switched(this.#saved);
      this.#history.change(switched);
      // Another number than the next one: somebody else saved in between, which saving is to tell.
      if (version === this.#known.version + 1) this.#known = { ...this.#known, version };
      this.#say(wanted === "active" ? "It is active now" : "It is disabled now", "good-line");
      this.#changed(false);
    } catch (failure) {
      this.#say(said(failure), "error");
    }
  }
}

customElements.define("workflow-editor", WorkflowEditor);
