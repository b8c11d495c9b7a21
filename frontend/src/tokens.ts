// What proves to the station that a script's request comes from its own page. Forms carry it as a field of their own.

const HEADER = "X-CSRF-Token";

function pageToken(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? "";
}

export function sendTokens(): void {
  document.addEventListener("htmx:config:request", (event) => {
    if (event instanceof CustomEvent) event.detail.ctx.request.headers[HEADER] = pageToken();
  });
}
