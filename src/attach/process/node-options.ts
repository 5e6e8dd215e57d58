/** What a process was told on its command line and by NODE_OPTIONS (Linux). */
import { readFileSync } from 'node:fs';

export interface NodeOptions {
  /** Options of Node, without values that follow as words of their own. */
  options: string[];
  /** Where SIGUSR1 opens the inspector; 0: at any free port. */
  inspectHost: string;
  inspectPort: number;
}

/** Options whose value may be the next word. */
const WITH_VALUE =
  /^(-r|--require|--import|--loader|--experimental-loader|-C|--conditions|-e|--eval|-p|--print|--inspect-port|--debug-port|--env-file|--title|--icu-data-dir|--input-type|--redirect-warnings|--snapshot-blob)$/;
const DEFAULT_PORT = 9229;

export function nodeOptionsOf(pid: number): NodeOptions {
  const options = [...fromEnvironment(pid), ...fromWords(argvOf(pid).slice(1))];
  let inspectHost = '127.0.0.1';
  let inspectPort = DEFAULT_PORT;
  for (const option of options) {
    const value = /^--(?:inspect(?:-port|-brk|-wait)?|debug-port)=(.+)$/.exec(option)?.[1];
    if (!value) continue;
    const [, host, port] = /^(?:(.*):)?(\d+)$/.exec(value) ?? [null, value, undefined];
    if (host) inspectHost = host;
    if (port !== undefined) inspectPort = Number(port);
  }
  return { options, inspectHost, inspectPort };
}

/** Empty for the kernel's own, for a zombie, and where nobody tells. */
export function argvOf(pid: number): string[] {
  return wordsOf(`/proc/${pid}/cmdline`);
}

function fromEnvironment(pid: number): string[] {
  const entry = wordsOf(`/proc/${pid}/environ`).find((one) => one.startsWith('NODE_OPTIONS='));
  return entry ? fromWords(entry.slice('NODE_OPTIONS='.length).trim().split(/\s+/)) : [];
}

/** Those before the script; "--port 1" as "--port=1". */
function fromWords(words: string[]): string[] {
  const options: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (!word.startsWith('-') || word === '--' || word === '-') break;
    if (WITH_VALUE.test(word)) options.push(`${word}=${words[++i] ?? ''}`);
    else options.push(word);
  }
  return options;
}

function wordsOf(path: string): string[] {
  try {
    const text = readFileSync(path, 'utf8');
    return text === '' ? [] : text.replace(/\0$/, '').split('\0');
  } catch {
    return [];
  }
}
