// Debian's PostgreSQL: a cluster of its own in a temporary folder, in which everybody is trusted.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endWith, freePort } from './real.mjs';

const VERSIONS = '/usr/lib/postgresql';
const bin = existsSync(VERSIONS)
  ? readdirSync(VERSIONS).map((version) => join(VERSIONS, version, 'bin'))[0]
  : undefined;
const isRoot = process.getuid?.() === 0;

/** PostgreSQL refuses to run as root. */
function asOwner(file, args) {
  return isRoot ? ['setpriv', ['--reuid=postgres', '--regid=postgres', '--clear-groups', file, ...args]] : [file, args];
}

if (bin === undefined || !existsSync(join(bin, 'initdb'))) console.log('lacks PostgreSQL');
else {
  const folder = mkdtempSync(join(tmpdir(), 'field-postgres-'));
  if (isRoot) {
    const id = (flag) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
    chownSync(folder, id('-u'), id('-g'));
    chmodSync(folder, 0o700);
  }
  const data = join(folder, 'data');
  const port = await freePort();
  execFileSync(...asOwner(join(bin, 'initdb'), ['-D', data, '-A', 'trust', '-U', 'postgres', '--no-sync']), {
    stdio: ['ignore', 'ignore', 'inherit'],
    cwd: '/',
  });
  const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`, 'fsync=off'];
  const args = ['-D', data, ...settings.flatMap((setting) => ['-c', setting])];
  const postgres = spawn(...asOwner(join(bin, 'postgres'), args), { stdio: ['ignore', 'ignore', 'pipe'], cwd: '/' });
  endWith(postgres, () => rmSync(folder, { recursive: true, force: true }));
  postgres.stderr.setEncoding('utf8').on('data', (text) => {
    if (text.includes('ready to accept connections')) console.log(`ready ${port}`);
  });
}
