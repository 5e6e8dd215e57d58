import { closeSync, fchmodSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** The size of a profile with some 50 000 functions; a larger one is not kept. */
const MAX_BYTES = 8 << 20;
/** Per recording: then the oldest is overwritten. */
const MAX_FILES = 4;

/** Keeps the latest profiles beside a recording, each readable by its owner only. */
export function createProfileFiles(folder: () => string | null): (profile: object) => string | null {
  let count = 0;
  return (profile) => {
    const text = JSON.stringify(profile);
    const path = folder();
    if (path === null || text.length > MAX_BYTES) return null;
    const name = `allocations-${(count % MAX_FILES) + 1}.heapprofile`;
    try {
      writePrivate(join(path, name), text);
    } catch {
      // A full disk: the row has what matters.
      return null;
    }
    count++;
    return name;
  };
}

function writePrivate(path: string, text: string): void {
  const file = openSync(path, 'w', 0o600);
  try {
    fchmodSync(file, 0o600);
    const bytes = Buffer.from(text);
    for (let offset = 0; offset < bytes.length; ) offset += writeSync(file, bytes, offset);
  } finally {
    closeSync(file);
  }
}
