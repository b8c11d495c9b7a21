// Islands come when a page has one: their code is in files of their own.

const ISLANDS: Record<string, () => Promise<unknown>> = {
  "code-editor": () => import("./islands/editor"),
  "time-chart": () => import("./islands/chart"),
  "workflow-editor": () => import("./islands/workflow/editor"),
};

const asked = new Set<string>();

export function islands(root: ParentNode): void {
  for (const [name, load] of Object.entries(ISLANDS)) {
    if (asked.has(name) || !root.querySelector(name)) continue;
    asked.add(name);
    void load();
  }
}
