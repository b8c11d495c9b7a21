// What every control of the properties pane knows of what it edits.

import type { Json, JsonObject } from "./json";
import type { Path } from "./model";
import type { Offer } from "./remote";
import type { Known, Setting, Spec } from "./specs";

export interface Form {
  known: Known;
  spec: Spec | undefined;
  /** What `$$` completes to. */
  properties: string[];
  /** Steps that a rule may go on at. */
  later: string[];
  /** The settings as they are now. */
  settings(): JsonObject;
  change(path: Path, value: Json | undefined): void;
  /** Called with what a connection offers, as soon as it is known, and again when another one is chosen. */
  offered(listener: (offer: Offer) => void): void;
}

export interface Place {
  setting: Setting;
  path: Path;
  value: Json | undefined;
}

export interface Editor extends HTMLElement {
  insert?(text: string): void;
  replace?(text: string): void;
  readonly inText?: boolean;
}
