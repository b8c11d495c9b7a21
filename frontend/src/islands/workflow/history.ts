// What was before: undo and redo. What is typed into one field in one go is one step back.

export class History<T> {
  #past: T[] = [];
  #future: T[] = [];
  #now: T;
  #key = "";
  #at = 0;

  constructor(
    now: T,
    private readonly most = 200,
    private readonly pause = 1500,
  ) {
    this.#now = now;
  }

  get now(): T {
    return this.#now;
  }

  get canUndo(): boolean {
    return this.#past.length > 0;
  }

  get canRedo(): boolean {
    return this.#future.length > 0;
  }

  /** `key`: what is typed into; changes of the same key soon after one another are one. Empty: never one. */
  push(next: T, key: string, at: number): void {
    if (next === this.#now) return;
    const joins = key !== "" && key === this.#key && at - this.#at < this.pause && this.#past.length > 0;
    if (!joins) this.#past.push(this.#now);
    if (this.#past.length > this.most) this.#past.shift();
    this.#future = [];
    this.#now = next;
    this.#key = key;
    this.#at = at;
  }

  undo(): T {
    const before = this.#past.pop();
    if (before !== undefined) {
      this.#future.push(this.#now);
      this.#now = before;
    }
    this.#key = "";
    return this.#now;
  }

  redo(): T {
    const after = this.#future.pop();
    if (after !== undefined) {
      this.#past.push(this.#now);
      this.#now = after;
    }
    this.#key = "";
    return this.#now;
  }

  /** Every document so far becomes another one: of what is no change of the person's. */
  change(by: (one: T) => T): void {
    this.#past = this.#past.map(by);
    this.#future = this.#future.map(by);
    this.#now = by(this.#now);
  }
}
