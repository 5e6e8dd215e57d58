import type { Level } from '../recording/types.ts';
import type { Connection } from './connect.ts';

/** Raises or lowers the level of a process that is connected, for all its threads. Rejects with TargetError. */
export async function askLevel(connection: Connection, level: Level): Promise<void> {
  await connection.request('set-level', { level });
}
