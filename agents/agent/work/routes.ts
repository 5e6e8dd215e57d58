/** Names of requests: the method and the route that the framework publishes, or the path without what looks like an id. */
import { NativeMap, NativeSet, NativeString } from '../../primordials.ts';

const NAME_LIMIT = 120;
const METHOD_LIMIT = 16;
/** Of an address, what is looked at: a longer one is no route. */
const PATH_LIMIT = 1024;
const MAX_SEGMENTS = 12;
/** Different names at one position of a path: an API has fewer, names of users and articles are more. */
const MAX_SIBLINGS = 40;
/** Positions that are remembered. */
const MAX_POSITIONS = 500;
/** Paths whose name is remembered. */
const MAX_KNOWN = 500;
const ID = ':id';

/** "order-12345", "INV_2024": digits in a row. */
const NUMBERED = 3;
const LONG = 32;
/** Of hexadecimal digits, and of letters and digits in a mix. */
const HEX_LENGTH = 7;
const MIXED_LENGTH = 16;
/** Not in the name of a route: an address, a session, something that is escaped. */
const ODD = '@:;=%,&!$()*+\'"<>|';
/** A file that carries its version. */
const VERSIONED_LENGTH = 12;

const isDigit = (char: string): boolean => char >= '0' && char <= '9';
const isLetter = (char: string): boolean => (char >= 'a' && char <= 'z') || (char >= 'A' && char <= 'Z');
const isHex = (char: string): boolean => isDigit(char) || (char >= 'a' && char <= 'f') || (char >= 'A' && char <= 'F');

/** Whether a part of a path is one of many. Without regular expressions: see handle-types.ts. */
export function isIdLike(part: string): boolean {
  const { length } = part;
  if (length >= LONG) return true;
  let digits = 0;
  let inRow = 0;
  let letters = 0;
  let hexes = 0;
  let others = 0;
  for (let i = 0; i < length; i++) {
    const char = part[i]!;
    if (ODD.includes(char)) return true;
    inRow = isDigit(char) ? inRow + 1 : 0;
    if (inRow === NUMBERED) return true;
    if (inRow > 0) digits++;
    else if (isLetter(char)) letters++;
    else if (char !== '_' && char !== '~' && char !== '-') others++;
    if (isHex(char)) hexes++;
  }
  if (digits === 0) return false;
  if (digits === length || (hexes === length && length >= HEX_LENGTH)) return true;
  return (others === 0 && letters > 0 && length >= MIXED_LENGTH) || (length >= VERSIONED_LENGTH && hasVersion(part));
}

/** "app.3f2a9c1b.js": between two of "." and "-" hexadecimal digits alone, one of them a number. */
function hasVersion(part: string): boolean {
  let isOpen = false;
  let digits = 0;
  for (let i = 0; i < part.length; i++) {
    const char = part[i]!;
    if (char === '.' || char === '-') {
      if (isOpen && digits > 0) return true;
      isOpen = true;
      digits = 0;
    } else if (!isHex(char)) isOpen = false;
    else if (isDigit(char)) digits++;
  }
  return false;
}

/** Folds paths: what looks like an id, and what has too many siblings, is `:id`. */
export function createFolding() {
  const siblings = new NativeMap<string, Set<string> | null>();
  const known = new NativeMap<string, string>();

  const isOneOfMany = (parent: string, part: string): boolean => {
    const others = siblings.get(parent);
    if (others === null) return true;
    if (others === undefined) {
      if (siblings.size >= MAX_POSITIONS) return true;
      siblings.set(parent, new NativeSet([part]));
      return false;
    }
    if (others.has(part)) return false;
    if (others.size < MAX_SIBLINGS) {
      others.add(part);
      return false;
    }
    siblings.set(parent, null);
    known.clear();
    return true;
  };

  const fold = (path: string): string => {
    let folded = '';
    const parts = path.split('/');
    for (let i = 1; i < parts.length; i++) {
      const part = parts[i]!;
      if (i > MAX_SEGMENTS) return `${folded}/…`;
      folded += `/${part !== '' && (isIdLike(part) || isOneOfMany(folded, part)) ? ID : part}`;
    }
    return folded;
  };

  return (path: string): string => {
    const cached = known.get(path);
    if (cached !== undefined) return cached;
    const folded = fold(path) || '/';
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(path, folded);
    return folded;
  };
}

/** Of the address of a request: without host, query and fragment. */
export function pathOf(url: string): string {
  let end = url.length < PATH_LIMIT ? url.length : PATH_LIMIT;
  for (let i = 0; i < end; i++) {
    const char = url[i];
    if (char === '?' || char === '#') end = i;
  }
  if (url[0] === '/') return url.slice(0, end);
  // To a proxy: "http://user:password@host/path".
  const host = url.indexOf('://');
  const path = host < 0 ? -1 : url.indexOf('/', host + '://'.length);
  return path < 0 || path >= end ? '/' : url.slice(path, end);
}

type Text = string | undefined;

/** As `node:http` has it, and what Express adds: `route` is the one that matched, below the address of its router. */
interface RequestLike {
  method?: unknown;
  url?: unknown;
  originalUrl?: unknown;
  baseUrl?: unknown;
  route?: { path?: unknown } | null;
  /** Of HTTP/2: the headers. */
  ':method'?: unknown;
  ':path'?: unknown;
}

const text = (value: unknown): Text => (typeof value === 'string' ? value : undefined);

/** Names requests, `status` once it is known. */
export function createRoutes(fold = createFolding()) {
  const published = (request: RequestLike): Text => {
    const path = text(request.route?.path);
    if (path === undefined || path[0] !== '/') return path === '*' ? '*' : undefined;
    const base = text(request.baseUrl) ?? '';
    // The router's own address is that of the request: it has the values of its parameters.
    const below = base === '' ? '' : fold(base);
    return path === '/' && below !== '' ? below : below + path;
  };
  const pathIn = (request: RequestLike): string =>
    pathOf(text(request.originalUrl) ?? text(request.url) ?? text(request[':path']) ?? '/');

  return (request: object, pattern: string | null, status: number): string => {
    const known = request as RequestLike;
    const method = (text(known.method) ?? text(known[':method']) ?? '').slice(0, METHOD_LIMIT);
    const route = pattern ?? published(known);
    // Whoever looks for holes asks for everything.
    const path = route ?? (status === 404 ? '(not found)' : fold(pathIn(known)));
    return NativeString(`${method} ${path}`).slice(0, NAME_LIMIT);
  };
}
