// A click on a heading sorts its table; a second click turns the order round.
for (const button of document.querySelectorAll("thead button")) {
  button.addEventListener("click", () => {
    const heading = button.closest("th");
    const table = button.closest("table");
    const column = [...heading.parentNode.children].indexOf(heading);
    const up = heading.getAttribute("aria-sort") !== "ascending";
    for (const each of heading.parentNode.children) each.setAttribute("aria-sort", "none");
    heading.setAttribute("aria-sort", up ? "ascending" : "descending");
    const body = table.tBodies[0];
    const key = (row) => row.children[column].dataset.key;
    const text = (row) => row.children[column].textContent;
    const way = up ? 1 : -1;
    const order = (a, b) => {
      const [x, y] = [key(a), key(b)];
      if (x !== undefined && y !== undefined) return way * (x - y);
      if (x !== undefined || y !== undefined) return x === undefined ? 1 : -1; // unknown: last
      return way * text(a).localeCompare(text(b), undefined, { numeric: true });
    };
    body.append(...[...body.rows].sort(order));
  });
}
// Paper shows everything.
addEventListener("beforeprint", () => {
  for (const each of document.querySelectorAll("details")) each.open = true;
});
