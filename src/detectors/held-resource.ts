/** What calls wait for, in a word. Names of packages choose words here, and nothing else. */
import { packageNameOf } from '../recording/places.ts';
import type { HeldLimit } from './held-limits.ts';

export type Resource = 'connection' | 'lock' | 'slot';

const CONNECTIONS =
  /pool|tarn|knex|sequelize|typeorm|prisma|drizzle|kysely|pg|postgres|mysql|maria|mssql|tedious|mongo|redis|undici|agent/i;
const LOCKS = /lock|mutex/i;

export function resourceOf({ madeIn, acquiredAt, nested, waiters }: HeldLimit): Resource {
  const files = [madeIn, ...[...nested, ...waiters].flatMap(({ frames }) => frames.map(({ file }) => file))];
  const packages = files.flatMap((file) => packageNameOf(file) ?? []);
  const names = packages.length > 0 ? packages.join(' ') : (acquiredAt?.code ?? '').replace(/\(.*/s, '');
  if (LOCKS.test(names)) return 'lock';
  return CONNECTIONS.test(names) || /connect/i.test(names) ? 'connection' : 'slot';
}
