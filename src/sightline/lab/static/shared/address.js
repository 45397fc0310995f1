/** What the address holds of a room, behind its #, so that it can be kept and shared. */

export class Address {
  /**
   * @param {() => void} [onChange] the reader came with another one; not called for those that the room itself keeps
   */
  constructor(onChange) {
    this.own = location.hash;
    if (!onChange) return;
    addEventListener("hashchange", () => {
      if (location.hash !== this.own) onChange();
    });
  }

  get words() {
    return new URLSearchParams(location.hash.slice(1));
  }

  /** @param {URLSearchParams} words */
  keep(words) {
    this.own = `#${words}`;
    history.replaceState(null, "", this.own);
  }
}
