// MySQL by the server side of mysql2: each statement is done after 10 ms.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const mysql = createRequire(join(process.cwd(), 'programs/'))('mysql2');
const DONE = { fieldCount: 0, affectedRows: 1, insertId: 0, serverStatus: 2, warningCount: 0 };
const HELLO = {
  protocolVersion: 10,
  serverVersion: '8.0.0',
  statusFlags: 2,
  characterSet: 8,
  capabilityFlags: 0xffffff,
};
const KEEPS_SSL_AND_COMPRESSION_OUT = 0xffffff ^ 0x800 ^ 0x20;
let connections = 0;

const server = mysql.createServer();
server.on('connection', (connection) => {
  connection.on('error', () => {});
  connection.serverHandshake({
    ...HELLO,
    capabilityFlags: KEEPS_SSL_AND_COMPRESSION_OUT,
    connectionId: ++connections,
  });
  connection.on('query', () => setTimeout(() => connection.writeOk(DONE), 10));
});
server.listen(0, '127.0.0.1');
server._server.on('listening', () => console.log(`ready ${server._server.address().port}`));
