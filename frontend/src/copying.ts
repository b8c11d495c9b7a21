// Buttons that copy: hidden until this script makes them work.

const SAID_FOR = 2000;

export function copyButtons(root: ParentNode): void {
  for (const button of root.querySelectorAll<HTMLButtonElement>("button[data-copy][hidden]")) {
    button.hidden = false;
    button.addEventListener("click", () => void copy(button));
  }
}

async function copy(button: HTMLButtonElement): Promise<void> {
  const label = button.querySelector<HTMLElement>("[data-label]");
  const said = (await put(button.dataset["copy"] ?? "")) ? "Copied" : "Select it and copy by hand";
  if (!label) return;
  const before = (button.dataset["said"] ??= label.textContent ?? "");
  label.textContent = said;
  setTimeout(() => (label.textContent = before), SAID_FOR);
}

async function put(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // a page over plain HTTP from another machine has no clipboard
  }
}
