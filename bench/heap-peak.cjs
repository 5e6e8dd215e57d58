// Preloaded: prints the peak memory of the process as its last line of stderr.
process.on('exit', () => {
  require('node:fs').writeSync(2, `\npeak ${process.resourceUsage().maxRSS}\n`);
});
