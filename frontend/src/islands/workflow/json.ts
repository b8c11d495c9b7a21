// JSON whose numbers keep the digits that they were written with, where the browser can do that (JSON.rawJSON).

export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [name: string]: Json;
}

interface RawNumbers {
  rawJSON?(text: string): object;
  isRawJSON?(value: unknown): boolean;
}

const raw: RawNumbers = JSON as RawNumbers;
type Reviver = (this: unknown, name: string, value: unknown, context?: { source?: string }) => unknown;

/** Throws `SyntaxError`. */
export function parse(text: string): Json {
  const keep: Reviver = (_, value, context) => {
    const written = context?.source;
    if (typeof value !== "number" || !written || !raw.rawJSON || String(value) === written) return value;
    return raw.rawJSON(written);
  };
  return JSON.parse(text, keep as (this: unknown, name: string, value: unknown) => unknown) as Json;
}

export function print(value: Json, indent = 2): string {
  return JSON.stringify(value, null, indent);
}

/** On one line, cut visibly where it is long. */
export function shown(value: Json, longest = 60): string {
  const text = typeof value === "string" ? value : print(value, 0);
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !raw.isRawJSON?.(value);
}

export function same(one: Json | undefined, other: Json | undefined): boolean {
  return one === other || (one !== undefined && other !== undefined && print(one, 0) === print(other, 0));
}
