// What a program holds after a second of doing nothing; run with --expose-gc.
setTimeout(() => {
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  console.log(JSON.stringify({ heapBytes: heapUsed, rssBytes: rss }));
}, 1_000);
