// What the editor asks the station.

import { isObject, type Json, type JsonObject, parse, print } from "./json";
import type { Doc } from "./model";
import type { Problem } from "./problems";

export interface Looked {
  problems: Problem[];
  document?: Doc;
  text?: string;
}

export interface Tried {
  /** Whether its conditions hold: `when`, and that of its type. */
  holds: Record<string, boolean>;
  /** Not there where a step only says what comes next. */
  state?: string;
  input: Json;
  output: Json;
  error: string;
  sample: boolean;
  problems?: Problem[];
}

export interface Overtaken {
  by: string;
  version: number;
  differences: { path: string; change: string }[];
}

export type Saved =
  | { kind: "saved"; version: number; address: string }
  | { kind: "problems"; problems: Problem[] }
  | { kind: "overtaken"; overtaken: Overtaken }
  | { kind: "failed"; said: string };

export interface Offer {
  fields: { name: string; caption: string; type: string; required: boolean }[];
  tables: string[];
  warning: string;
}

const HELP = "/workflows/_editor";

/** Nothing was answered, or no JSON: the station is away, the session is over. */
export class Unanswered extends Error {}

async function ask(
  path: string,
  fields: Record<string, string>,
  signal?: AbortSignal,
): Promise<{ status: number; body: JsonObject }> {
  const token = document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? "";
  const answer = await fetch(path, {
    method: "POST",
    body: new URLSearchParams(fields),
    headers: { Accept: "application/json", ...(token ? { "X-CSRF-Token": token } : {}) },
    ...(signal ? { signal } : {}),
  });
  return { status: answer.status, body: await bodyOf(answer) };
}

async function bodyOf(answer: Response): Promise<JsonObject> {
  const isJson = answer.headers.get("content-type")?.startsWith("application/json");
  const body = isJson ? parse(await answer.text()) : null;
  if (isObject(body)) return body;
  throw new Unanswered(`The station answered ${answer.status}. Load the page anew in another tab, then try again.`);
}

export async function look(fields: Record<string, string>, signal: AbortSignal): Promise<Looked> {
  const { body } = await ask(`${HELP}/look`, fields, signal);
  return body as unknown as Looked;
}

export async function tryStep(step: Json, scope: Json, really: boolean): Promise<Tried> {
  const fields = { step: print(step, 0), scope: print(scope, 0), really: String(really) };
  const { body } = await ask(`${HELP}/try`, fields);
  return body as unknown as Tried;
}

export async function offer(where: Record<string, string>): Promise<Offer> {
  const answer = await fetch(`${HELP}/offer?${new URLSearchParams(where)}`, {
    headers: { Accept: "application/json" },
  });
  return (await bodyOf(answer)) as unknown as Offer;
}

export async function save(address: string, doc: Doc, began: number, note: string): Promise<Saved> {
  try {
    const fields = { document: print(doc, 0), began: String(began), note, do: "save" };
    const { status, body } = await ask(address, fields);
    if (status === 409) return { kind: "overtaken", overtaken: body["overtaken"] as unknown as Overtaken };
    if (status === 422) return { kind: "problems", problems: body["problems"] as unknown as Problem[] };
    return { kind: "saved", version: body["version"] as number, address: body["address"] as string };
  } catch (failure) {
    return { kind: "failed", said: said(failure) };
  }
}

export async function setState(address: string, state: string): Promise<{ version: number }> {
  const { body } = await ask(`${address}/state`, { state });
  return body as unknown as { version: number };
}

export function said(failure: unknown): string {
  return failure instanceof Unanswered ? failure.message : "The station does not answer. Try again in a moment.";
}
