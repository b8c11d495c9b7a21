// The document as YAML or JSON, in step with the flow: what is typed here is there, and what is done there is here.

import { h } from "./dom";
import type { Editor } from "./form";
import { print } from "./json";
import type { Doc } from "./model";
import type { Problem } from "./problems";
import { look, said } from "./remote";

export type Language = "yaml" | "json";

export interface TextHost {
  doc(): Doc;
  typed(doc: Doc, problems: Problem[]): void;
  wrong(problems: Problem[]): void;
  failed(told: string): void;
}

const PAUSE = 500;

export class TextView {
  readonly element = h("div", { class: "text-view" });
  #editor: Editor | undefined;
  #text = "";
  #timer = 0;
  #asking: AbortController | undefined;

  constructor(
    private readonly host: TextHost,
    readonly language: Language,
  ) {}

  /** Shows the document as it will be in a moment, when nothing more is typed beside it. */
  later(): void {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.show(), PAUSE);
  }

  /** Shows the document as it is now. */
  async show(): Promise<void> {
    const signal = this.#begin();
    try {
      const found = await look({ document: print(this.host.doc(), 0), as: this.language }, signal);
      this.#put(found.text ?? "");
    } catch (failure) {
      if (!signal.aborted) this.host.failed(said(failure));
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#asking?.abort();
  }

  #begin(): AbortSignal {
    this.#asking?.abort();
    this.#asking = new AbortController();
    return this.#asking.signal;
  }

  #put(text: string): void {
    this.#text = text;
    if (this.#editor) {
      this.#editor.replace?.(text);
      return;
    }
    const area = h("textarea", { rows: "30", "aria-label": "The workflow as text", spellcheck: "false" }, text);
    area.addEventListener("input", () => this.#typed(area.value));
    this.#editor = h("code-editor", { language: this.language, label: "The workflow as text", unchecked: true }, area);
    this.element.replaceChildren(this.#editor);
  }

  #typed(text: string): void {
    if (text === this.#text) return;
    this.#text = text;
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#read(text), PAUSE);
  }

  async #read(text: string): Promise<void> {
    const signal = this.#begin();
    try {
      const found = await look({ text }, signal);
      if (found.document) this.host.typed(found.document, found.problems);
      else this.host.wrong(found.problems);
    } catch (failure) {
      if (!signal.aborted) this.host.failed(said(failure));
    }
  }
}
