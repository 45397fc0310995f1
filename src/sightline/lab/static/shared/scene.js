/** A picture made by a few lines, so that there is something to filter: hills, a house, a fence, a chequered path. */

/** @param {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} context */
export function drawScene(context) {
  const { width, height } = context.canvas;
  context.save();
  context.scale(width / 320, height / 240);
  const fill = (/** @type {string | CanvasGradient} */ style, /** @type {[number, number][]} */ ...points) => {
    context.fillStyle = style;
    context.beginPath();
    points.forEach(([x, y]) => context.lineTo(x, y));
    context.fill();
  };
  const box = (
    /** @type {string} */ style,
    /** @type {number} */ x,
    /** @type {number} */ y,
    /** @type {number} */ w,
    /** @type {number} */ h,
  ) => fill(style, [x, y], [x + w, y], [x + w, y + h], [x, y + h]);
  const sky = context.createLinearGradient(0, 0, 0, 150);
  sky.addColorStop(0, "#4f86c6");
  sky.addColorStop(1, "#f3d9b1");
  box("#4f86c6", 0, 0, 320, 240);
  fill(sky, [0, 0], [320, 0], [320, 150], [0, 150]);
  context.fillStyle = "#ffe9a8";
  context.beginPath();
  context.arc(250, 52, 22, 0, 7);
  context.fill();
  fill("#5f7a8c", [0, 150], [0, 110], [60, 62], [110, 112], [150, 84], [210, 150]);
  fill("#48657a", [120, 150], [200, 78], [250, 120], [290, 96], [320, 116], [320, 150]);
  const grass = context.createLinearGradient(0, 150, 0, 240);
  grass.addColorStop(0, "#7a9a4b");
  grass.addColorStop(1, "#46652c");
  fill(grass, [0, 150], [320, 150], [320, 240], [0, 240]);
  box("#e7dcc8", 60, 118, 84, 62);
  fill("#a8402f", [50, 120], [102, 82], [154, 120]);
  box("#5b3a29", 94, 146, 18, 34);
  for (const x of [70, 120]) {
    box("#2e4a62", x, 128, 16, 16);
    box("#e7dcc8", x + 7, 128, 2, 16);
    box("#e7dcc8", x, 135, 16, 2);
  }
  for (let x = 176; x < 320; x += 12) box("#f4efe6", x, 152, 5, 30);
  box("#f4efe6", 172, 158, 148, 4);
  box("#f4efe6", 172, 171, 148, 4);
  for (let row = 0; row < 6; row += 1) {
    for (let column = 0; column < 8; column += 1)
      box((row + column) % 2 ? "#d8cbb3" : "#8d7f68", 96 + (column - 4) * (7 + 2 * row), 184 + row * 9, 7 + 2 * row, 9);
  }
  context.restore();
}
