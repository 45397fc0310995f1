/** Ways to give the network a picture: a file, the camera, a drawing. */

import { onChosen, onDropped } from "../../shared/files.js";
import { byId } from "../../shared/page.js";
import { Webcam } from "../../shared/webcam.js";
import { Pad } from "./pad.js";

/**
 * @param {import("../../shared/problem.js").Problem} problem
 * @param {(picture: Blob) => Promise<void>} onPicture
 * @param {((ink: Uint8Array<ArrayBuffer>, width: number) => Promise<void>) | null} onInk null: it reads no drawings
 */
export function offerGiving(problem, onPicture, onInk) {
  for (const id of ["file-label", "camera"]) byId(id, HTMLElement).hidden = false;
  onChosen(byId("file", HTMLInputElement), ([file]) => onPicture(file));
  onDropped(window, ([file]) => onPicture(file));
  offerCamera(problem, onPicture);
  if (onInk) offerPad(onInk);
}

/** @param {import("../../shared/problem.js").Problem} problem @param {(picture: Blob) => Promise<void>} onPicture */
function offerCamera(problem, onPicture) {
  const webcam = new Webcam(byId("video", HTMLVideoElement));
  byId("camera", HTMLButtonElement).addEventListener("click", async () => {
    if (webcam.on) webcam.stop();
    else await problem.attempt(() => webcam.start());
    byId("camera-place", HTMLElement).hidden = !webcam.on;
  });
  byId("shoot", HTMLButtonElement).addEventListener("click", async () => {
    const picture = await problem.attempt(() => webcam.shoot());
    if (picture) await onPicture(picture);
  });
}

/** @param {(ink: Uint8Array<ArrayBuffer>, width: number) => Promise<void>} onInk */
function offerPad(onInk) {
  const place = byId("pad-place", HTMLElement);
  const button = byId("draw", HTMLButtonElement);
  /** @type {Pad | null} made when it is first wanted */
  let pad = null;
  button.hidden = false;
  button.addEventListener("click", () => {
    place.hidden = !place.hidden;
    pad ??= new Pad(place, onInk);
    if (place.hidden) return;
    pad.canvas.focus({ preventScroll: true });
    place.scrollIntoView({ block: "nearest" });
  });
}
