import { userInfo } from 'node:os';

/** Who runs this, as the system calls him: a container may run as a number that has no name. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return process.getuid ? `user ${process.getuid()}` : 'somebody';
  }
}
