// A dialog opens over the page instead of standing in it, and what has to be typed is compared while it is typed.
// Without this script the dialog is a part of the page, and the server compares.

export function dialogs(root: ParentNode): void {
  for (const opener of root.querySelectorAll<HTMLAnchorElement>("a[data-dialog]:not([data-ready])")) {
    const dialog = document.getElementById(opener.dataset["dialog"] ?? "");
    if (!(dialog instanceof HTMLDialogElement)) continue;
    opener.dataset["ready"] = "";
    opener.addEventListener("click", (event) => {
      event.preventDefault();
      dialog.showModal();
    });
    for (const closer of dialog.querySelectorAll("[data-close]")) {
      closer.addEventListener("click", (event) => {
        event.preventDefault();
        dialog.close();
      });
    }
    typedConfirmation(dialog);
  }
}

function typedConfirmation(dialog: HTMLDialogElement): void {
  const field = dialog.querySelector<HTMLInputElement>("input[data-must-be]");
  const submit = dialog.querySelector<HTMLButtonElement>("button[type=submit]");
  if (!field || !submit) return;
  const compare = (): void => {
    submit.disabled = field.value !== field.dataset["mustBe"];
  };
  field.addEventListener("input", compare);
  compare();
}
