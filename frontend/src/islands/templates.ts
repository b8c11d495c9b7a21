// The mapping language in the editor: $$property$$, {{ expression | filter }} and {% tag %} inside plain text.

import type { Completion, CompletionContext, CompletionResult, CompletionSource } from "@codemirror/autocomplete";
import { StreamLanguage, type StreamParser } from "@codemirror/language";

interface Inside {
  closer: string;
}

const parser: StreamParser<Inside> = {
  startState: () => ({ closer: "" }),
  token(stream, inside) {
    if (inside.closer) return expression(stream, inside);
    if (stream.match(/^\$\$[^$\s]+\$\$/)) return "variableName";
    if (stream.match("{{")) return open(inside, "}}");
    if (stream.match("{%")) return open(inside, "%}");
    stream.next();
    return null;
  },
};

type Stream = Parameters<typeof parser.token>[0];

function open(inside: Inside, closer: string): string {
  inside.closer = closer;
  return "keyword";
}

function expression(stream: Stream, inside: Inside): string | null {
  if (stream.match(inside.closer)) {
    inside.closer = "";
    return "keyword";
  }
  if (stream.match(/^(["']).*?\1/)) return "string";
  if (stream.match(/^\d+(\.\d+)?/)) return "number";
  if (stream.match(/^[\p{L}_][\p{L}\p{N}_.-]*/u)) return "variableName";
  stream.next();
  return null;
}

export const templateLanguage = StreamLanguage.define(parser);

/** Completes names of `properties` after `$$` and `{{`, with what closes them. */
export function propertyCompletion(properties: readonly string[]): CompletionSource {
  return (context: CompletionContext): CompletionResult | null => {
    const dollars = context.matchBefore(/\$\$[^$\s]*/);
    if (dollars) return offer(properties, dollars.from + 2, "$$");
    const braces = context.matchBefore(/\{\{\s*[\p{L}\p{N}_.]*/u);
    if (!braces) return null;
    const typed = /[\p{L}\p{N}_.]*$/u.exec(braces.text)?.[0].length ?? 0;
    return offer(properties, braces.to - typed, " }}");
  };
}

function offer(properties: readonly string[], from: number, closer: string): CompletionResult {
  const options = properties.map((name): Completion => ({ label: name, type: "variable", apply: name + closer }));
  return { from, options, validFor: /^[\p{L}\p{N}_.]*$/u };
}
