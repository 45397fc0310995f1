/** Files that the reader gives: chosen in a field or dropped on the page. */

const LARGEST = 20 * 2 ** 20; // bytes, as much as the server takes

/** What becomes of the files, of which there is one at least. @typedef {(files: [File, ...File[]]) => void} Take */

/** @param {HTMLInputElement} field @param {Take} take */
export function onChosen(field, take) {
  field.addEventListener("change", () => {
    const files = [...(field.files ?? [])];
    field.value = ""; // so that the same file can be chosen again
    hand(files, take);
  });
}

/**
 * @param {EventTarget} target an element, which has the class "over" while something is above it, or the window
 * @param {Take} take
 */
export function onDropped(target, take) {
  const mark = (/** @type {boolean} */ over) => target instanceof Element && target.classList.toggle("over", over);
  target.addEventListener("dragover", (event) => {
    event.preventDefault(); // or else the browser opens what is dropped
    mark(true);
  });
  target.addEventListener("dragleave", () => mark(false));
  target.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(false);
    const { dataTransfer } = /** @type {DragEvent} */ (event);
    hand([...(dataTransfer?.files ?? [])], take);
  });
}

/** Throws an Error with what to do where the picture is too large. @param {Blob} picture */
export function checkSize(picture) {
  if (picture.size <= LARGEST) return;
  const name = picture instanceof File ? picture.name : "This picture";
  throw new Error(`${name} has more than 20 MB: choose a smaller one.`);
}

/** @param {File[]} files @param {Take} take */
function hand([first, ...others], take) {
  if (first) take([first, ...others]);
}
