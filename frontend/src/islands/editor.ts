// <code-editor language="json|template|yaml" label="…" properties="a b c"><textarea>…</textarea></code-editor>
//
// An editor over a text area, which keeps the value for the form; a read-only text area makes a viewer.
// It stands in a shadow root: there its styles are constructed sheets, which a policy without inline styles allows.

import { autocompletion, closeBrackets, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { json, jsonLanguage, jsonParseLinter } from "@codemirror/lang-json";
import { bracketMatching, foldGutter, HighlightStyle, syntaxHighlighting, syntaxTree } from "@codemirror/language";
import { linter, lintKeymap } from "@codemirror/lint";
import { EditorState, type Extension } from "@codemirror/state";
import { EditorView, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { propertyCompletion, templateLanguage } from "./templates";
import { yamlLanguage } from "./yaml";

const colours = HighlightStyle.define([
  { tag: tags.propertyName, color: "var(--code-name)" },
  { tag: tags.string, color: "var(--code-text)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--code-literal)" },
  { tag: tags.variableName, color: "var(--code-name)", fontWeight: "600" },
  { tag: tags.keyword, color: "var(--code-literal)" },
]);

const look = EditorView.theme({
  "&": { color: "var(--ink)", backgroundColor: "var(--paper)", fontSize: "0.875rem" },
  "&.cm-focused": { outline: "3px solid var(--focus)", outlineOffset: "2px" },
  ".cm-scroller": { fontFamily: "var(--mono)", maxHeight: "var(--code-height, 32rem)" },
  ".cm-gutters": { color: "var(--ink-soft)", backgroundColor: "var(--sunken)", border: "none" },
  ".cm-content": { caretColor: "var(--ink)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-tooltip": { color: "var(--ink)", backgroundColor: "var(--raised)", border: "1px solid var(--line)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { color: "var(--on-accent)", backgroundColor: "var(--accent)" },
});

// Typed over marked text, Chromium would write inline styles into the document, which the policy refuses loudly.
const overtyping = EditorView.domEventHandlers({
  beforeinput(event, view) {
    if (event.inputType !== "insertText" || !event.data || view.composing || view.state.selection.main.empty) return false;
    event.preventDefault();
    view.dispatch(view.state.replaceSelection(event.data), { userEvent: "input.type" });
    return true;
  },
});

const roomy = EditorView.theme({ ".cm-content, .cm-gutter": { minHeight: "9rem" } });

class CodeEditor extends HTMLElement {
  #view: EditorView | undefined;

  connectedCallback(): void {
    const area = this.querySelector("textarea");
    if (!area || this.#view) return;
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    this.#view = new EditorView({
      root,
      parent: root,
      state: EditorState.create({ doc: area.value, extensions: this.#extensions(area) }),
    });
    this.dataset["ready"] = "";
  }

  /** Puts text where the cursor is, in place of what is marked, and goes on from behind it. */
  insert(text: string): void {
    const view = this.#view;
    if (!view) return;
    view.dispatch(view.state.replaceSelection(text), { userEvent: "input" });
    view.focus();
  }

  /** Another text in place of all. */
  replace(text: string): void {
    const view = this.#view;
    view?.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, userEvent: "input" });
  }

  /** Whether the cursor stands inside a text of a JSON document. */
  get inText(): boolean {
    const state = this.#view?.state;
    if (!state) return false;
    const { from } = state.selection.main;
    const node = syntaxTree(state).resolveInner(from, -1);
    return node.name === "String" && node.from < from && from < node.to;
  }

  disconnectedCallback(): void {
    this.#view?.destroy();
    this.#view = undefined;
  }

  #extensions(area: HTMLTextAreaElement): Extension[] {
    const label = this.getAttribute("label") ?? "Code";
    const shared = [
      syntaxHighlighting(colours),
      look,
      EditorView.lineWrapping,
      EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
      ...this.#language(area.readOnly),
    ];
    if (area.readOnly) return [...shared, EditorState.readOnly.of(true)];
    return [
      ...shared,
      ...(this.hasAttribute("line") ? [] : [roomy]),
      history(),
      closeBrackets(),
      overtyping,
      autocompletion(),
      keymap.of([...defaultKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap]),
      EditorView.updateListener.of((update) => {
        if (!update.docChanged) return;
        area.value = update.state.doc.toString();
        area.dispatchEvent(new Event("input", { bubbles: true }));
      }),
    ];
  }

  #language(readOnly: boolean): Extension[] {
    const properties = (this.getAttribute("properties") ?? "").split(" ").filter(Boolean);
    if (this.getAttribute("language") === "template") {
      return [templateLanguage, templateLanguage.data.of({ autocomplete: propertyCompletion(properties) })];
    }
    if (this.getAttribute("language") === "yaml") return [yamlLanguage, lineNumbers(), foldGutter()];
    const checked = readOnly || this.hasAttribute("unchecked") ? [] : [linter(jsonParseLinter())];
    const offered = properties.length ? [jsonLanguage.data.of({ autocomplete: propertyCompletion(properties) })] : [];
    return [json(), ...offered, lineNumbers(), foldGutter(), bracketMatching(), ...checked];
  }
}

customElements.define("code-editor", CodeEditor);
