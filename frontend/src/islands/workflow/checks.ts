// Asks the station what is wrong, a moment after the last change; an answer that came too late is let go.

import { print } from "./json";
import type { Doc } from "./model";
import type { Problem } from "./problems";
import { look, said } from "./remote";

export class Checks {
  #timer = 0;
  #asking: AbortController | undefined;

  constructor(
    private readonly doc: () => Doc,
    private readonly found: (problems: Problem[]) => void,
    private readonly failed: (told: string) => void,
  ) {}

  /** In so many milliseconds, unless it is asked for again before. */
  soon(pause: number): void {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#ask(), pause);
  }

  async #ask(): Promise<void> {
    this.#asking?.abort();
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    try {
      const { problems } = await look({ document: print(this.doc(), 0) }, signal);
      if (!signal.aborted) this.found(problems);
    } catch (failure) {
      if (!signal.aborted) this.failed(said(failure));
    }
  }
}
