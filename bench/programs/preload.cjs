// The time that loading the agent takes inside the process; argv: the agent's path, or nothing.
const start = performance.now();
if (process.argv[2]) require(process.argv[2]);
console.log(JSON.stringify({ preloadMs: performance.now() - start }));
