// Which lines of the list are picked, to do something with all of them at once.

export class Picks {
  constructor(changed) {
    this.changed = changed;
    this.ids = new Set();
    this.last = null; // Where a range begins.
  }

  get size() {
    return this.ids.size;
  }

  has(id) {
    return this.ids.has(id);
  }

  toggle(id) {
    if (!this.ids.delete(id)) this.ids.add(id);
    this.last = id;
    this.changed();
  }

  /** Everything of `shown` from the last picked one to `id`. */
  reach(id, shown) {
    const [from, to] = [shown.indexOf(this.last), shown.indexOf(id)];
    if (from < 0 || to < 0) return this.toggle(id);
    shown.slice(Math.min(from, to), Math.max(from, to) + 1).forEach((each) => this.ids.add(each));
    this.last = id;
    this.changed();
  }

  clear() {
    if (this.size === 0) return;
    this.ids.clear();
    this.last = null;
    this.changed();
  }
}
