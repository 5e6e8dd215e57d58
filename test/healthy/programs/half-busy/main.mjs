// A server that renders for about 5 ms per request and is asked again as soon as it has rested for as long:
// its loop is used to about a half, in small pieces.
import http from 'node:http';

const RENDER_MS = 5;
const WARM_UP_ROWS = 20_000;

function escapeHtml(text) {
  return text.replace(/[&<>"]/g, (mark) => `&#${mark.charCodeAt(0)};`);
}

function renderTable(rows) {
  let html = '<table>';
  for (let row = 0; row < rows; row++) {
    html += `<tr><td>${row}</td><td>${escapeHtml(`"name" <${row}>`)}</td><td>${(row * 1.19).toFixed(2)}</td></tr>`;
  }
  return `${html}</table>`;
}

/** How many rows take RENDER_MS on this machine. */
function rowsThatFit() {
  renderTable(WARM_UP_ROWS);
  const startMs = performance.now();
  renderTable(WARM_UP_ROWS);
  return Math.round((WARM_UP_ROWS * RENDER_MS) / (performance.now() - startMs));
}

const rows = rowsThatFit();
const server = http.createServer((_request, response) => {
  response.setHeader('content-type', 'text/html').end(renderTable(rows));
});
server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
process.once('SIGTERM', () => server.close());
