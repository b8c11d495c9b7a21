// What every page runs: partial updates, times in the reader's zone, copy buttons, dialogs; and islands where there are any.

import htmx from "htmx.org";
import { copyButtons } from "./copying";
import { dialogs } from "./dialogs";
import { islands } from "./islands";
import { liveParts } from "./live";
import { fieldLinks, mapping, previewed, submitters } from "./mapping";
import { localMoments, localTimes, ownZone, sendMoments } from "./times";
import { sendTokens } from "./tokens";

function enliven(root: ParentNode): void {
  localTimes(root);
  localMoments(root);
  copyButtons(root);
  dialogs(root);
  islands(root);
  submitters(root);
  mapping(root);
}

document.documentElement.classList.add("scripted");
liveParts();
fieldLinks();
sendTokens();
sendMoments();
enliven(document);
// The preview that it changes listens from then on.
document.addEventListener("htmx:after:process", ownZone, { once: true });
document.addEventListener("htmx:after:swap", (event) => {
  previewed(event.target);
  enliven(document);
});
// Where a script puts in more of a page, it says so with this event.
document.addEventListener("hookstation:added", () => {
  htmx.process(document.body);
  enliven(document);
});
