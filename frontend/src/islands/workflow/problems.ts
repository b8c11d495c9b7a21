// Where a problem that the station found belongs on the page.

import { isObject } from "./json";
import { at, type Doc, type Path, text } from "./model";

export interface Problem {
  path: Path;
  message: string;
  severity: string;
  line?: number;
}

/** Whether only something is still to be filled in: who has just begun has done nothing wrong. */
export function isMissing(problem: Problem): boolean {
  return /^(is missing\.|is empty:|holds no steps;|needs one of |says nothing;|must not be empty)/.test(
    problem.message,
  );
}

export interface Located {
  problem: Problem;
  /** Name of the step that it is in; empty: it is in the trigger or in the workflow itself. */
  step: string;
  part: "step" | "trigger" | "workflow";
  /** Where in the step, else where in the document. */
  field: Path;
  /** What a person calls the place. */
  where: string;
}

export function locate(doc: Doc, problem: Problem): Located {
  const end = stepEnd(doc, problem.path);
  if (end > 0) {
    const place = problem.path.slice(0, end);
    const step = at(doc, place);
    const found = isObject(step) ? step : {};
    const name = text(found["name"]);
    const field = problem.path.slice(end);
    const where = [text(found["title"]) || name || `Step ${Number(place.at(-1)) + 1}`, told(field)];
    return { problem, step: name, part: "step", field, where: where.filter(Boolean).join(" · ") };
  }
  const part = problem.path[0] === "trigger" || problem.path[0] === "sample" ? "trigger" : "workflow";
  const where = [part === "trigger" ? "Trigger" : "Workflow", told(problem.path.filter((one) => one !== "trigger"))];
  return { problem, step: "", part, field: problem.path, where: where.filter(Boolean).join(" · ") };
}

function told(field: Path): string {
  return field.filter((part) => part !== "with").join(" · ");
}

/** How much of the path leads to the innermost step on it. */
function stepEnd(doc: Doc, path: Path): number {
  let end = 0;
  for (let length = 2; length <= path.length; length++) {
    const index = path[length - 1];
    const list = path.slice(0, length - 1);
    if (typeof index !== "number" || !isStepList(list)) continue;
    if (isObject(at(doc, path.slice(0, length)))) end = length;
  }
  return end;
}

/** Settings of a step stand under `with`, everything else that ends in a list holds steps or entries of them. */
function isStepList(list: Path): boolean {
  if (list.includes("with") || list[0] !== "steps") return false;
  const last = list.at(-1);
  return typeof last === "string" && last !== "cases" && last !== "branches";
}
