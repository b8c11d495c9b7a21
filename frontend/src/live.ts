// Parts that renew themselves rest while nobody looks, or while somebody has marked text or rows, or written or opened
// something in them.

export function liveParts(): void {
  document.addEventListener("htmx:before:request", (event) => {
    const part = event.target;
    if (part instanceof HTMLElement && part.hasAttribute("data-live") && mustRest(part)) event.preventDefault();
  });
}

function mustRest(part: HTMLElement): boolean {
  const selection = document.getSelection();
  const marked = selection !== null && !selection.isCollapsed && part.contains(selection.anchorNode);
  // A list that only grows says data-live="grows": what is picked in it stays picked.
  const picked = part.dataset["live"] !== "grows" && part.querySelector("input:checked") !== null;
  const opened = part.querySelector("details[open]") !== null;
  const written = [...part.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>("input, textarea")].some(
    (field) => field.value !== field.defaultValue,
  );
  return document.hidden || marked || picked || opened || written;
}
