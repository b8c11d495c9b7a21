// Times in the reader's own zone, with the exact moment on hover. Without this script they stand there in UTC.

const shown = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const exact = new Intl.DateTimeFormat(undefined, {
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  timeZoneName: "short",
});

export function localTimes(root: ParentNode): void {
  for (const element of root.querySelectorAll<HTMLTimeElement>("time[datetime]")) {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    element.textContent = shown.format(moment);
    element.title = `${exact.format(moment)} · ${element.dateTime}`;
  }
}

// A moment that is typed without a zone is the reader's own: it is asked for as what it is in UTC, and shown as typed.

const typed = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d)?))?$/;
const asked = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const moments = "input[data-moment]";

export function localMoments(root: ParentNode): void {
  for (const zone of root.querySelectorAll("[data-zone]")) zone.textContent = shown.resolvedOptions().timeZone;
  for (const field of root.querySelectorAll<HTMLInputElement>(moments)) {
    if (asked.test(field.value)) field.value = plain(new Date(field.value));
  }
}

// A clock that somebody sets is meant to be their own: a new form begins with their zone, not with UTC.
export function ownZone(): void {
  const field = document.querySelector<HTMLInputElement>("form[data-own-zone] input[name=zone]");
  const { timeZone } = shown.resolvedOptions();
  if (!field || field.value || timeZone === "UTC") return;
  field.value = timeZone;
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

export function sendMoments(): void {
  document.addEventListener("formdata", (event) => {
    if (!(event.target instanceof HTMLFormElement)) return;
    for (const field of event.target.querySelectorAll<HTMLInputElement>(moments)) {
      const found = typed.exec(field.value.trim());
      const moment = found && new Date(`${found[1]}T${found[2] ?? "00:00"}`);
      if (moment && !Number.isNaN(moment.getTime())) event.formData.set(field.name, moment.toISOString());
    }
  });
}

function plain(moment: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const day = [moment.getFullYear(), two(moment.getMonth() + 1), two(moment.getDate())].join("-");
  const time = [moment.getHours(), moment.getMinutes(), ...(moment.getSeconds() ? [moment.getSeconds()] : [])];
  return `${day} ${time.map(two).join(":")}`;
}
