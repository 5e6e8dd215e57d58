import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Get, logLine, type Route, runIfMain, withServer, withTempDir } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const TRANSFER_CLIENTS = 6;
const AUDIT_CLIENTS = 2;
const EVERY_MS = 300;
/** What the other office takes to confirm an entry. */
const CONFIRM_MS = 20;
/** Until then only transfers. */
const FIRST_AUDIT_MS = 1000;
/** The last requests start early enough to be answered. */
const LOAD_MS = 6000;
const RUN_MS = 6500;

/** A lock for asynchronous calls, taken in the order of asking. */
class Mutex {
  #held = false;
  #waiting: (() => void)[] = [];

  acquire(): Promise<void> {
    if (this.#held) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#held = true;
    return Promise.resolve();
  }

  /** Hands the lock to the next in line, if there is one. */
  release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#held = false;
    else next();
  }
}

/** Two accounts, each of them a file of entries. */
interface Bank {
  giro: Mutex;
  savings: Mutex;
  giroFile: string;
  savingsFile: string;
}

async function transfer({ giro, savings, giroFile, savingsFile }: Bank): Promise<string> {
  await giro.acquire();
  try {
    await appendFile(giroFile, `${logLine(1)}\n`);
    await delay(CONFIRM_MS);
    await savings.acquire(); // guilty
    try {
      await appendFile(savingsFile, `${logLine(2)}\n`);
    } finally {
      savings.release();
    }
  } finally {
    giro.release();
  }
  return 'transferred';
}

async function auditBackwards({ giro, savings, giroFile, savingsFile }: Bank): Promise<string> {
  await savings.acquire();
  try {
    const saved = await readFile(savingsFile);
    await delay(CONFIRM_MS);
    await giro.acquire(); // guilty
    try {
      return `${saved.length + (await readFile(giroFile)).length} bytes`;
    } finally {
      giro.release();
    }
  } finally {
    savings.release();
  }
}

/** Giro before savings, as everybody. */
async function auditInOrder({ giro, savings, giroFile, savingsFile }: Bank): Promise<string> {
  await giro.acquire();
  await savings.acquire();
  try {
    return `${(await readFile(savingsFile)).length + (await readFile(giroFile)).length} bytes`;
  } finally {
    savings.release();
    giro.release();
  }
}

function serve(audit: (bank: Bank) => ReturnType<Route>): Promise<Headline> {
  return withTempDir(async (dir) => {
    const giroFile = join(dir, 'giro.log');
    const savingsFile = join(dir, 'savings.log');
    const bank = { giro: new Mutex(), savings: new Mutex(), giroFile, savingsFile };
    await Promise.all([writeFile(giroFile, ''), writeFile(savingsFile, '')]);
    return withServer({ '/transfer': () => transfer(bank), '/audit': () => audit(bank) }, load);
  });
}

async function load(get: Get): Promise<Headline> {
  const startMs = performance.now();
  const waitingSinceMs = new Set<number>();
  let answered = 0;
  let slowestMs = 0;
  const client = async (path: string, firstMs: number) => {
    for (await delay(firstMs); performance.now() - startMs < LOAD_MS; await delay(EVERY_MS)) {
      const sentMs = performance.now();
      waitingSinceMs.add(sentMs);
      slowestMs = Math.max(slowestMs, await get(path));
      waitingSinceMs.delete(sentMs);
      answered++;
    }
  };
  const end = delay(RUN_MS);
  const transfers = Array.from({ length: TRANSFER_CLIENTS }, (_, i) => client('/transfer', i * 50));
  const audits = Array.from({ length: AUDIT_CLIENTS }, (_, i) => client('/audit', FIRST_AUDIT_MS + i * 150));
  await Promise.race([Promise.all([...transfers, ...audits]), end]);
  await end;
  const stuckMs = [...waitingSinceMs].map((ms) => performance.now() - ms);
  const what = `the slowest request, with ${answered} answered and ${stuckMs.length} waiting at the end,`;
  return { what, value: Math.max(slowestMs, ...stuckMs), unit: 'ms' };
}

export const lockOrderDeadlock: Scenario = {
  id: 'lock-order-deadlock',
  title: 'Two locks taken in opposite order',
  description:
    'A transfer locks giro, then savings; an audit locks savings, then giro. Once they meet, each waits for the other forever, and so does every later request.',
  expect: [{ rule: 'async-deadlock', kind: 'cycle' }],
  level: 'diagnose',
  broken: () => serve(auditBackwards),
  fixed: () => serve(auditInOrder),
};

runIfMain(import.meta.url, lockOrderDeadlock);
