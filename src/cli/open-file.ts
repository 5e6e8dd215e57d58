import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { InputError } from '../util/input-error.ts';
import { makeTemporaryFolder } from '../util/temporary-folder.ts';
import { complain } from './output.ts';

const OPENERS: Partial<Record<NodeJS.Platform, string[]>> = { darwin: ['open'], win32: ['explorer.exe'] };

/** Opens a file with the desktop's program for it; says so if there is none. */
export function openFile(file: string): void {
  const [command, ...args] = OPENERS[process.platform] ?? ['xdg-open'];
  const child = spawn(command!, [...args, file], { stdio: 'ignore', detached: true });
  child.on('error', () => complain(`No program to open it was found. Open ${file} in a browser.`));
  child.unref();
}

/**
 * A page that opens the installed speedscope with a profile in its format, in a folder for the user alone: openers drop
 * the part of an address that names the profile. Throws InputError if speedscope is not installed.
 */
export function speedscopePage(profile: string, name: string): string {
  const app = join(speedscopeFolder(), 'dist/release/index.html');
  const folder = makeTemporaryFolder('speedscope');
  const data = join(folder, 'profile.js');
  const text = `speedscope.loadFileFromBase64(${JSON.stringify(name)}, ${JSON.stringify(Buffer.from(profile).toString('base64'))});`;
  writeFileSync(data, text, { mode: 0o600 });
  const page = join(folder, 'open.html');
  const address = JSON.stringify(`${pathToFileURL(app).href}#localProfilePath=${data}`).replace(/</g, '\\u003c');
  writeFileSync(page, `<!doctype html><script>location.href=${address}</script>\n`, { mode: 0o600 });
  return page;
}

function speedscopeFolder(): string {
  for (const from of [join(process.cwd(), 'package.json'), import.meta.url]) {
    try {
      return dirname(createRequire(from).resolve('speedscope/package.json'));
    } catch {
      // Try the other place.
    }
  }
  throw new InputError('speedscope is not installed here. Add it with "npm i -D speedscope", or leave --viewer out.');
}
