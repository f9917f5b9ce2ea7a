/** Search and order of the package table: all that the page does by itself. It only hides and moves rows that are there. */
export const SCRIPT = `
'use strict';
(() => {
  const table = document.getElementById('packages');
  const search = document.getElementById('search');
  const count = document.getElementById('count');
  if (!table || !search || !count) return;
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const show = () => {
    const words = search.value.toLowerCase().split(/\\s+/).filter((word) => word !== '');
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      if (!row.hidden) shown += 1;
    }
    count.textContent = shown + ' of ' + rows.length;
  };
  search.addEventListener('input', show);
  let last = -1;
  let direction = 1;
  Array.from(table.tHead.rows[0].cells).forEach((cell, column) => {
    cell.querySelector('button').addEventListener('click', () => {
      const isNumber = cell.classList.contains('number');
      direction = last === column ? -direction : isNumber ? -1 : 1;
      last = column;
      const value = (row) => row.cells[column].dataset.value || row.cells[column].textContent;
      rows.sort((a, b) => direction * (isNumber ? value(a) - value(b) : value(a).localeCompare(value(b))));
      body.append(...rows);
    });
  });
  show();
})();
`;
