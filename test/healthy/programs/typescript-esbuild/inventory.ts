import { setTimeout as delay } from 'node:timers/promises';

export interface Item {
  id: number;
  name: string;
  inStock: number;
}

/** Items that a database would hold. */
export class Inventory {
  readonly #items: Item[];

  constructor(size: number) {
    this.#items = Array.from({ length: size }, (_, id) => ({ id, name: `item ${id}`, inStock: (id * 7) % 90 }));
  }

  async find(id: number): Promise<Item> {
    await delay(3);
    return this.#items[id % this.#items.length]!;
  }

  async summary(): Promise<{ items: number; inStock: number; scarce: string[] }> {
    await delay(5);
    const scarce = this.#items.filter(({ inStock }) => inStock < 5).map(({ name }) => name);
    return { items: this.#items.length, inStock: this.#items.reduce((sum, item) => sum + item.inStock, 0), scarce };
  }
}
