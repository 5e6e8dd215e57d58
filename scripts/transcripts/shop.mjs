// Renders carts, and waits for a slow database now and then.
import { setTimeout as sleep } from 'node:timers/promises';
import { profile } from 'evdiag';

const db = { find: (id) => sleep(id, { id, price: id * 3 }) };

function render(item) {
  let html = '';
  for (let i = 0; i < 200_000; i++) html += `<td>${item.price + i}</td>`.slice(0, 6);
  return html.length;
}

async function loadItem(id) {
  const item = await db.find(8 + id);
  return render(item);
}

async function showCart() {
  const cart = await db.find(40);
  return Promise.all([1, 2, 3].map((n) => loadItem(cart.id + n)));
}

console.log(String(await profile(showCart)));
