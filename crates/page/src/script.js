
(() => {
  "use strict";
  const PAGE = 100;
  const body = document.getElementById("rows");
  const filters = document.getElementById("filters");
  if (!body || !filters) return;

  // One table of all rules: what was folded for want of a script comes in, hidden until its page is shown.
  const rest = document.getElementById("rest");
  const rows = Array.from(body.rows);
  if (rest) {
    const more = document.createDocumentFragment();
    for (const row of Array.from(rest.querySelector("tbody").rows)) {
      row.hidden = true;
      more.append(row);
      rows.push(row);
    }
    rest.remove();
    body.append(more);
  }
  const texts = rows.map((row) => Array.from(row.cells, (cell) => cell.textContent).join(" ").toLowerCase());

  const find = document.getElementById("find");
  const boxes = Array.from(filters.querySelectorAll("input[type=checkbox]"));
  const shown = document.getElementById("shown");
  const pages = document.getElementById("pages");
  const page = document.getElementById("page");
  const prev = document.getElementById("prev");
  const next = document.getElementById("next");
  const number = (n) => n.toLocaleString("en");
  let fits = [];
  let visible = rows.filter((row) => !row.hidden);
  let at = 0;

  const show = () => {
    const last = Math.max(0, Math.ceil(fits.length / PAGE) - 1);
    at = Math.min(Math.max(at, 0), last);
    for (const row of visible) row.hidden = true;
    visible = fits.slice(at * PAGE, (at + 1) * PAGE);
    for (const row of visible) row.hidden = false;
    const from = at * PAGE;
    shown.textContent = fits.length === 0
      ? `No ${body.dataset.one} fits.`
      : `${body.dataset.many} ${number(from + 1)} to ${number(from + visible.length)} of ${number(fits.length)}` +
        (fits.length < rows.length ? `, out of ${number(rows.length)} in all.` : ".");
    page.textContent = `Page ${number(at + 1)} of ${number(last + 1)}`;
    pages.hidden = last === 0;
    // Not "disabled": that would take the focus away from who pages by keyboard.
    prev.setAttribute("aria-disabled", String(at === 0));
    next.setAttribute("aria-disabled", String(at === last));
  };

  const filter = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    fits = rows.filter((row, index) =>
      wanted.has(row.dataset.v) && words.every((word) => texts[index].includes(word)));
    at = 0;
    show();
  };

  find.addEventListener("input", filter);
  find.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && find.value) {
      find.value = "";
      filter();
    }
  });
  for (const box of boxes) box.addEventListener("change", filter);
  prev.addEventListener("click", () => { at -= 1; show(); });
  next.addEventListener("click", () => { at += 1; show(); });
  filters.hidden = false;
  filter();
})();
