import type { KindText } from './types.ts';

/** The words of each kind of stall: what it is, what to change, the sick line and its cure. */
export const KIND_TEXTS: readonly KindText[] = [
  {
    kind: 'js-cpu',
    title: 'JavaScript computation',
    remedy:
      'Move the computation to a worker thread (piscina, node:worker_threads), or do it in pieces with setImmediate between them.',
    example:
      'const sum = add(numbers);            // blocks\nconst sum = await pool.run(numbers); // a worker computes',
  },
  {
    kind: 'sync-fs',
    title: 'synchronous file access',
    remedy: 'Use the promise form from node:fs/promises; read what never changes once, at start.',
    example:
      "const text = fs.readFileSync(path, 'utf8');   // blocks\nconst text = await fsp.readFile(path, 'utf8'); // the thread pool waits",
  },
  {
    kind: 'sync-child-process',
    title: 'a synchronous child process',
    remedy: 'Use execFile or spawn (promisified) and await the result.',
    example:
      "execFileSync('convert', args);        // blocks until it ends\nawait promisify(execFile)('convert', args);",
  },
  {
    kind: 'sync-crypto',
    title: 'synchronous cryptography',
    remedy:
      'Use the asynchronous form (crypto.pbkdf2, crypto.scrypt, crypto.generateKeyPair): it runs on the thread pool.',
    example:
      'const key = scryptSync(password, salt, 64);            // blocks\nconst key = await promisify(scrypt)(password, salt, 64);',
  },
  {
    kind: 'sync-zlib',
    title: 'synchronous compression',
    remedy: 'Use the asynchronous form (promisify(zlib.gzip)) or a stream (zlib.createGzip) with pipeline.',
    example: 'res.end(gzipSync(body));              // blocks\nawait pipeline(source, createGzip(), res);',
  },
  {
    kind: 'sync-sleep',
    title: 'a synchronous sleep',
    remedy: "Await setTimeout from 'node:timers/promises' instead of blocking the thread.",
    example:
      'Atomics.wait(cell, 0, 0, 300);        // nothing else runs\nawait setTimeout(300);                // everything else runs',
  },
  {
    kind: 'sync-database',
    title: 'a synchronous database call',
    remedy: 'Run the query in a worker thread, or use an asynchronous driver.',
    example: 'const rows = statement.all();         // blocks\nconst rows = await worker.run(query);',
  },
  {
    kind: 'native-addon',
    title: 'a synchronous call of a native add-on',
    remedy:
      'Use the asynchronous form of that function where the package has one, otherwise call it in a worker thread (piscina, node:worker_threads).',
    example:
      'const hash = bcrypt.hashSync(password, 12);   // blocks\nconst hash = await bcrypt.hash(password, 12); // the thread pool computes',
  },
  {
    kind: 'sync-stdio',
    title: 'synchronous writes to stdout or stderr',
    remedy:
      'Log less in hot paths, and through a buffered, asynchronous logger (pino with sonic-boom, sync: false): console.log to a file or pipe is synchronous.',
    example:
      'console.log(line);                    // a system call each\nlogger.info(line);                    // buffered, written later',
  },
  {
    kind: 'json',
    title: 'JSON.parse or JSON.stringify of a large value',
    remedy:
      'Send less, page it, or use a streaming format (newline-delimited JSON); otherwise parse in a worker thread.',
    example:
      'JSON.parse(body);                     // tens of MB: blocks\nfor await (const line of lines) use(JSON.parse(line));',
  },
  {
    kind: 'regexp',
    title: 'a regular expression that backtracks',
    remedy:
      'Rewrite the pattern without nested quantifiers, bound the length of the input first, or use a linear-time engine (re2).',
    example:
      '/^(a+)+$/.test(input);                // exponential\n/^a+$/.test(input);                   // linear, the same language',
  },
  {
    kind: 'gc',
    title: 'garbage collection',
    remedy:
      'Allocate less at this place, keep fewer objects alive, or give the heap more room (--max-old-space-size, --max-semi-space-size).',
    example:
      'rows.map(copy).filter(keep).map(out); // three arrays of copies\nfor (const row of rows) if (keep(row)) write(row);',
  },
  {
    kind: 'module-load',
    title: 'loading modules',
    remedy: 'Load the module at start, before the server listens, not on the first request.',
    example:
      "app.get('/pdf', (req, res) => require('heavy').render(res)); // the first request waits\nconst heavy = require('heavy');                               // at start",
  },
  {
    kind: 'host',
    title: 'a busy host',
    remedy:
      'Give the process a core of its own, raise the CPU limit of the container, or run fewer processes on this machine.',
    example: 'resources: { limits: { cpu: 500m } }  # throttled half of each period',
  },
];

/** Kinds that are a call: what it is and where it was made is known, so it is the cause of everything that waits for it. */
export const CALL_KINDS: readonly string[] = KIND_TEXTS.map(({ kind }) => kind).filter(
  (kind) => !['js-cpu', 'gc', 'host', 'module-load'].includes(kind),
);
