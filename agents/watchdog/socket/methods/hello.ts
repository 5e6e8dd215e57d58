import { type Hello, PROTOCOL } from '../../../../src/protocol/hello.ts';
import { snapshotPrefix } from './dump.ts';
import { type Method, RequestError, type Target } from './types.ts';

/** Who this is: `Hello`. */
export function hello(target: Target): Method<'hello'> {
  return (): Hello => {
    if (target.isLeaving()) throw new RequestError('The agent is about to leave.', 'leaving');
    const { pid, argv, evdiagVersion, nodeVersion } = target.header;
    return {
      protocol: PROTOCOL,
      pid,
      family: target.family,
      argv,
      evdiagVersion,
      nodeVersion,
      level: target.level(),
      uptimeMs: target.uptimeMs(),
      threads: target.threads().map(({ threadId }) => threadId),
      files: { folders: [...target.folders], prefix: snapshotPrefix(target.header) },
    };
  };
}
