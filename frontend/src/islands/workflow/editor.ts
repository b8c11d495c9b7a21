// <workflow-editor>: a flow, the properties of what is selected in it, and the same document as text.
//
// Its document and what can be chosen stand in two hidden text areas; what is wrong with it the station says, while it
// is changed. What stands in it besides is for who runs no scripts.

import "../editor";
import { Cursor } from "./chips";
import { button, h, signButton } from "./dom";
import type { Editor } from "./form";
import { flow, type FlowActs, type Selection, titleOf, type Wrong } from "./flow";
import { History } from "./history";
import { parse, print, same } from "./json";
import { chooseType } from "./menu";
import { at, type Doc, duplicate, find, insert, move, moveBy, newStep, type Path, remove, rename, type Slot, type Step, text, write } from "./model";
import { type PaneHost, stepPane, triggerPane, workflowPane } from "./pane";
import { isMissing, locate, type Located, type Problem } from "./problems";
import { look, type Overtaken, said, save, setState } from "./remote";
import { type Known, type Types, typesOf } from "./specs";
import { type Language, TextView } from "./textview";

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
  #asking: AbortController | undefined;
  #timer = 0;
  #leaving = false;
  #attempted = false;
  readonly #cursor = new Cursor();
  readonly #tools = h("div", { class: "tools", role: "toolbar", "aria-label": "Workflow" });
  readonly #wrong = h("div", { class: "wrong-list" });
  readonly #left = h("div", { class: "flow-side" });
  readonly #pane = h("aside", { class: "card pane", "aria-label": "Properties" });
  readonly #live = h("p", { class: "unseen", role: "status" });
  readonly #said = h("span", { class: "small", role: "status" });
  readonly #note = h("input", { class: "bare boxed", "data-focus": "note", "aria-label": "What is changed, for the list of versions", placeholder: "What is changed", maxlength: "500", autocomplete: "off" });

  connectedCallback(): void {
    const known = this.querySelector<HTMLTextAreaElement>("[data-known]");
    const document_ = this.querySelector<HTMLTextAreaElement>("[data-document]");
    if (!known || !document_ || this.dataset["ready"] !== undefined) return;
    this.#known = parse(known.value) as unknown as Known;
    this.#types = typesOf(this.#known);
    this.#saved = parse(document_.value) as Doc;
    this.#history = new History(this.#saved);
    if (this.#known.version > 0) this.#selected = { kind: "trigger" };
    this.#cursor.watch(this.#pane);
    this.replaceChildren(this.#tools, this.#wrong, h("div", { class: "editor-columns" }, this.#left, this.#pane), this.#live);
    this.addEventListener("keydown", (event) => this.#key(event));
    window.addEventListener("beforeunload", (event) => {
      if (this.#dirty && !this.#leaving) event.preventDefault();
    });
    this.#draw();
    this.#drawPane();
    this.#check(0);
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
    this.#changed(redraw);
  }

  #changed(redraw: boolean, textToo = true): void {
    this.#draw();
    if (redraw) this.#drawPane();
    if (textToo) void this.#view?.show();
    this.#check(PAUSE);
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
    const inside = placed && placed.list.length > 1 ? at(this.#doc, placed.list.slice(0, -1)) : undefined;
    this.#tell(placed ? `Moved to place ${placed.index + 1}${inside ? ` ${this.#within(placed.list)}` : ""}` : "");
  }

  #within(list: Path): string {
    for (let length = list.length - 1; length > 0; length--) {
      const found = at(this.#doc, list.slice(0, length)) as Step | undefined;
      if (found && text(found["type"])) return `inside ${titleOf(found)}`;
    }
    return "";
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
      const shown = flow({ doc: this.#doc, types: this.#types, selected: this.#selected, wrong: this.#counts() }, acts);
      const scroller = h("div", { class: "flow-scroller", tabindex: "-1" }, shown);
      this.#left.replaceChildren(scroller);
      scroller.scrollLeft = scrolled;
    }
    if (focused) this.#focus(focused);
  }

  #drawTools(): void {
    const state = text(this.#doc["state"]) || "active";
    const isSaved = this.#known.version > 0;
    const views: [string, Language | undefined][] = [["Flow", undefined], ["YAML", "yaml"], ["JSON", "json"]];
    const shown = views.map(([label, language]) =>
      h("button", { type: "button", class: "view", "data-focus": `view:${label}`, "aria-pressed": String(this.#view?.language === language), onclick: () => void this.#show(language) }, label),
    );
    const toggle = state === "active" ? "Disable" : "Activate";
    this.#tools.replaceChildren(
      h("div", { class: "row tight-row" }, signButton("undo", "Undo", () => this.#step("undo"), { disabled: !this.#history.canUndo, "data-focus": "undo" }), signButton("redo", "Redo", () => this.#step("redo"), { disabled: !this.#history.canRedo, "data-focus": "redo" })),
      h("div", { class: "switch", role: "group", "aria-label": "Shown as" }, ...shown),
      button("Settings", () => this.#select({ kind: "workflow" }), { class: "button quiet", "data-focus": "settings" }),
      h("span", { class: `badge ${state === "active" ? "good" : ""}` }, isSaved ? `${state} · version ${this.#known.version}` : "not saved yet"),
      h("span", { class: "spring" }),
      this.#said,
      this.#note,
      isSaved ? button(toggle, () => void this.#toggle(state), { "data-focus": "toggle" }) : "",
      button(this.#dirty || !isSaved ? "Save" : "Saved", () => void this.#save(), { class: "button first", "data-focus": "save", "aria-disabled": isSaved && !this.#dirty && "true" }),
    );
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
    const parts = this.#selected.kind === "step" ? stepPane(host, this.#selected.name) : this.#selected.kind === "trigger" ? triggerPane(host) : workflowPane(host);
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

  #check(pause: number): void {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#ask(), pause);
  }

  async #ask(): Promise<void> {
    this.#asking?.abort();
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    try {
      const found = await look({ document: print(this.#doc, 0) }, signal);
      if (signal.aborted) return;
      this.#found(found.problems);
      this.dataset["checked"] = String(found.problems.length);
    } catch (failure) {
      if (!signal.aborted) this.#say(said(failure), "error");
    }
  }

  #found(problems: Problem[]): void {
    this.#problems = problems;
    this.#drawWrong();
    this.#draw();
    this.#mark();
  }

  #located(): Located[] {
    return this.#problems.map((one) => locate(this.#doc, one));
  }

  #counts(): Map<string, Wrong> {
    const counts = new Map<string, Wrong>();
    for (const one of this.#located()) {
      if (one.part === "workflow") continue;
      const before = counts.get(one.step) ?? { count: 0, unfinished: true };
      counts.set(one.step, { count: before.count + 1, unfinished: before.unfinished && this.#isEarly(one.problem) });
    }
    return counts;
  }

  #isEarly(problem: Problem): boolean {
    return !this.#attempted && isMissing(problem);
  }

  #drawWrong(open = this.#wrong.querySelector("details")?.open ?? false): void {
    const all = this.#located();
    if (!all.length) return this.#wrong.replaceChildren();
    const items = all.map((one) => {
      const line = one.problem.line ? `Line ${one.problem.line}, ` : "";
      const link = h("a", { href: "#", onclick: (event: Event) => (event.preventDefault(), this.#lead(one)) }, line + one.where);
      return h("li", {}, link, `: ${one.problem.message}`);
    });
    const tone = all.some((one) => one.problem.severity === "error" && !this.#isEarly(one.problem)) ? "bad" : "unsure";
    const title = `${all.length} ${all.length === 1 ? "thing" : "things"} to put right before it can be saved`;
    this.#wrong.replaceChildren(h("details", { class: `notice summary ${tone}`, open }, h("summary", {}, title), h("ul", { class: "plain" }, ...items)));
  }

  /** To the field that a problem is about. */
  #lead(one: Located): void {
    this.#select(one.part === "step" ? { kind: "step", name: one.step } : { kind: one.part }, false);
    const field = this.#fieldOf(one);
    for (let part = field; part; part = part.parentElement?.closest<HTMLElement>("details") ?? null)
      if (part instanceof HTMLDetailsElement) part.open = true;
    const editor = field?.querySelector<Editor>("code-editor");
    field?.scrollIntoView({ block: "center" });
    if (editor?.insert) editor.insert("");
    else (field?.querySelector<HTMLElement>("input, select, textarea, button") ?? this.#pane.querySelector<HTMLElement>("h2"))?.focus();
  }

  /** The field with the longest beginning of the problem's path. */
  #fieldOf(one: Located): HTMLElement | null {
    let best: HTMLElement | null = null;
    let length = -1;
    for (const field of this.#pane.querySelectorAll<HTMLElement>("[data-path]")) {
      const path = JSON.parse(field.dataset["path"] ?? "[]") as Path;
      if (path.length <= length || !path.every((part, index) => one.field[index] === part)) continue;
      [best, length] = [field, path.length];
    }
    return best;
  }

  #mark(): void {
    for (const error of this.#pane.querySelectorAll<HTMLElement>(".error:not([data-local])")) [error.textContent, error.hidden] = ["", true];
    for (const control of this.#pane.querySelectorAll("[aria-invalid]")) control.removeAttribute("aria-invalid");
    const here = this.#selected;
    const mine = this.#located().filter((one) => (here.kind === "step" ? one.part === "step" && one.step === here.name : one.part === here.kind));
    for (const one of mine.filter((each) => !this.#isEarly(each.problem))) {
      const field = this.#fieldOf(one);
      const error = field?.matches(".error") ? field : field?.querySelector<HTMLElement>(":scope > .error");
      if (!error || error.dataset["local"]) continue;
      error.textContent = [error.textContent, inShort(one.problem.message)].filter(Boolean).join(" ");
      error.hidden = false;
      field?.querySelector(":scope > :is(input, select, textarea)")?.setAttribute("aria-invalid", "true");
    }
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
    const changes = newer.differences.map((one) => h("li", {}, h("code", {}, one.path || "everything"), ` ${one.change}`));
    const mine = button("Save mine on top of it", () => {
      this.#known = { ...this.#known, version: newer.version };
      dialog.close();
      void this.#save();
    });
    const theirs = button("Load theirs, let mine go", () => {
      this.#leaving = true;
      location.reload();
    });
    const dialog = h(
      "dialog",
      { "aria-labelledby": "overtaken" },
      h("h2", { id: "overtaken" }, "Somebody was quicker"),
      h("p", {}, `${newer.by} saved version ${newer.version} while you were writing. What you wrote is still here, and not saved.`),
      changes.length ? h("ul", { class: "plain" }, ...changes) : null,
      h("div", { class: "row" }, mine, theirs, button("Go on writing", () => dialog.close())),
    );
    dialog.addEventListener("close", () => dialog.remove());
    this.append(dialog);
    dialog.showModal();
  }

  async #toggle(state: string): Promise<void> {
    const wanted = state === "active" ? "disabled" : "active";
    try {
      const { version } = await setState(this.#known.address, wanted);
      const with_ = (doc: Doc): Doc => write(doc, ["state"], wanted);
      this.#saved = with_(this.#saved);
      this.#history.change(with_);
      // Another number than the next one: somebody else saved in between, which saving is to tell.
      if (version === this.#known.version + 1) this.#known = { ...this.#known, version };
      this.#say(wanted === "active" ? "It is active now" : "It is disabled now", "good-line");
      this.#changed(false);
    } catch (failure) {
      this.#say(said(failure), "error");
    }
  }
}

/** At a field, whose help stands there already. */
function inShort(message: string): string {
  return message.startsWith("is missing.") ? "is missing." : message;
}

customElements.define("workflow-editor", WorkflowEditor);
