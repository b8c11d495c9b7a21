// *Try this step*: what it gets, what it puts out, and that kept as its sample.

import { button, h } from "./dom";
import { type Json, print } from "./json";
import { type Step } from "./model";
import { type Problem } from "./problems";
import { said, tryStep, type Tried } from "./remote";
import type { Spec } from "./specs";

const LARGEST_KEPT = 20_000;
const CONTROL = "control";

export interface TrialActs {
  step(): Step;
  scope(): Json;
  sample(): Json | undefined;
  keep(output: Json | undefined): void;
}

/** The part of the pane; nothing for steps that only say what comes next, unless a condition does. */
export function trial(spec: Spec | undefined, acts: TrialActs): HTMLElement | null {
  if (!spec || (spec.reach === CONTROL && !spec.settings.some((one) => one.mode === "condition"))) return null;
  const result = h("div", { class: "stack tight", role: "status" });
  const calls = spec.reach === "reads" || spec.reach === "elsewhere";
  const run = async (really: boolean): Promise<void> => {
    result.replaceChildren(h("p", { class: "soft" }, really ? "Asking the other system …" : "Trying …"));
    try {
      const tried = await tryStep(acts.step(), acts.scope(), really);
      result.replaceChildren(...(tried.problems ? refused(tried.problems) : shownTrial(tried, acts)));
    } catch (failure) {
      result.replaceChildren(h("p", { class: "error" }, said(failure)));
    }
  };
  const sure = h(
    "details",
    { class: "stack" },
    h("summary", {}, "Try it for real"),
    h("p", { class: "small" }, reality(spec)),
    button("Do it now", () => void run(true), { class: spec.reach === "elsewhere" ? "button danger" : "button" }),
  );
  return h(
    "section",
    { class: "stack tight trial-part", "aria-labelledby": "try-title" },
    h("h3", { id: "try-title" }, "Try this step"),
    h("p", { class: "soft small" }, "With the sample data of what triggers it and of the steps before it."),
    h(
      "div",
      { class: "row" },
      button("Try it", () => void run(false), { "data-focus": "try" }, "begin"),
    ),
    calls ? sure : null,
    result,
    kept(acts),
  );
}

function reality(spec: Spec): string {
  if (spec.reach === "reads") return "The other system is asked with the sample data; nothing is changed there.";
  return "The other system is called with the sample data, and what it does then is done: a mail goes out, a record is written.";
}

function kept(acts: TrialActs): HTMLElement | null {
  const sample = acts.sample();
  if (sample === undefined) return null;
  return h("details", {}, h("summary", {}, "Sample of what it puts out"), code(sample, "Sample of what it puts out"));
}

function refused(problems: readonly Problem[]): HTMLElement[] {
  const all = problems.map((one) =>
    h("li", {}, h("code", {}, one.path.filter((part) => part !== "with").join(" · ")), ` ${one.message}`),
  );
  return [h("p", { class: "error" }, "It cannot be tried yet:"), h("ul", { class: "plain" }, ...all)];
}

const HOLDS: Record<string, [string, string]> = {
  when: ["Its “when” holds.", "Its “when” does not hold: the step would be skipped."],
  condition: ["The condition holds.", "The condition does not hold."],
};

function shownTrial(tried: Tried, acts: TrialActs): HTMLElement[] {
  const told = Object.entries(tried.holds).map(([name, holds]) => {
    return h("p", { class: holds ? "good-line" : "warning" }, HOLDS[name]?.[holds ? 0 : 1] ?? name);
  });
  return tried.state === undefined ? told : [...told, ...outcome(tried, acts)];
}

function outcome(tried: Tried, acts: TrialActs): HTMLElement[] {
  const given = h("details", {}, h("summary", {}, "What it gets"), code(tried.input, "What it gets"));
  if (tried.error) return [h("p", { class: "error" }, `It fails: ${tried.error}`), given];
  if (tried.sample) {
    const told = "Nothing was asked or written: this is what it gets, and what steps of its type usually put out.";
    return [
      h("p", { class: "good-line" }, told),
      code(tried.input, "What it gets"),
      code(tried.output, "Made-up output"),
    ];
  }
  const fits = print(tried.output, 0).length <= LARGEST_KEPT;
  if (fits) acts.keep(tried.output);
  const told = fits
    ? "It works; what it put out is its sample now."
    : "It works; what it put out is too long to be kept as its sample.";
  return [h("p", { class: "good-line" }, told), code(tried.output, "What it puts out"), given];
}

function code(value: Json, label: string): HTMLElement {
  return h("pre", { tabindex: "0", role: "region", "aria-label": label }, print(value));
}
