'use strict';
/** Listens on a port of its own, says which, and ends the program when its time is over. */
exports.listen = (app) => {
  const server = app.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
  exports.endInTime();
  return server;
};
/** The runner says how long a program lives. */
exports.endInTime = () => setTimeout(() => process.exit(0), Number(process.env.RUN_MS));
