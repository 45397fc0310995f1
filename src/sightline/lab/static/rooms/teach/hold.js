/** A button that acts again and again while it is held. */

const PAUSE = 250; // milliseconds from one beginning to the next

/**
 * @param {HTMLButtonElement} button with an id, by which it is known when it is drawn anew meanwhile
 * @param {() => Promise<void>} act
 */
export function onHold(button, act) {
  let held = false;
  const repeat = async () => {
    while (held) {
      const began = performance.now();
      await act();
      await new Promise((done) => setTimeout(done, Math.max(0, PAUSE - (performance.now() - began))));
      if (!document.getElementById(button.id)) held = false;
    }
  };
  button.addEventListener("pointerdown", () => {
    held = true;
    const released = new AbortController();
    const release = () => {
      held = false;
      released.abort();
    };
    // On the window, for the button may be another one by then. A finger that scrolls ends with pointercancel.
    for (const end of ["pointerup", "pointercancel", "blur"]) {
      addEventListener(end, release, { signal: released.signal });
    }
    repeat();
  });
  button.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") act();
  });
}
