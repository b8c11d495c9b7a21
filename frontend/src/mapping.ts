// The field mapping: properties insert themselves where the cursor was, proposals are taken in place, and what the
// preview found stands at its field. Without this script each of them is a button that sends the form.

interface Editor extends HTMLElement {
  insert?(text: string): void;
  replace?(text: string): void;
}

/** A choice that leads to another page part sends its form at once. */
export function submitters(root: ParentNode): void {
  for (const field of root.querySelectorAll<HTMLSelectElement | HTMLInputElement>("[data-submits]:not([data-ready])")) {
    field.dataset["ready"] = "";
    // Keys pass many choices on the way to the one that is meant, so that they have the button for it.
    let byKeys = false;
    field.addEventListener("keydown", () => (byKeys = true));
    field.addEventListener("pointerdown", () => (byKeys = false));
    field.addEventListener("change", () => {
      if (byKeys) return;
      const form = field.form;
      const wanted = field.dataset["submits"] ?? "";
      const button = form?.querySelector<HTMLButtonElement>(`button[name=do][value="${wanted}"]`);
      if (form && button) form.requestSubmit(button);
    });
  }
}

/** A link to a field leads into its editor, where one stands over it. */
export function fieldLinks(): void {
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest('a[href^="#"]') : null;
    const wanted = document.getElementById(link?.getAttribute("href")?.slice(1) ?? "");
    const editor = wanted?.closest<Editor>("code-editor");
    if (!wanted) return;
    wanted.closest("details:not([open])")?.setAttribute("open", "");
    if (!editor?.insert) return;
    event.preventDefault();
    editor.scrollIntoView({ block: "center" });
    editor.insert("");
  });
}

let last: Editor | undefined;

export function mapping(root: ParentNode): void {
  marks();
  const found = root instanceof Document ? root.querySelector<HTMLFormElement>("form[data-mapping]") : null;
  if (!found || found.dataset["ready"] !== undefined) return;
  found.dataset["ready"] = "";
  found.addEventListener("focusin", (event) => {
    const editor = event.target instanceof Element ? event.target.closest<Editor>("code-editor") : null;
    if (editor) last = editor;
  });
  found.addEventListener("dragstart", (event) => {
    if (event.target instanceof HTMLElement && event.target.dataset["insert"])
      event.dataTransfer?.setData("text/plain", event.target.dataset["insert"]);
  });
  found.addEventListener("keydown", (event) => {
    const chip = event.target instanceof HTMLElement && event.target.dataset["insert"] ? event.target : null;
    if (!chip || (event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    chip.click();
  });
  found.addEventListener("dragover", (event) => {
    if (event.target instanceof Element && event.target.closest(".map")) event.preventDefault();
  });
  found.addEventListener("drop", (event) => {
    const row = event.target instanceof Element ? event.target.closest(".map") : null;
    const text = event.dataTransfer?.getData("text/plain");
    if (event.defaultPrevented || !row || !text) return;
    event.preventDefault();
    row.querySelector<Editor>("code-editor")?.insert?.(text);
  });
  found.addEventListener("click", (event) => act(found, event));
}

function act(form: HTMLFormElement, event: MouseEvent): void {
  const button = event.target instanceof Element ? event.target.closest<HTMLElement>("button, [data-insert]") : null;
  if (!button) return;
  const text = button.dataset["insert"];
  if (text) {
    const editor = last ?? form.querySelector<Editor>("code-editor") ?? undefined;
    editor?.insert?.(text);
  }
  const proposed = button.dataset["accept"];
  const editor = button.closest(".map")?.querySelector<Editor>("code-editor");
  if (proposed === undefined || !editor?.replace) return;
  event.preventDefault();
  editor.replace(proposed);
  editor.insert?.("");
  button.closest(".proposals")?.remove();
}

/** What the server said of the fields when the page was made is no longer true once a preview has come. */
export function previewed(target: EventTarget | null): void {
  if (!(target instanceof Element) || !target.closest("form[data-mapping]")) return;
  for (const old of document.querySelectorAll(".map-value > :is(.error, .warning)")) old.remove();
}

/** Puts each verdict of the preview at its field. */
function marks(): void {
  const preview = document.getElementById("preview");
  if (!preview) return;
  const told = new Map<string, HTMLElement>();
  for (const one of preview.querySelectorAll<HTMLElement>("[data-mark]")) told.set(one.dataset["mark"] ?? "", one);
  for (const place of document.querySelectorAll<HTMLElement>("[data-marks]")) {
    const one = told.get(place.dataset["marks"] ?? "");
    place.textContent = one?.textContent ?? "";
    place.dataset["fate"] = one?.dataset["fate"] ?? "";
  }
}
