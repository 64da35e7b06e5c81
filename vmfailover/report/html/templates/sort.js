"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sortBy(table, heads, column));
    head.replaceChildren(button);
  });
}

function sortBy(table, heads, column) {
  const descending = heads[column].getAttribute("aria-sort") === "ascending";
  heads.forEach((head) => head.removeAttribute("aria-sort"));
  heads[column].setAttribute("aria-sort", descending ? "descending" : "ascending");
  const key = (row) => row.cells[column].dataset.key;
  const numeric = (text) => text !== "" && !Number.isNaN(Number(text));
  const rows = [...table.tBodies[0].rows].sort((one, other) => {
    const [a, b] = descending ? [key(other), key(one)] : [key(one), key(other)];
    return numeric(a) && numeric(b) ? Number(a) - Number(b) : a.localeCompare(b);
  });
  table.tBodies[0].append(...rows);
}
