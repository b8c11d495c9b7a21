// What the station tells of types of step and of settings; see web/pages/chain/editor/described.py.

import type { Json } from "./json";

export interface Setting {
  name: string;
  label: string;
  kind: string;
  mode?: "template" | "row" | "condition" | "rule";
  required?: boolean;
  default?: Json;
  help?: string;
  choices?: string[];
  minimum?: number;
  maximum?: number;
  fields?: Setting[];
  variants?: Record<string, Setting[]>;
  example?: Json;
  pick?: string;
}

export interface Spec {
  type: string;
  title: string;
  help: string;
  group: string;
  reach: string;
  settings: Setting[];
  needsOne: string[][];
  output: string;
  holds: string;
  sample: Json;
  outputs: { setting: string; value: string; output: string }[];
  blocks: string[];
  namedBlocks: string;
  connections: string[];
}

export interface Known {
  types: Spec[];
  base: Setting[];
  entries: Record<string, Setting[]>;
  workflow: Setting[];
  connections: { name: string; type: string }[];
  panels: string[];
  workflows: string[];
  transfers: string[];
  starters: Record<string, string[]>;
  version: number;
  address: string;
  /** What triggered the newest run. */
  newest?: Json;
}

export type Types = ReadonlyMap<string, Spec>;

export function typesOf(known: Known): Types {
  return new Map(known.types.map((spec) => [spec.type, spec]));
}
