"use strict";
// The page says everything without this script; it sorts, opens, points and plays. Nothing is loaded, nothing is sent.

document.documentElement.classList.add("scripted");
for (const waiting of document.querySelectorAll("[hidden]")) waiting.hidden = false;

// A click on the heading of a column sorts the table by it; again, the other way round.
function sortable(table) {
  const headings = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  const limit = body.querySelectorAll("tr:not(.beyond)").length;
  const sort = (column, direction) => {
    const key = (row) => row.cells[column].dataset.value;
    const compare = (a, b) =>
      key(a) === undefined
        ? a.cells[column].textContent.localeCompare(b.cells[column].textContent, undefined, { numeric: true })
        : key(a) - key(b);
    const rows = [...body.rows].sort((a, b) => direction * compare(a, b));
    rows.forEach((row, place) => row.classList.toggle("beyond", place >= limit && !table.classList.contains("whole")));
    body.append(...rows);
  };
  headings.forEach((heading, column) => {
    if (heading.localName !== "th") return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const before = heading.getAttribute("aria-sort");
      const ascending = before ? before === "descending" : column === 0;
      for (const other of headings) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      sort(column, ascending ? 1 : -1);
    });
  });
  const all = table.parentElement.querySelector(".all");
  all?.addEventListener("click", () => {
    table.classList.add("whole");
    for (const row of body.rows) row.classList.remove("beyond");
    all.remove();
  });
}

// A cell of the confusion matrix opens its images below, without a jump. The arrow keys go from cell to cell.
function cells(panel) {
  const links = [...panel.parentElement.querySelectorAll('a[href^="#cell-"]')];
  const open = (link) => {
    for (const figure of panel.children) figure.classList.toggle("open", `#${figure.id}` === link.hash);
    for (const other of links) {
      other.tabIndex = other === link || other.closest("table").classList.contains("matrix-pairs") ? 0 : -1;
      other.classList.toggle("chosen", other === link);
      if (other === link) other.setAttribute("aria-current", "true");
      else other.removeAttribute("aria-current");
    }
  };
  const place = (link) => [link.closest("tr").rowIndex, link.closest("td").cellIndex];
  const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  for (const link of links) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      open(link);
    });
    link.addEventListener("keydown", (event) => {
      const step = steps[event.key];
      if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
      const [row, column] = place(link);
      const ahead = links.filter((other) => {
        const [r, c] = place(other);
        return step[0] ? c === column && (r - row) * step[0] > 0 : r === row && (c - column) * step[1] > 0;
      });
      const distance = (other) => Math.abs(place(other)[0] - row) + Math.abs(place(other)[1] - column);
      const next = ahead.sort((a, b) => distance(a) - distance(b))[0];
      if (!next) return;
      event.preventDefault();
      for (const other of links) other.tabIndex = other === next ? 0 : -1;
      next.focus();
    });
  }
  const first =
    links.find((link) => link.hash === location.hash) ?? links.find((link) => link.hash === `#${panel.children[0].id}`);
  if (first) open(first);
}

// The map: the image under the pointer, or the one that the arrow keys have come to, is shown large and in words.
function map(figure) {
  const field = figure.querySelector(".field");
  const images = [...field.querySelectorAll(".sprite")];
  const pointed = figure.parentElement.querySelector(".pointed");
  const [large, words] = pointed.children;
  let current = null;
  const show = (image) => {
    current?.classList.remove("current");
    current = image;
    current.classList.add("current");
    for (const name of ["--x", "--y"]) large.style.setProperty(name, image.style.getPropertyValue(name));
    large.classList.add("filled");
    words.textContent = image.dataset.words;
  };
  for (const image of images) {
    image.dataset.words = image.title;
    image.removeAttribute("title");
    image.addEventListener("pointerenter", () => show(image));
    image.addEventListener("click", () => show(image));
  }
  field.tabIndex = 0;
  field.setAttribute("role", "group");
  field.setAttribute("aria-label", "Map of test images. The arrow keys go from image to image.");
  const place = (image) => [parseFloat(image.style.left), parseFloat(image.style.top)];
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  field.addEventListener("focus", () => current ?? show(images[0]));
  field.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    if (!step || !current) return;
    event.preventDefault();
    const [x, y] = place(current);
    let best = null;
    let least = Infinity;
    for (const image of images) {
      if (image.classList.contains("faded")) continue;
      const [dx, dy] = [place(image)[0] - x, place(image)[1] - y];
      const along = dx * step[0] + dy * step[1];
      const across = Math.abs(dx * step[1]) + Math.abs(dy * step[0]);
      const cost = along + 3 * across;
      if (along > 0.01 && across <= 2 * along && cost < least) [best, least] = [image, cost];
    }
    if (best) show(best);
  });
  figure.parentElement.querySelector(".of-class").addEventListener("change", (event) => {
    const wanted = event.target.value;
    for (const image of field.children)
      image.classList.toggle("faded", wanted !== "" && image.dataset.class !== wanted);
  });
}

// The time machine: a slider and buttons choose the frame that every film shows.
function machine(stage) {
  const slider = stage.querySelector("input");
  const label = stage.querySelector("output");
  const [back, play, forth] = stage.querySelectorAll("button");
  const answers = stage.querySelectorAll(".answer");
  const epochs = slider.dataset.epochs.split(" ");
  const last = epochs.length - 1;
  let timer = 0;
  const show = (frame) => {
    slider.value = Math.max(0, Math.min(last, frame));
    const words = `epoch ${epochs[slider.value]}`;
    stage.style.setProperty("--frame", slider.value);
    slider.setAttribute("aria-valuetext", words);
    label.textContent = words;
    for (const answer of answers) answer.textContent = JSON.parse(answer.dataset.answers)[slider.value];
  };
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    play.textContent = "Play";
  };
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  slider.addEventListener("input", () => {
    stop();
    show(+slider.value);
  });
  back.addEventListener("click", () => {
    stop();
    show(+slider.value - 1);
  });
  forth.addEventListener("click", () => {
    stop();
    show(+slider.value + 1);
  });
  play.addEventListener("click", () => {
    if (timer) return stop();
    if (+slider.value === last) show(0);
    play.textContent = "Pause";
    timer = setInterval(() => {
      show(+slider.value + 1);
      if (+slider.value === last) stop();
    }, 600);
  });
  const calm = () => {
    play.hidden = still.matches;
    if (still.matches) stop();
  };
  still.addEventListener("change", calm);
  calm();
  show(last);
}

document.querySelectorAll("table.sortable").forEach(sortable);
document.querySelectorAll(".cells").forEach(cells);
document.querySelectorAll(".map").forEach(map);
document.querySelectorAll(".machine:has(input)").forEach(machine);

// On paper there is nothing to open.
addEventListener("beforeprint", () => {
  for (const closed of document.querySelectorAll("details:not([open])")) {
    closed.open = true;
    closed.dataset.shut = "";
  }
});
addEventListener("afterprint", () => {
  for (const closed of document.querySelectorAll("details[data-shut]")) {
    closed.open = false;
    delete closed.dataset.shut;
  }
});
