import { constants } from 'node:os';
import { wrongType } from './check.ts';

const names = new Map(Object.entries(constants.errno).map(([name, errno]) => [errno, name]));
// Two names for one number on Linux and macOS: the one that kqueue(2) and its readers use.
names.set(constants.errno.EAGAIN, 'EAGAIN');
if (constants.errno.EOPNOTSUPP !== undefined) names.set(constants.errno.EOPNOTSUPP, 'EOPNOTSUPP');

/**
 * errno(2): the running system's name for an error number, `ENOENT` for 2; `errno 12345` for one that it has no name for.
 * @throws TypeError for what is no number
 */
export function errnoName(errno: number): string {
  if (typeof errno !== 'number') throw wrongType('errno', 'a number', errno);
  return names.get(errno) ?? `errno ${errno}`;
}
