// Somebody else saved meanwhile: what is otherwise in theirs, and what is to become of one's own.

import { button, h } from "./dom";
import type { Overtaken } from "./remote";

export interface OvertakenActs {
  mine(): void;
  theirs(): void;
}

export function askOvertaken(holder: HTMLElement, newer: Overtaken, acts: OvertakenActs): void {
  const changes = newer.differences.map((one) =>
    h("li", {}, h("code", {}, one.path || "everything"), ` ${one.change}`),
  );
  const mine = (): void => {
    dialog.close();
    acts.mine();
  };
  const told = `${newer.by} saved version ${newer.version} while you were writing. What you wrote is still here, and not saved.`;
  const dialog = h(
    "dialog",
    { "aria-labelledby": "overtaken" },
    h("h2", { id: "overtaken" }, "Somebody was quicker"),
    h("p", {}, told),
    changes.length ? h("ul", { class: "plain" }, ...changes) : null,
    h(
      "div",
      { class: "row" },
      button("Save mine on top of it", mine),
      button("Load theirs, let mine go", () => acts.theirs()),
      button("Go on writing", () => dialog.close()),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  holder.append(dialog);
  dialog.showModal();
}
